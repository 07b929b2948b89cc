import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig, parseSizeBytes } from '../../../src-main/engine/config/config.ts';
import type { Identity } from '../../../src-main/system/system.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'selkie-config-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

function load(options: Parameters<typeof loadConfig>[0]['options'] = {}, environment: Record<string, string> = {}, rootless = true) {
  const identity: Identity = {
    uid: 0,
    gid: 0,
    rootless,
    hostUid: 1000,
    hostGid: 1000,
    userName: 'ann',
    homeDirectory: join(directory, 'home'),
    uidMap: [],
    gidMap: [],
    bootId: 'b',
  };
  const processes = { find: () => undefined } as unknown as Parameters<typeof loadConfig>[0]['system']['processes'];
  const empty = join(directory, 'empty.conf');
  writeFileSync(empty, '');
  return loadConfig({
    system: { identity, processes },
    options,
    environment: { CONTAINERS_CONF: empty, CONTAINERS_STORAGE_CONF: empty, ...environment },
    resources: '/r',
  });
}

test('defaults are Podman’s, below folders of our own', () => {
  const config = load({}, { XDG_RUNTIME_DIR: directory });
  expect(config).toMatchObject({
    graphRoot: join(directory, 'home/.local/share/selkie'),
    runRoot: join(directory, 'selkie'),
    ociRuntime: 'crun',
  });
  expect(config.defaults).toMatchObject({ pidsLimit: 2048, shmSizeBytes: 65_536 * 1024, stopTimeoutSeconds: 10 });
  expect(load({}, {}, false)).toMatchObject({ graphRoot: '/var/lib/selkie', runRoot: '/run/selkie' });
});

test('options win over files, files over defaults, and sources are named', () => {
  const file = join(directory, 'c.conf');
  writeFileSync(file, '[containers]\npids_limit = 7\nshm_size = "1m"\n[engine]\nruntime = "runc"\n');
  const config = load({ runtime: '/opt/crun' }, { CONTAINERS_CONF: file });
  expect(config.ociRuntime).toBe('/opt/crun');
  expect(config.defaults).toMatchObject({ pidsLimit: 7, shmSizeBytes: 1024 ** 2 });
  expect(config.sources).toContain(`${file}: containers.pids_limit`);
});

describe('words for what is wrong', () => {
  test('a file that is not TOML is named with its line', () => {
    const file = join(directory, 'c.conf');
    writeFileSync(file, '[containers]\npids_limit = \n');
    expect(() => load({}, { CONTAINERS_CONF: file }).defaults).toThrow(
      expect.objectContaining({ code: 'invalid-argument', message: expect.stringContaining(`${file}:2`) as string }),
    );
  });

  test('a value of the wrong type names file and key', () => {
    const file = join(directory, 'c.conf');
    writeFileSync(file, '[containers]\npids_limit = "many"\n');
    expect(() => load({}, { CONTAINERS_CONF: file }).defaults).toThrow(/c\.conf: containers\.pids_limit has to be a whole number/);
  });

  test('an unknown driver, backend or manager is refused with the alternative', () => {
    expect(() => load({ storageDriver: 'btrfs' })).toThrow(expect.objectContaining({ code: 'unsupported' }));
    expect(() => load({ networkBackend: 'cni' })).toThrow(expect.objectContaining({ code: 'unsupported' }));
    expect(() => load({ cgroupManager: 'x' })).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });

  test('another program’s store is never written into', () => {
    mkdirSync(join(directory, 'store', 'overlay-layers'), { recursive: true });
    expect(() => load({ root: join(directory, 'store') })).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });
});

test('storage.conf’s place is used, in a folder of our own', () => {
  const file = join(directory, 's.conf');
  writeFileSync(file, '[storage]\ndriver = "overlay"\ngraphroot = "/data/containers"\n');
  expect(load({}, { CONTAINERS_STORAGE_CONF: file }, false).graphRoot).toBe('/data/containers/selkie');
});

test('sizes', () => {
  expect(parseSizeBytes('512m', 'x')).toBe(512 * 1024 ** 2);
  expect(parseSizeBytes('1.5G', 'x')).toBe(1.5 * 1024 ** 3);
  expect(parseSizeBytes('10', 'x')).toBe(10);
  expect(() => parseSizeBytes('ten', 'x')).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
});
