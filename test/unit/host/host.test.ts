import { expect, test } from 'vitest';
import type { CheckTextKey } from '../../../src-main/contract/system.ts';
import { checkHost } from '../../../src-main/engine/host/host.ts';
import { isKernelAtLeast } from '../../../src-main/engine/host/kernel-lines.ts';
import { installCommand } from '../../../src-main/engine/host/packages.ts';
import { sentences } from '../../../src-main/engine/host/sentences.ts';
import { findVersion } from '../../../src-main/engine/host/tool-lines.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import type { System } from '../../../src-main/system/system.ts';

const real = createLinuxSystem();
const rootless = { ...real.identity, uid: 1000, hostUid: 1000, rootless: true, userName: 'selkie-no-such-user' };

function host(change: Partial<{ [K in keyof System]: Partial<System[K]> }>): System {
  return {
    ...real,
    files: { ...real.files, ...change.files },
    processes: { ...real.processes, ...change.processes },
    cgroups: { ...real.cgroups, ...change.cgroups },
    identity: { ...real.identity, ...change.identity },
  };
}

async function lineOf(system: System, id: string) {
  const line = (await checkHost(system)).find((candidate) => candidate.id === id);
  if (!line) throw new Error(`no line ${id}`);
  return line;
}

test('every line says why it matters, and what to do unless it is ok', async () => {
  const bare = host({ identity: rootless, processes: { find: () => undefined } });
  for (const line of [...(await checkHost(real)), ...(await checkHost(bare))]) {
    expect(line.title).not.toBe('');
    expect(line.value).not.toBe('');
    expect(line.why).toMatch(/^\S.*[.:]?.*\.$/);
    expect(line.fix === '').toBe(line.status === 'ok');
    if (line.command !== '') expect(line.status).not.toBe('ok');
  }
});

test('a missing tool is missing or degraded by what depends on it', async () => {
  const without = (program: string) =>
    host({ identity: rootless, processes: { find: (name) => (name === program ? undefined : real.processes.find(name)) } });
  expect(await lineOf(without('conmon'), 'tool:conmon')).toMatchObject({
    status: 'missing',
    command: expect.stringMatching(/conmon$/) as string,
  });
  expect(await lineOf(without('catatonit'), 'tool:catatonit')).toMatchObject({ status: 'degraded' });
  expect(await lineOf(without('fuse-overlayfs'), 'tool:fuse-overlayfs')).toMatchObject({ status: 'ok' });
  expect(await lineOf(without('newuidmap'), 'tool:newuidmap')).toMatchObject({ status: 'missing' });
});

test('no subordinate ids: the command that gives them', async () => {
  expect(await lineOf(host({ identity: rootless }), 'subuid')).toMatchObject({
    status: 'missing',
    command: expect.stringMatching(/^sudo usermod --add-subuids \d+-\d+ selkie-no-such-user$/) as string,
  });
});

test('cgroups that give us nothing are degraded, and limits are named', async () => {
  for (const version of ['v1', 'v2', 'hybrid', 'none'] as const) {
    const line = await lineOf(host({ identity: rootless, cgroups: { version, availableControllers: () => [] } }), 'cgroups');
    expect(line.status).toBe('degraded');
    if (version !== 'none') expect(line.fix).toMatch(/memory, cpu, pids/);
  }
  const whole = host({ cgroups: { version: 'v2', availableControllers: () => ['cpu', 'memory', 'pids'] } });
  expect(await lineOf(whole, 'cgroups')).toMatchObject({ status: 'ok', value: 'v2: cpu memory pids' });
});

test('a forbidden user namespace is missing, with the switch that allows it', async () => {
  const files = { readTextIfExists: (path: string) => (path.endsWith('max_user_namespaces') ? '0\n' : undefined) };
  expect(await lineOf(host({ identity: rootless, files }), 'user-namespaces')).toMatchObject({
    status: 'missing',
    command: expect.stringContaining('user.max_user_namespaces') as string,
  });
});

test('kernel versions', () => {
  expect(isKernelAtLeast(4, 18, '4.18.0-305.el8.x86_64')).toBe(true);
  expect(isKernelAtLeast(4, 18, '4.9.337')).toBe(false);
  expect(isKernelAtLeast(5, 11, '6.1.0-18-amd64')).toBe(true);
});

test('versions as the tools print them', () => {
  expect(findVersion('crun version 1.8.1\ncommit: 5.5\n', 'crun')).toBe('1.8.1');
  expect(findVersion('fusermount3 version: 3.14.0\nfuse-overlayfs: version 1.10\nFUSE library version 3.14.0\n', 'fuse-overlayfs')).toBe(
    '1.10',
  );
  expect(findVersion('pasta unknown version\n… <https://www.gnu.org/licenses/agpl-3.0.html>\n', 'pasta')).toBeUndefined();
  expect(findVersion('tini version 0.1.7_catatonit', 'catatonit')).toBe('0.1.7_catatonit');
  expect(findVersion('nsenter from util-linux 2.38.1', 'nsenter')).toBe('2.38.1');
});

test('the command that installs a tool, by distribution', () => {
  expect(installCommand('pasta', false, 'ID=debian\n')).toBe('sudo apt-get install -y passt');
  expect(installCommand('newuidmap', true, 'ID=rocky\nID_LIKE="rhel centos fedora"\n')).toBe('dnf install -y shadow-utils');
  expect(installCommand('crun', false, 'ID=something\n')).toBe('');
});

test('what a line says and the keys that translations hang on are the same', async () => {
  const bare = host({ identity: rootless, processes: { find: () => undefined } });
  for (const line of [...(await checkHost(real)), ...(await checkHost(bare))]) {
    const said = (keys: readonly CheckTextKey[]) =>
      keys.map((key) => sentences[key].replace(/\{\{(\w+)\}\}/g, (_, name: string) => line.values[name] ?? 'missing')).join(' ');
    expect(line.fix).toBe(said(line.fixKeys));
    if (line.valueKey !== undefined) expect(line.value).toBe(said([line.valueKey]));
  }
});
