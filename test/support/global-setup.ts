import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** A copy of the built product that every user can read, as an installation is; undefined when nothing was built. */
    app: string | undefined;
    /** The unprivileged user of the rootless suites; undefined with the reason when there can be none. */
    rootlessUser: { readonly name: string; readonly uid: number; readonly gid: number; readonly home: string } | undefined;
    rootlessReason: string;
  }
}

const root = resolve(import.meta.dirname, '../..');
const userName = 'selkie-test';

/** Installs the built product where the unprivileged user can read it, and makes that user. Everything is taken away again. */
export async function setup(project: TestProject): Promise<() => void> {
  const undo: (() => void)[] = [];
  process.env['SELKIE_TEST_UNPACK_WORKER'] = await bundleUnpackWorker(undo);
  project.provide('app', installApp(undo));
  const { user, reason } = ensureRootlessUser(undo);
  project.provide('rootlessUser', user);
  project.provide('rootlessReason', reason);
  if (process.getuid?.() === 0) for (const device of ['/dev/net/tun', '/dev/fuse']) openDevice(device, undo);
  return () => {
    for (const step of undo.reverse()) step();
  };
}

function installApp(undo: (() => void)[]): string | undefined {
  if (!existsSync(join(root, 'out', 'main', 'cli.js'))) return undefined;
  const app = mkdtempSync('/tmp/selkie-app-');
  undo.push(() => rmSync(app, { recursive: true, force: true }));
  for (const part of ['out', 'resources', 'package.json']) cpSync(join(root, part), join(app, part), { recursive: true });
  for (const library of ['koffi', '@koromix']) {
    if (existsSync(join(root, 'node_modules', library)))
      cpSync(join(root, 'node_modules', library), join(app, 'node_modules', library), { recursive: true });
  }
  // The runtime that runs the tests is the one that runs the product.
  const runtime = join(app, 'node_modules', '.cache', 'selkie', 'node', 'bin');
  mkdirSync(runtime, { recursive: true });
  cpSync(process.execPath, join(runtime, 'node'));
  execFileSync('chmod', ['-R', 'a+rX', app]);
  return app;
}

/** For engines that run in a test's own process, of the sources as they are now; see findWorkerFile for why not the source itself. */
async function bundleUnpackWorker(undo: (() => void)[]): Promise<string> {
  // Where koffi is found.
  const parent = join(root, 'node_modules/.cache/selkie');
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(join(parent, 'test-'));
  undo.push(() => rmSync(directory, { recursive: true, force: true }));
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: join(root, 'src-main/engine/layer/unpack-worker.ts'),
      outDir: directory,
      target: 'node22',
      rolldownOptions: { external: ['koffi'], output: { entryFileNames: 'unpack-worker.mjs', codeSplitting: false } },
    },
    ssr: { noExternal: true, external: ['koffi'] },
  });
  return join(directory, 'unpack-worker.mjs');
}

function ensureRootlessUser(undo: (() => void)[]): {
  user: { name: string; uid: number; gid: number; home: string } | undefined;
  reason: string;
} {
  if (process.getuid?.() !== 0) {
    const [name = '', , uid = '', gid = '', , home = ''] = execFileSync('getent', ['passwd', String(process.getuid?.())], {
      encoding: 'utf8',
    })
      .trim()
      .split(':');
    return { user: { name, uid: Number(uid), gid: Number(gid), home }, reason: '' };
  }
  try {
    execFileSync('getent', ['passwd', userName], { stdio: 'ignore' });
  } catch {
    try {
      execFileSync('useradd', ['--create-home', '--shell', '/bin/sh', userName], { stdio: 'pipe' });
    } catch (error) {
      return { user: undefined, reason: `no unprivileged user can be made: ${String(error)}` };
    }
    undo.push(() => {
      execFileSync('userdel', ['--remove', userName], { stdio: 'ignore' });
    });
  }
  const [name = '', , uid = '', gid = '', , home = ''] = execFileSync('getent', ['passwd', userName], { encoding: 'utf8' })
    .trim()
    .split(':');
  return { user: { name, uid: Number(uid), gid: Number(gid), home }, reason: '' };
}

/** On desktops these are 0666 by udev; on test machines without udev only root may open them. */
function openDevice(path: string, undo: (() => void)[]): void {
  if (!existsSync(path)) return;
  const mode = statSync(path).mode & 0o777;
  if (mode === 0o666) return;
  chmodSync(path, 0o666);
  undo.push(() => {
    chmodSync(path, mode);
  });
}
