import { closeSync, constants, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeDevice } from '../../../src-main/system/linux/attributes.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

const { attributes } = createLinuxSystem();
const isRoot = process.getuid?.() === 0;
let folder = '';
let file = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'selkie-attributes-'));
  file = join(folder, 'file');
  writeFileSync(file, 'x');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('extended attributes are set, read, listed and removed, whatever their bytes', () => {
  expect(attributes.getXattr(file, 'user.none')).toBeUndefined();
  attributes.setXattr(file, 'user.one', Buffer.from([0, 1, 255]));
  attributes.setXattr(file, 'user.empty', new Uint8Array(0));
  expect([...(attributes.getXattr(file, 'user.one') ?? [])]).toEqual([0, 1, 255]);
  expect(attributes.getXattr(file, 'user.empty')).toHaveLength(0);
  expect(attributes.listXattrs(file).sort()).toEqual(['user.empty', 'user.one']);
  attributes.removeXattr(file, 'user.one');
  attributes.removeXattr(file, 'user.one');
  expect(attributes.listXattrs(file)).toEqual(['user.empty']);
  expect(() => attributes.setXattr(join(folder, 'nope'), 'user.a', Buffer.from('x'))).toThrow(
    expect.objectContaining({ code: 'not-found' }),
  );
});

test('times have nanoseconds, may lie before 1970, and are set on the link itself', () => {
  const link = join(folder, 'link');
  symlinkSync(file, link);
  attributes.setTimes(link, 1n, -1_500_000_001n);
  const { atimeNs, mtimeNs } = lstatSync(link, { bigint: true });
  expect(atimeNs).toBe(1n);
  expect(mtimeNs).toBe(-1_500_000_001n);
  attributes.setTimes(file, 0n, 1_700_000_000_123_456_789n);
  expect(lstatSync(file, { bigint: true }).mtimeNs).toBe(1_700_000_000_123_456_789n);
});

test('device numbers are encoded as the kernel wants them', () => {
  expect(encodeDevice(1, 3)).toBe(0x103);
  expect(encodeDevice(259, 0x12345)).toBe(0x12310345);
});

test('a fifo is made', () => {
  attributes.makeFifo(join(folder, 'fifo'), 0o640);
  const stat = lstatSync(join(folder, 'fifo'));
  expect(stat.isFIFO()).toBe(true);
  expect(() => attributes.makeFifo(join(folder, 'fifo'), 0o640)).toThrow(expect.objectContaining({ code: 'already-exists' }));
});

test.skipIf(!isRoot)('a device node is made (needs root)', () => {
  attributes.makeNode(join(folder, 'null'), 0o020666, 1, 3);
  const stat = lstatSync(join(folder, 'null'));
  expect(stat.isCharacterDevice()).toBe(true);
  expect(stat.rdev).toBe(0x103);
});

test('a path is resolved inside a hostile root', () => {
  const root = join(folder, 'root');
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), 'inside');
  symlinkSync('/etc/passwd', join(root, 'etc/absolute'));
  symlinkSync('../../../../../../etc/passwd', join(root, 'etc/upwards'));
  symlinkSync('/proc/self/root/etc/passwd', join(root, 'etc/magic'));
  for (const path of ['/etc/passwd', 'etc/absolute', 'etc/upwards', '../../etc/passwd']) {
    const fd = attributes.openInRoot(root, path, constants.O_RDONLY);
    expect(readFileSync(fd, 'utf8')).toBe('inside');
    closeSync(fd);
  }
  expect(() => attributes.openInRoot(root, 'etc/magic', constants.O_RDONLY)).toThrow(expect.objectContaining({ code: 'not-found' }));
  const fd = attributes.openInRoot(root, 'etc/new', constants.O_WRONLY | constants.O_CREAT, 0o600);
  closeSync(fd);
  expect(lstatSync(join(root, 'etc/new')).mode & 0o777).toBe(0o600);
});
