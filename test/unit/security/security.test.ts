import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { decodeMask } from '../../../src-main/engine/security/capabilities.ts';
import { kernelAtLeast } from '../../../src-main/engine/security/seccomp.ts';
import {
  capabilitiesFor,
  engineBoundingSet,
  loadSeccomp,
  maskedPathsFor,
  mergeCapabilities,
  normalizeCapability,
  parseSecurityOptions,
} from '../../../src-main/engine/security/security.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

const system = createLinuxSystem();
const folder = mkdtempSync('/tmp/selkie-security-');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('capabilities', () => {
  test('names in any form', () => {
    expect(['chown', 'CAP_CHOWN', ' cap_chown', 'ALL', 'all'].map(normalizeCapability)).toEqual([
      'CAP_CHOWN',
      'CAP_CHOWN',
      'CAP_CHOWN',
      'ALL',
      'ALL',
    ]);
    expect(() => normalizeCapability('FOO')).toThrow('"CAP_FOO": unknown capability');
  });

  test("Podman's arithmetic", () => {
    expect(mergeCapabilities(['CHOWN', 'KILL'], ['NET_ADMIN'], ['KILL'])).toEqual(['CAP_CHOWN', 'CAP_NET_ADMIN']);
    expect(mergeCapabilities(['CHOWN', 'KILL'], ['SYS_TIME'], ['ALL'])).toEqual(['CAP_SYS_TIME']);
    expect(mergeCapabilities(['CHOWN'], ['ALL'], ['CHOWN'])).toEqual(
      [...engineBoundingSet()].filter((name) => name !== 'CAP_CHOWN').sort(),
    );
    expect(() => mergeCapabilities([], ['ALL'], ['all'])).toThrow('adding all caps and removing all caps not allowed');
    expect(() => mergeCapabilities([], ['net_admin'], ['NET_ADMIN'])).toThrow('capability "CAP_NET_ADMIN" cannot be dropped and added');
  });

  test('the mask of /proc/self/status', () => {
    expect(decodeMask('0000000000000001')).toEqual(['CAP_CHOWN']);
    expect(decodeMask('000001ffffffffff')).toHaveLength(41);
    expect(decodeMask('8000000000000000')).toEqual([]);
  });

  test('root has all in force, another user only what was added by name', () => {
    const [first = ''] = engineBoundingSet();
    const request = { defaults: engineBoundingSet().slice(0, 3), add: [first], drop: [], privileged: false };
    expect(capabilitiesFor(request, true).effective).toHaveLength(3);
    expect(capabilitiesFor(request, true).ambient).toBeUndefined();
    const user = capabilitiesFor(request, false);
    expect(user.bounding).toHaveLength(3);
    for (const set of [user.effective, user.permitted, user.inheritable, user.ambient]) expect(set).toEqual([first]);
    expect(capabilitiesFor({ ...request, privileged: true }, true).effective).toHaveLength(engineBoundingSet().length);
  });
});

describe('security options', () => {
  const parse = (...words: string[]) => parseSecurityOptions(words, system);

  test("each word, in both of Podman's forms", () => {
    expect(parse('no-new-privileges', 'seccomp=unconfined', 'mask=/a:/b', 'unmask=/c', 'label=disable', 'apparmor=unconfined')).toEqual({
      ...{ noNewPrivileges: true, seccomp: 'unconfined', apparmor: undefined, mask: ['/a', '/b'], unmask: ['/c'], warnings: [] },
    });
    expect(parse('no-new-privileges:false', 'seccomp:/x.json')).toMatchObject({ noNewPrivileges: false, seccomp: '/x.json' });
  });

  test.each(['foo', 'no-new-privileges=maybe', 'mask=relative', 'mask=', 'label=nonsense', ''])('%j is refused', (word) => {
    expect(() => parse(word)).toThrow(/invalid --security-opt/);
  });

  test('masked paths: shown by name, by glob, all; none when privileged', () => {
    const none = { privileged: false, mask: [], unmask: [] };
    expect(maskedPathsFor(none).masked).toContain('/proc/kcore');
    expect(maskedPathsFor({ ...none, unmask: ['/proc/kcore', '/proc/s*'] })).toEqual({
      masked: maskedPathsFor(none).masked.filter((path) => path !== '/proc/kcore' && !path.startsWith('/proc/s')),
      readOnly: ['/proc/asound', '/proc/bus', '/proc/fs', '/proc/irq'],
    });
    expect(maskedPathsFor({ ...none, unmask: ['ALL'], mask: ['/x'] })).toEqual({ masked: ['/x'], readOnly: [] });
    expect(maskedPathsFor({ ...none, privileged: true })).toEqual({ masked: [], readOnly: [] });
  });
});

describe('seccomp', () => {
  const profile = (content: unknown): string => {
    const path = join(folder, `${Math.random()}.json`);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  const rule = { action: 'SCMP_ACT_ALLOW', args: [] };
  const conditional = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    archMap: [
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] },
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
    ],
    syscalls: [
      { ...rule, names: ['always'], comment: 'not looked at' },
      { ...rule, names: ['with-cap'], includes: { caps: ['CAP_SYS_ADMIN'] } },
      { ...rule, names: ['without-cap'], excludes: { caps: ['CAP_SYS_ADMIN'] }, action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
      { ...rule, names: ['never'], includes: { arches: ['pdp11'] } },
      { ...rule, names: ['old-kernel'], includes: { minKernel: '4.8' } },
      { ...rule, names: ['new-kernel'], includes: { minKernel: '99.0' } },
      { ...rule, name: 'old-form', args: [{ index: 1, value: 7, valueTwo: 0, op: 'SCMP_CMP_EQ' }] },
    ],
  };

  test('conditions are decided', () => {
    const path = profile(conditional);
    const names = (bounding: string[]) => loadSeccomp(path, '', bounding)?.syscalls.flatMap((entry) => entry.names);
    expect(names([])).toEqual(['always', 'without-cap', 'old-kernel', 'old-form']);
    expect(names(['CAP_SYS_ADMIN'])).toEqual(['always', 'with-cap', 'old-kernel', 'old-form']);
    const seccomp = loadSeccomp(path, '', []);
    expect(seccomp).toMatchObject({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38 });
    expect(seccomp?.architectures).toHaveLength(2);
    expect(seccomp?.syscalls[1]).toEqual({ names: ['without-cap'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 });
    expect(seccomp?.syscalls[3]?.args).toEqual([{ index: 1, value: 7, op: 'SCMP_CMP_EQ' }]);
  });

  test('a changed file is read again, an unchanged one is not', () => {
    const path = profile({ ...conditional, syscalls: [] });
    const first = loadSeccomp(path, '', []);
    expect(loadSeccomp(path, '', [])).toBe(first);
    writeFileSync(path, JSON.stringify(conditional));
    expect(loadSeccomp(path, '', [])?.syscalls).toHaveLength(4);
  });

  test('the configured profile is the default; unconfined is none', () => {
    expect(loadSeccomp('default', profile(conditional), [])?.syscalls).toHaveLength(4);
    expect(loadSeccomp('unconfined', '', [])).toBeUndefined();
  });

  test.each([
    ['not JSON', 'decoding seccomp profile failed'],
    [{ defaultAction: 'SCMP_ACT_FOO' }, 'defaultAction'],
    [{ ...conditional, syscalls: [{ ...rule, names: ['x'], args: [{ index: 9, value: 1, op: 'SCMP_CMP_EQ' }] }] }, 'index'],
    [[], 'decoding seccomp profile failed'],
  ])('a broken profile is refused: %j', (content, words) => {
    expect(() => loadSeccomp(profile(content), '', [])).toThrow(words);
  });

  test('a missing one too, never taken for none', () => {
    expect(() => loadSeccomp('/nowhere.json', '', [])).toThrow(
      'opening seccomp profile failed: open /nowhere.json: no such file or directory',
    );
    expect(() => loadSeccomp('/tmp', '', [])).toThrow('not a file');
  });

  test('kernel versions', () => {
    expect(kernelAtLeast('4.8', '4.8.0-1-amd64')).toBe(true);
    expect(kernelAtLeast('4.8', '4.7.99')).toBe(false);
    expect(kernelAtLeast('4.8', '5.0-rc1')).toBe(true);
    expect(kernelAtLeast('99.1', release())).toBe(false);
  });
});
