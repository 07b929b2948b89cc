/** Engines in processes of their own, as root or as an ordinary user, in namespaces like those that the product makes. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
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
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createInterface } from 'node:readline';
import { build } from 'vite';
import { inject } from 'vitest';
import { engineContract, type EngineClient } from '../../../src-main/contract/engine.ts';
import type { TerminalDown } from '../../../src-main/contract/container.ts';
import type { ContainerSpecInput } from '../../../src-main/contract/container-spec.ts';
import { createClient } from '../../../src-main/rpc/rpc.ts';
import { nodeStreamChannel } from '../../../src-main/rpc/transports/node-stream.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

const project = resolve(import.meta.dirname, '../../..');

export type Who = 'root' | 'rootless';

/** Why this host cannot run these tests; undefined: it can. */
export function lacking(who: Who): string | undefined {
  const { processes, identity } = createLinuxSystem();
  const tool = ['crun', 'conmon', 'busybox', 'unshare', 'nsenter', 'setpriv'].find((name) => processes.find(name) === undefined);
  if (tool !== undefined) return `${tool} is not installed`;
  if (!existsSync('/usr/share/containers/seccomp.json')) return 'the seccomp profile is not installed';
  if (identity.uid !== 0) return 'needs root, also to become another user';
  if (who === 'root') return identity.rootless ? 'needs a root outside of user namespaces' : undefined;
  return inject('rootlessUser') ? undefined : inject('rootlessReason');
}

export class EngineProcess implements AsyncDisposable {
  readonly api: EngineClient;
  readonly repaired: string[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(child: ChildProcess) {
    if (!child.stdout || !child.stdin || !child.stderr) throw new Error('the engine has no pipes');
    this.#child = child;
    this.#exited = once(child, 'exit');
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.startsWith('repaired: ')) this.repaired.push(line.slice('repaired: '.length));
      else console.error(line);
    });
    this.api = createClient(engineContract, nodeStreamChannel(child.stdout, child.stdin)).api;
  }

  /** At whatever it is doing. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.stdin?.end();
    await this.#exited;
  }
}

export class Sandbox implements AsyncDisposable {
  readonly directory: string;
  readonly #who: Who;
  readonly #holder: ChildProcess;
  readonly #program: string;

  private constructor(who: Who, directory: string, program: string, holder: ChildProcess) {
    this.#who = who;
    this.directory = directory;
    this.#program = program;
    this.#holder = holder;
  }

  get graphRoot(): string {
    return join(this.directory, 'graph');
  }

  get runRoot(): string {
    return join(this.directory, 'run');
  }

  static async open(who: Who): Promise<Sandbox> {
    const directory = mkdtempSync('/tmp/selkie-container-');
    chmodSync(directory, 0o755);
    const program = await bundleDriver(directory);
    copyFileSync(process.execPath, join(directory, 'node'));
    // Nobody but the engines of the test handles exits: so it is decided by the test who does.
    mkdirSync(join(directory, 'resources/bin'), { recursive: true });
    writeFileSync(join(directory, 'resources/bin/selkie-cleanup'), '#!/bin/sh\n', { mode: 0o755 });
    const user = who === 'rootless' ? inject('rootlessUser') : undefined;
    if (user !== undefined) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, directory]);
    // As the product does it: crun takes hybrid cgroups for v1 where the v2 part is not to be seen.
    const hide = user
      ? 'grep -q cgroup/unified /proc/self/mountinfo && mount -t tmpfs -o size=4k none /sys/fs/cgroup/unified'
      : 'mount --make-rprivate / && mount --make-rshared / && { ! grep -q cgroup/unified /proc/self/mountinfo || umount /sys/fs/cgroup/unified; }';
    const inside = ['sh', '-c', `${hide}; echo ready; exec cat`];
    const [first = '', ...rest] = user
      ? [
          ...['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups', '--'],
          ...['unshare', '--user', '--map-root-user', '--map-auto', '--mount', ...inside],
        ]
      : ['unshare', '--mount', ...inside];
    const holder = spawn(first, rest, { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
    await once(holder.stdout, 'data');
    return new Sandbox(who, directory, program, holder);
  }

  /** With `watch` it handles exits for as long as it lives. */
  async engine(
    options: { readonly watch?: boolean; readonly environment?: Readonly<Record<string, string>> } = { watch: true },
  ): Promise<EngineProcess> {
    const user = this.#who === 'rootless' ? inject('rootlessUser') : undefined;
    const [program = '', ...how] = user
      ? ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups', '--', 'nsenter', '-U', '-m', '--preserve-credentials']
      : ['nsenter', '-m'];
    const engine = new EngineProcess(
      spawn(
        program,
        [
          ...[...how, '-t', String(this.#holder.pid), '--', join(this.directory, 'node'), '--disable-warning=ExperimentalWarning'],
          ...[this.#program, this.graphRoot, this.runRoot, join(this.directory, 'resources'), options.watch === true ? 'watch' : ''],
        ],
        { stdio: ['pipe', 'pipe', 'pipe'], cwd: '/', env: { PATH: process.env['PATH'], HOME: this.directory, ...options.environment } },
      ),
    );
    await engine.api.container.list({});
    return engine;
  }

  /** What is mounted under the run root, in the sandbox's namespace. */
  mounts(): string[] {
    return readFileSync(`/proc/${String(this.#holder.pid)}/mountinfo`, 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .filter((path) => path.startsWith(this.runRoot));
  }

  /** Monitors, runtimes and the processes of containers, but no engine. */
  processes(): string[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
          return line.includes(this.directory) && !line.includes('driver.js') ? [`${pid} ${line}`] : [];
        } catch {
          return [];
        }
      });
  }

  /** Resolves when the last monitor has ended, which is some moments after its container; fails after ten seconds. */
  async quiet(): Promise<void> {
    for (let left = 200; this.processes().length > 0; left -= 1) {
      if (left === 0) throw new Error(`still there: ${this.processes().join('; ')}`);
      await pause(50);
    }
  }

  /** Folders that hold something per container. */
  folders(): string[] {
    const places = [
      'graph/containers',
      'graph/volumes',
      'run/containers',
      'run/exits',
      'run/oci',
      'run/netns',
      'run/overlay',
      'graph/overlay',
    ];
    return places.flatMap((place) => {
      try {
        return readdirSync(join(this.directory, place))
          .filter((name) => /^[0-9a-f]{64}$/.test(name) || name.startsWith('.new-'))
          .map((name) => `${place}/${name}`);
      } catch {
        return [];
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#holder, 'exit');
    this.#holder.stdin?.end();
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
      ssr: true,
      outDir: out,
      target: 'node22',
      minify: false,
      rolldownOptions: {
        external: ['koffi'],
        input: { driver: join(import.meta.dirname, 'driver.ts'), 'unpack-worker': join(project, 'src-main/engine/layer/unpack-worker.ts') },
        output: { entryFileNames: '[name].js', format: 'es' },
      },
    },
    ssr: { noExternal: true, external: ['koffi'] },
  });
  for (const library of ['koffi', '@koromix'])
    cpSync(join(project, 'node_modules', library), join(out, 'node_modules', library), { recursive: true });
  writeFileSync(join(out, 'package.json'), '{ "type": "module" }');
  return join(out, 'driver.js');
}

export async function create(api: EngineClient, spec: Partial<ContainerSpecInput>): Promise<string> {
  for await (const item of api.container.create({ image: 'localhost/busybox', network: { mode: 'host' }, ...spec }))
    if (item.kind === 'created') return item.container.id;
  throw new Error('nothing was created');
}

export interface Collected {
  readonly stdout: string;
  readonly stderr: string;
  readonly kinds: readonly string[];
  readonly code: number | undefined;
}

export async function collect(items: AsyncIterable<TerminalDown>): Promise<Collected> {
  const parts = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const kinds: string[] = [];
  let code: number | undefined;
  for await (const item of items) {
    if (kinds.at(-1) !== item.kind) kinds.push(item.kind);
    if (item.kind === 'stdout' || item.kind === 'stderr') parts[item.kind].push(Buffer.from(item.bytes));
    if (item.kind === 'exit') code = item.code;
  }
  return { stdout: Buffer.concat(parts.stdout).toString(), stderr: Buffer.concat(parts.stderr).toString(), kinds, code };
}
