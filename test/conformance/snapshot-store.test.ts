import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { snapshotStoreCases, strangePathCase } from './snapshot-store.ts';

interface Report {
  readonly name?: string;
  readonly error?: string;
  readonly status?: Readonly<Record<string, string>>;
}

const checkout = join(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'selkie-snapshots-'));
chmodSync(directory, 0o755);
const user = inject('rootlessUser');
const isRoot = process.getuid?.() === 0;

/** A copy of the cases as one file, where every user can read it. */
async function bundle(): Promise<string> {
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: join(import.meta.dirname, 'snapshot-store-child.ts'),
      outDir: join(directory, 'code'),
      target: 'node22',
      rolldownOptions: { external: ['koffi'], output: { entryFileNames: 'child.mjs' } },
    },
    ssr: { noExternal: true, external: ['koffi'] },
  });
  for (const library of ['koffi', '@koromix'])
    cpSync(join(checkout, 'node_modules', library), join(directory, 'code/node_modules', library), { recursive: true });
  execFileSync('chmod', ['-R', 'a+rX', directory]);
  return join(directory, 'code/child.mjs');
}

function runChild(child: string, name: string, command: readonly string[], owner: { uid: number; gid: number }): Report[] {
  const base = join(directory, name);
  mkdirSync(base);
  chownSync(base, owner.uid, owner.gid);
  return execFileSync('env', [...command, process.execPath, child, base], {
    encoding: 'utf8',
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Report);
}

const worlds = [
  {
    name: 'as root',
    lack: isRoot ? undefined : 'not run by root',
    command: ['unshare', '--mount', '--propagation', 'private'],
    owner: { uid: 0, gid: 0 },
    prefix: 'false',
  },
  {
    name: 'in a user namespace',
    lack: user ? undefined : inject('rootlessReason'),
    command: [
      ...(isRoot && user ? ['runuser', '-u', user.name, '--'] : []),
      ...['unshare', '--user', '--map-root-user', '--map-auto', '--mount', '--propagation', 'private'],
    ],
    owner: { uid: user?.uid ?? 0, gid: user?.gid ?? 0 },
    prefix: 'true',
  },
] as const;

afterAll(() => {
  // What the user namespace's other ids own is root's or that namespace's to remove.
  if (isRoot) rmSync(directory, { recursive: true, force: true });
  else execFileSync('unshare', ['--user', '--map-root-user', '--map-auto', 'rm', '-rf', directory]);
});

describe.each(worlds)('overlay snapshots $name', ({ name, lack, command, owner, prefix }) => {
  let reports: Report[] = [];
  beforeAll(async () => {
    if (lack === undefined) reports = runChild(await bundle(), name.replaceAll(' ', '-'), command, owner);
  });
  const because = lack === undefined ? '' : ` (skipped: ${lack})`;

  test.skipIf(lack !== undefined).each([...snapshotStoreCases, strangePathCase].map((entry) => entry.name))(`%s${because}`, (caseName) => {
    const report = reports.find((line) => line.name === caseName);
    expect(report).toBeDefined();
    expect(report?.error).toBeUndefined();
  });

  test.skipIf(lack !== undefined)(`the choice is explained${because}`, () => {
    const status = reports.find((line) => line.status)?.status;
    expect(status).toMatchObject({ userxattr: prefix, 'Native Overlay Diff': 'true' });
    expect(status?.['driverReason']).toContain('trial mount');
  });
});
