import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { readStorageConfig } from '../../../src-main/engine/config/storage-config.ts';
import type { Identity } from '../../../src-main/system/system.ts';

const directory = mkdtempSync(join(tmpdir(), 'selkie-storage-conf-'));
afterAll(() => rmSync(directory, { recursive: true }));

const identity: Identity = {
  ...{ uid: 0, gid: 0, rootless: true, hostUid: 1000, hostGid: 1000, userName: 'u', homeDirectory: join(directory, 'home') },
  ...{ uidMap: [], gidMap: [], bootId: 'b' },
};
const asRoot: Identity = { ...identity, rootless: false, hostUid: 0 };
let files = 0;

type Options = Parameters<typeof readStorageConfig>[0];

/** With one file that counts, whatever this host has in /etc. */
function read(
  text: string,
  { options = {}, environment = {}, as = asRoot }: { options?: Options; environment?: Record<string, string>; as?: Identity } = {},
) {
  const path = join(directory, `${String((files += 1))}.conf`);
  writeFileSync(path, text);
  return readStorageConfig(options, as, { CONTAINERS_STORAGE_CONF: path, ...environment });
}

function refusal(code: string, words: RegExp) {
  return expect.objectContaining({ code, message: expect.stringMatching(words) as string }) as Error;
}

describe('places', () => {
  test('the user’s places are used, in a folder of our own', () => {
    expect(read('[storage]\ngraphroot = "/data/c"\nrunroot = "/fast/run"\n')).toMatchObject({
      graphRoot: '/data/c/selkie',
      runRoot: '/fast/run/selkie',
    });
  });

  test('where Podman keeps its own by default stays Podman’s', () => {
    expect(read('[storage]\ngraphroot = "/var/lib/containers/storage"\nrunroot = "/run/containers/storage"\n')).toMatchObject({
      graphRoot: '/var/lib/selkie',
      runRoot: '/run/selkie',
    });
    const home = '[storage]\ngraphroot = "$HOME/.local/share/containers/storage"\n';
    expect(read(home, { as: identity }).graphRoot).toBe(join(directory, 'home/.local/share/selkie'));
  });

  test('a user’s own file gives graphroot before rootless_storage_path, and both may hold variables', () => {
    const both = '[storage]\ngraphroot = "$HOME/a"\nrootless_storage_path = "/b/$USER/$UID"\n';
    expect(read(both, { as: identity }).graphRoot).toBe(join(directory, 'home/a/selkie'));
    expect(read('[storage]\nrootless_storage_path = "/b/$USER/${UID}"\n', { as: identity }).graphRoot).toBe('/b/u/1000/selkie');
  });

  test('--root and --runroot are taken as they are', () => {
    const given = { root: '/x', runRoot: '/y' };
    expect(read('[storage]\ngraphroot = "/data"\n', { options: given })).toMatchObject({ graphRoot: '/x', runRoot: '/y' });
  });

  test('a relative place is refused', () => {
    expect(() => read('[storage]\ngraphroot = "data"\n')).toThrow(refusal('invalid-argument', /graphroot has to be an absolute path/));
  });
});

describe('the one file that counts', () => {
  const own = join(directory, 'home/.config/containers');
  beforeEach(() => mkdirSync(own, { recursive: true }));

  test('a user’s own file replaces the system’s', () => {
    writeFileSync(join(own, 'storage.conf'), '[storage]\ndriver = "vfs"\n[storage.options.overlay]\nmountopt = "nodev"\n');
    const config = readStorageConfig({}, identity, {});
    expect(config).toMatchObject({ storageDriver: 'vfs', storageOptions: ['overlay.mountopt=nodev'] });
    expect(config.sources).toContain(`${join(own, 'storage.conf')}: storage.driver`);
    rmSync(join(own, 'storage.conf'));
  });

  test('a named file that is not there is said to be missing', () => {
    expect(() => readStorageConfig({}, identity, { CONTAINERS_STORAGE_CONF: '/no/such' })).toThrow(
      refusal('invalid-argument', /names \/no\/such/),
    );
  });
});

describe('driver', () => {
  test.each([
    ['overlay', 'overlay', []],
    ['overlay2', 'overlay', []],
    ['vfs', 'vfs', []],
    ['fuse-overlayfs', 'overlay', ['overlay.mount_program=fuse-overlayfs']],
    ['', undefined, []],
  ] as const)('%s', (word, storageDriver, storageOptions) => {
    expect(read(`[storage]\ndriver = "${word}"\n`)).toMatchObject({ storageDriver, storageOptions });
    expect(read('', { environment: { STORAGE_DRIVER: word } })).toMatchObject({ storageDriver, storageOptions });
    expect(read('', { options: { storageDriver: word } })).toMatchObject({ storageDriver, storageOptions });
  });

  test('the option wins over the environment, that over the file', () => {
    const environment = { STORAGE_DRIVER: 'vfs' };
    expect(read('[storage]\ndriver = "overlay"\n', { environment }).storageDriver).toBe('vfs');
    expect(read('', { environment, options: { storageDriver: 'overlay' } }).storageDriver).toBe('overlay');
  });

  test('another is refused with what there is', () => {
    for (const word of ['btrfs', 'zfs', 'devicemapper', 'aufs'])
      expect(() => read(`[storage]\ndriver = "${word}"\n`)).toThrow(refusal('unsupported', new RegExp(word)));
  });
});

describe('options', () => {
  const file =
    '[storage.options]\nadditionalimagestores = ["/ro"]\nmountopt = "nosuid"\nsize = "1G"\n[storage.options.overlay]\nmountopt = "nodev"\nmount_program = "/usr/bin/fuse-overlayfs"\nignore_chown_errors = "false"\n';

  test('of the file, the newer place before the older', () => {
    expect(read(file).storageOptions).toEqual([
      'overlay.mountopt=nodev',
      'overlay.mount_program=/usr/bin/fuse-overlayfs',
      'overlay.ignore_chown_errors=false',
      'overlay.size=1G',
      'overlay.imagestore=/ro',
    ]);
  });

  test('STORAGE_OPTS comes after them; --storage-opt in place of all, also when it is empty', () => {
    const environment = { STORAGE_OPTS: 'overlay.mountopt=noexec,overlay.mount_program=' };
    expect(read('[storage.options.overlay]\nmountopt = "nodev"\n', { environment }).storageOptions).toEqual([
      'overlay.mountopt=nodev',
      'overlay.mountopt=noexec',
      'overlay.mount_program=',
    ]);
    expect(read(file, { environment, options: { storageOptions: ['overlay.mountopt=nosuid'] } }).storageOptions).toEqual([
      'overlay.mountopt=nosuid',
    ]);
    expect(read(file, { environment, options: { storageOptions: [''] } }).storageOptions).toEqual([]);
  });

  test('a driver that is given leaves the file’s out: they are another driver’s', () => {
    expect(read(file, { options: { storageDriver: 'vfs' } }).storageOptions).toEqual([]);
    expect(read(file, { environment: { STORAGE_DRIVER: 'vfs' } }).storageOptions).toEqual([]);
  });

  test.each([
    ['[storage]\nimagestore = "/other"\n', /storage\.imagestore/],
    ['[storage]\ntransient_store = true\n', /transient_store/],
    ['[storage.options]\nremap-uids = "0:1000:10"\n', /remap-uids/],
    ['[storage.options]\nremap-user = "containers"\n', /remap-user/],
  ])('what would put data elsewhere is refused: %s', (text, words) => {
    expect(() => read(text)).toThrow(refusal('unsupported', words));
  });

  test('what Podman also ships as empty is no wish', () => {
    const shipped =
      '[storage]\ndriver = "overlay"\ntransient_store = false\n[storage.options]\nadditionalimagestores = [\n]\npull_options = {enable_partial_images = "false"}\n[storage.options.overlay]\nmountopt = "nodev,metacopy=on"\n[storage.options.thinpool]\n';
    expect(read(shipped)).toMatchObject({ storageDriver: 'overlay', storageOptions: ['overlay.mountopt=nodev,metacopy=on'] });
  });
});
