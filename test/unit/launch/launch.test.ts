import { expect, test } from 'vitest';
import { freeSubordinateRange, mapArguments, parseSubordinateRanges } from '../../../src-main/engine/host/subordinate-ids.ts';
import { userNamespaceError } from '../../../src-main/engine/host/user-namespaces.ts';
import { parseGlobalArguments, toGlobalArguments } from '../../../src-main/launch/global-arguments.ts';
import { lackingSandbox } from '../../../src-main/launch/sandbox.ts';
import { makeSandbox } from '../../../src-main/launch/make-sandbox.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

const system = createLinuxSystem();
const whole = [{ containerId: 0, hostId: 0, size: 4_294_967_295 }];
const mapped = [
  { containerId: 0, hostId: 1000, size: 1 },
  { containerId: 1, hostId: 100_000, size: 65_536 },
];

test('options survive their way through a command line', () => {
  const options = { root: '/a b', runRoot: '--odd', storageOptions: ['x=1', 'y=2'], runtime: 'runc', cgroupManager: 'cgroupfs' };
  expect(parseGlobalArguments(toGlobalArguments(options))).toEqual(options);
  expect(parseGlobalArguments(toGlobalArguments({ root: undefined }))).toEqual({});
  expect(() => parseGlobalArguments(['--nonsense'])).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  expect(() => parseGlobalArguments(['word'])).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
});

test('ranges of a user, by name and by number, several of them, without the nonsense', () => {
  const text = 'anna:100000:65536\n1000:300000:10\nbert:1:1\nanna:x:1\nanna:5\n# anna:1:1\nanna:7:0\n';
  const ranges = parseSubordinateRanges(text, 'anna', 1000);
  expect(ranges).toEqual([
    { start: 100_000, size: 65_536 },
    { start: 300_000, size: 10 },
  ]);
  expect(mapArguments(1000, ranges)).toEqual('0 1000 1 1 100000 65536 65537 300000 10'.split(' '));
  expect(freeSubordinateRange([text])).toEqual({ first: 300_010, last: 365_545 });
  expect(freeSubordinateRange([''])).toEqual({ first: 100_000, last: 165_535 });
});

test('who needs a sandbox is told by ids and namespaces', () => {
  const of = (uid: number, uidMap: typeof whole, version: 'v1' | 'v2' | 'hybrid') =>
    lackingSandbox({ identity: { ...system.identity, uid, uidMap }, cgroups: { ...system.cgroups, version } });
  expect(of(1000, whole, 'v2')).toBe('user');
  expect(of(0, mapped, 'v2')).toBeUndefined();
  expect(of(0, whole, 'v2')).toBeUndefined();
  expect(of(0, whole, 'hybrid')).toBe('mount');
  expect(() => of(0, mapped.slice(0, 1), 'v2')).toThrow(expect.objectContaining({ code: 'denied' }));
});

test.each([
  ['/proc/sys/kernel/unprivileged_userns_clone', '0', /unprivileged_userns_clone=1/],
  ['/proc/sys/user/max_user_namespaces', '0', /max_user_namespaces=15000/],
  ['/proc/sys/kernel/apparmor_restrict_unprivileged_userns', '1', /apparmor_restrict_unprivileged_userns=0/],
])('a host that forbids user namespaces by %s is told how to allow them', (path, value, fix) => {
  const files = { ...system.files, readTextIfExists: (name: string) => (name === path ? `${value}\n` : undefined) };
  const error = userNamespaceError(files, 'unshare: Operation not permitted');
  expect(error.code).toBe('denied');
  expect(error.fix).toMatch(fix);
  expect(error.fix).toMatch(/^run: .*sudo sysctl --system$/);
});

test('without newuidmap the package is named', async () => {
  const processes = {
    ...system.processes,
    find: (program: string) => (program === 'newuidmap' ? undefined : system.processes.find(program)),
  };
  await expect(makeSandbox({ ...system, processes }, 'user')).rejects.toMatchObject({
    code: 'missing-tool',
    fix: expect.stringContaining('apt-get install uidmap') as string,
  });
});
