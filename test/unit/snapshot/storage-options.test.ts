import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkVfsOptions, imageStoresIn, parseOverlayOptions } from '../../../src-main/engine/snapshot/storage-options.ts';

const directory = mkdtempSync(join(tmpdir(), 'selkie-storage-options-'));
afterAll(() => rmSync(directory, { recursive: true }));

const refused = (option: string) =>
  expect.objectContaining({ code: 'unsupported', message: expect.stringContaining(option) as string }) as Error;

test('mount options, in each of the forms that Podman takes', () => {
  for (const name of ['overlay.mountopt', 'overlay2.mountopt', '.mountopt', 'mountopt'])
    expect(parseOverlayOptions([`${name}=nodev,,nosuid`])).toEqual({
      flags: ['nodev', 'nosuid'],
      mountProgram: undefined,
      imageStores: [],
      notes: [],
    });
});

test('a mount program, the last one named; empty takes it back', () => {
  expect(parseOverlayOptions(['overlay.mount_program=/a', 'overlay.mount_program=/b']).mountProgram).toBe('/b');
  expect(parseOverlayOptions(['overlay.mount_program=/a', 'overlay.mount_program=']).mountProgram).toBeUndefined();
});

test('what is not done is said', () => {
  mkdirSync(join(directory, 'podman/overlay-images'), { recursive: true });
  const { notes, imageStores } = parseOverlayOptions(['overlay.mountopt=nodev,metacopy=on', `overlay.imagestore=${directory}/podman`]);
  expect(notes).toHaveLength(2);
  expect(notes.join()).toMatch(/metacopy=on is not used.*is not used: it is not one of Selkie's; .* system import --from podman --root /);
  expect(imageStores).toEqual([]);
});

test.each([
  'overlay.size=1G',
  'overlay.inodes=5',
  'overlay.force_mask=shared',
  'overlay.ignore_chown_errors=true',
  'overlay.use_composefs=true',
  'overlay.mountopt=volatile',
  'overlay.nosuch=1',
  'btrfs.min_space=1',
  'zfs.fsname=tank',
  'dm.basesize=1',
  'nosuch',
  '=',
  '',
])('refused by name: %s', (option) => {
  expect(() => parseOverlayOptions([option])).toThrow(refused(option.split('=')[1] === 'volatile' ? 'volatile' : option));
});

test('what is off anyhow may be named as off', () => {
  const off = ['overlay.ignore_chown_errors=false', 'overlay.size=', 'overlay.force_mask=', 'overlay.skip_mount_home=true'];
  expect(parseOverlayOptions(off)).toMatchObject({ flags: [], notes: [] });
});

test('additional stores, several by one option or by more, whether they are there or not', () => {
  const options = [`overlay.imagestore=${directory},/nosuch/`, '.imagestore=/more', 'overlay.additionalimagestore=/other'];
  expect(parseOverlayOptions(options).imageStores).toEqual([directory, '/nosuch', '/more', '/other']);
  expect(imageStoresIn([...options, 'overlay.mountopt=nodev'])).toEqual([directory, '/nosuch/', '/more', '/other']);
});

test('options of the other driver matter only when they were meant for this one', () => {
  expect(parseOverlayOptions(['vfs.anything=1'])).toMatchObject({ flags: [] });
  checkVfsOptions(['overlay.mountopt=nodev', 'vfs.ignore_chown_errors=false'], false);
  expect(() => checkVfsOptions(['overlay.mountopt=nodev'], true)).toThrow(refused('overlay.mountopt=nodev'));
  expect(() => checkVfsOptions(['vfs.ignore_chown_errors=true'], false)).toThrow(refused('ignore_chown_errors=true'));
});
