/** Starts driver.ts as root or as an ordinary user, in namespaces like those that the product makes, with a busybox root file system. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { build } from 'vite';
import { inject } from 'vitest';
import type { ErrorData } from '../../../src-main/base/errors.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import type { ContainerRequest, ExecRequest, Output } from './driver.ts';

const project = resolve(import.meta.dirname, '../../..');
const applets = [
  'sh',
  'true',
  'false',
  'cat',
  'echo',
  'sleep',
  'id',
  'ls',
  'env',
  'mount',
  'stty',
  'ps',
  'hostname',
  'tty',
  'head',
  'touch',
  'grep',
  'stat',
  'readlink',
  'nproc',
  'test',
];

export interface Created {
  readonly id: string;
  readonly bundle: string;
  readonly logPath: string;
  readonly pid: number;
  readonly conmonPid: number;
  readonly warnings: readonly string[];
}

export interface ExecOutput {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code: number;
  readonly pid: number;
}

/** Why this host cannot run the tests of an actor; undefined: it can. */
export function lacking(actor: 'root' | 'rootless', runtime: string): string | undefined {
  const { processes, identity } = createLinuxSystem();
  const tool = [runtime, 'conmon', 'busybox', 'unshare', 'catatonit'].find((name) => processes.find(name) === undefined);
  if (tool !== undefined) return `${tool} is not installed`;
  if (!existsSync('/usr/share/containers/seccomp.json')) return 'the seccomp profile is not installed';
  if (identity.uid !== 0) return 'needs root, also to become another user';
  if (actor === 'root') return identity.rootless ? 'needs a root outside of user namespaces' : undefined;
  return inject('rootlessUser') ? undefined : inject('rootlessReason');
}

export class Driver implements AsyncDisposable {
  readonly directory: string;
  readonly rootfs: string;
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #waiting: ((line: string) => void)[] = [];

  private constructor(directory: string, child: ChildProcess) {
    this.directory = directory;
    this.rootfs = join(directory, 'rootfs');
    this.#child = child;
    if (!child.stdout) throw new Error('the driver has no output');
    this.#lines = createInterface({ input: child.stdout });
    this.#lines.on('line', (line) => this.#waiting.shift()?.(line));
    child.once('exit', () => {
      for (const answer of this.#waiting.splice(0)) answer(JSON.stringify({ error: { code: 'thrown', message: 'the driver ended' } }));
    });
  }

  static async open(actor: 'root' | 'rootless', runtime: string): Promise<Driver> {
    const directory = mkdtempSync('/tmp/selkie-runtime-');
    chmodSync(directory, 0o755);
    const program = await bundleDriver(directory);
    makeRootfs(join(directory, 'rootfs'));
    const user = actor === 'rootless' ? inject('rootlessUser') : undefined;
    if (user) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, directory]);
    const node = join(directory, 'node');
    copyFileSync(process.execPath, node);
    const command = [node, program, directory, join(directory, 'rootfs'), runtime];
    // As the product does it: crun takes hybrid cgroups for v1 where the v2 part is not to be seen.
    const hide = user
      ? 'grep -q cgroup/unified /proc/self/mountinfo && mount -t tmpfs -o size=4k none /sys/fs/cgroup/unified'
      : 'mount --make-rprivate / && mount --make-rshared / && { ! grep -q cgroup/unified /proc/self/mountinfo || umount /sys/fs/cgroup/unified; }';
    const inside = ['sh', '-c', `${hide}; exec "$@"`, 'sh', ...command];
    const [first = '', ...rest] = user
      ? [
          'setpriv',
          `--reuid=${user.uid}`,
          `--regid=${user.gid}`,
          '--init-groups',
          '--',
          'unshare',
          '--user',
          '--map-root-user',
          '--map-auto',
          '--mount',
          ...inside,
        ]
      : ['unshare', '--mount', ...inside];
    const child = spawn(first, rest, { cwd: '/', stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: process.env['PATH'], HOME: directory } });
    return new Driver(directory, child);
  }

  run(
    request: ContainerRequest & { readonly stdin?: string; readonly resize?: { readonly rows: number; readonly columns: number } },
  ): Promise<Output> {
    return this.ask('run', request);
  }

  create(request: ContainerRequest): Promise<Created> {
    return this.ask('create', request);
  }

  exec(request: ExecRequest): Promise<ExecOutput> {
    return this.ask('exec', request);
  }

  /** Rejects with the error's data. */
  async ask<T>(operation: string, argument: unknown = {}): Promise<T> {
    const line = await new Promise<string>((answer) => {
      this.#waiting.push(answer);
      this.#child.stdin?.write(`${JSON.stringify({ operation, argument })}\n`);
    });
    const { value, error } = JSON.parse(line) as { value: T; error?: ErrorData };
    if (error) throw Object.assign(new Error(error.message), error);
    return value;
  }

  /** Processes of this driver's folder that are still there: monitors and containers that leaked. */
  leftovers(): string[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== this.#child.pid)
      .flatMap((pid) => {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
          return line.includes(this.directory) && !line.includes('driver.mjs') ? [`${pid} ${line.slice(0, 120)}`] : [];
        } catch {
          return [];
        }
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin?.end();
    await ended;
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Node does not read `using`: the driver is bundled as the product is. */
async function bundleDriver(directory: string): Promise<string> {
  const out = join(directory, 'driver');
  await build({
    configFile: false,
    root: project,
    logLevel: 'error',
    build: {
      ssr: join(import.meta.dirname, 'driver.ts'),
      outDir: out,
      target: 'node22',
      minify: false,
      rolldownOptions: { external: ['koffi'], output: { entryFileNames: 'driver.mjs', format: 'es' } },
    },
    ssr: { noExternal: true, external: ['koffi'] },
  });
  for (const library of ['koffi', '@koromix'])
    cpSync(join(project, 'node_modules', library), join(out, 'node_modules', library), { recursive: true });
  return join(out, 'driver.mjs');
}

function makeRootfs(root: string): void {
  for (const folder of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root', 'run', 'var/tmp', 'home/bob'])
    mkdirSync(join(root, folder), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of applets) symlinkSync('busybox', join(root, 'bin', applet));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000:Bob:/home/bob:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nbob:x:1000:\nwheel:x:10:root,bob\naudio:x:29:bob\n');
  writeFileSync(join(root, 'bin/plain'), 'hello\n');
  writeFileSync(join(root, 'bin/nonsense'), 'hello\n', { mode: 0o755 });
  chmodSync(join(root, 'bin/nonsense'), 0o755);
}
