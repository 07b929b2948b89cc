import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { resolveUser } from '../../../src-main/engine/runtime/runtime.ts';
import { parseGroup, parsePasswd } from '../../../src-main/engine/runtime/user.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

const { attributes } = createLinuxSystem();
let root: string;
beforeEach(() => {
  root = mkdtempSync('/tmp/selkie-user-');
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nbob:x:1000:1001::/home/bob:\n# no:x:1:1\n+nis\n5:x:77:78::/five:\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nstaff:x:50:bob, root\nwheel:x:10:bob\nbob:x:1001:\n');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const resolve = (user: string, groups: string[] = []) => resolveUser(attributes, root, user, groups);

describe('user[:group]', () => {
  test.each([
    ['', { uid: 0, gid: 0, additionalGids: [50], home: '/root' }],
    ['bob', { uid: 1000, gid: 1001, additionalGids: [50, 10], home: '/home/bob' }],
    ['1000', { uid: 1000, gid: 1001, additionalGids: [50, 10], home: '/home/bob' }],
    ['bob:wheel', { uid: 1000, gid: 10, additionalGids: [], home: '/home/bob' }],
    ['1234', { uid: 1234, gid: 0, additionalGids: [], home: '/' }],
    ['1234:5678', { uid: 1234, gid: 5678, additionalGids: [], home: '/' }],
    // A name of digits is a name first.
    ['5', { uid: 77, gid: 78, additionalGids: [], home: '/five' }],
  ])('%j', (user, expected) => {
    expect(resolve(user)).toMatchObject(expected);
  });

  test('unknown names, numbers out of range', () => {
    expect(() => resolve('nope')).toThrow('unable to find user nope: no matching entries in passwd file');
    expect(() => resolve('bob:nope')).toThrow('unable to find group nope: no matching entries in group file');
    expect(() => resolve('', ['nope'])).toThrow('unable to find group nope');
    for (const wrong of ['-1', '4294967295', '99999999999', '1.5', '0x10']) expect(() => resolve(wrong)).toThrow('unable to find user');
  });

  test('added groups', () => {
    expect(resolve('bob', ['wheel', '7', '1001'])).toMatchObject({ additionalGids: [50, 10, 7], keepGroups: false });
    expect(resolve('bob', ['keep-groups'])).toMatchObject({ keepGroups: true, additionalGids: [50, 10] });
  });
});

describe('hostile files', () => {
  const passwd = (): string => join(root, 'etc/passwd');

  test('a symlink stays inside the root', () => {
    rmSync(passwd());
    symlinkSync('/../../../../../../etc/hostname', passwd());
    expect(resolve('')).toMatchObject({ uid: 0 });
    expect(() => resolve('root')).toThrow('unable to find user');
    rmSync(passwd());
    symlinkSync('/etc/group', passwd());
    expect(resolve('50')).toMatchObject({ uid: 50 });
  });

  test('a fifo, a folder, a loop and nothing at all count as empty, without waiting', () => {
    for (const make of [
      () => execFileSync('mkfifo', [passwd()]),
      () => mkdirSync(passwd()),
      () => symlinkSync('passwd', passwd()),
      () => undefined,
    ]) {
      rmSync(passwd(), { recursive: true, force: true });
      make();
      expect(resolve('7')).toMatchObject({ uid: 7, gid: 0 });
    }
  });

  test('an enormous one is refused', () => {
    truncateSync(passwd(), 1 << 30);
    expect(() => resolve('')).toThrow(/larger than 4 MiB/);
  });

  test('noise is no entry', () => {
    const noise = Array.from({ length: 2000 }, (_, index) => String.fromCharCode((index * 7919) % 0x250)).join('');
    for (const parse of [parsePasswd, parseGroup]) expect(parse(noise).every((entry) => Number.isSafeInteger(entry.gid))).toBe(true);
    expect(parsePasswd('a:x:1\nb:x:-1:2\nc:x:1:99999999999\nd::3:4\r\n')).toEqual([{ name: 'd', uid: 3, gid: 4, home: '/' }]);
  });
});
