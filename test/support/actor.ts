/**
 * Who uses the product in a test: root, or an ordinary user. Each actor has stores, run folders and namespaces of its own, so that
 * nothing of the machine's is touched, and checks at the end that it left nothing behind.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { inject } from 'vitest';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string | Buffer;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export class Actor implements AsyncDisposable {
  readonly name: 'root' | 'rootless';
  readonly directory: string;
  readonly graphRoot: string;
  readonly runRoot: string;
  readonly tmpDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly #uid: number;
  readonly #gid: number;
  readonly #app: string;

  constructor(name: 'root' | 'rootless') {
    const app = inject('app');
    if (app === undefined) throw new Error('nothing was built: run the tests by npm test');
    this.#app = app;
    this.name = name;
    const user = name === 'root' ? { uid: 0, gid: 0, name: 'root' } : inject('rootlessUser');
    if (!user) throw new Error(inject('rootlessReason'));
    this.#uid = user.uid;
    this.#gid = user.gid;
    this.directory = mkdtempSync(`/tmp/selkie-${name}-`);
    this.graphRoot = join(this.directory, 'graph');
    this.runRoot = join(this.directory, 'run');
    this.tmpDirectory = join(this.directory, 'tmp');
    const home = join(this.directory, 'home');
    const runtime = join(this.directory, 'xdg');
    for (const path of [this.directory, home, runtime]) {
      mkdirSync(path, { recursive: true });
      chownSync(path, user.uid, user.gid);
      chmodSync(path, path === this.directory ? 0o755 : 0o700);
    }
    this.environment = {
      PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: home,
      USER: user.name,
      LOGNAME: user.name,
      XDG_RUNTIME_DIR: runtime,
      LANG: 'C.UTF-8',
      TERM: 'dumb',
    };
  }

  /** The product's launcher, with this actor's folders. */
  get launcher(): string {
    return join(this.#app, 'resources', 'bin', 'selkie');
  }

  /** The embedded image's archive. */
  get starterImage(): string {
    return join(this.#app, 'resources', 'starter-image', 'starter.tar');
  }

  get globalOptions(): string[] {
    return ['--root', this.graphRoot, '--runroot', this.runRoot, '--tmpdir', this.tmpDirectory];
  }

  /** Runs `selkie ARGS` to its end. */
  selkie(args: readonly string[], options: CommandOptions = {}): CommandResult {
    return this.command(this.launcher, [...this.globalOptions, ...args], options);
  }

  /** As `selkie`, but throws unless it succeeds; answers stdout without the last line break. */
  must(args: readonly string[], options: CommandOptions = {}): string {
    const result = this.selkie(args, options);
    if (result.code !== 0) throw new Error(`selkie ${args.join(' ')} ended with ${result.code}: ${result.stderr}`);
    return result.stdout.replace(/\n$/, '');
  }

  /** Runs any program as this actor. */
  command(program: string, args: readonly string[], options: CommandOptions = {}): CommandResult {
    const [command, ...rest] = [...this.#prefix(), program, ...args];
    const result = spawnSync(command as string, rest, {
      cwd: this.directory,
      env: { ...this.environment, ...options.environment },
      input: options.input ?? '',
      encoding: 'utf8',
      timeout: options.timeoutMs ?? 60_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    if (result.error) throw result.error;
    return { code: result.status ?? -1, stdout: result.stdout, stderr: result.stderr };
  }

  /** Starts it and leaves it running; the caller ends it. */
  start(args: readonly string[], options: CommandOptions = {}): ChildProcess {
    return this.startProgram(this.launcher, [...this.globalOptions, ...args], options);
  }

  startProgram(program: string, args: readonly string[], options: CommandOptions = {}): ChildProcess {
    const [command, ...rest] = [...this.#prefix(), program, ...args];
    return spawn(command as string, rest, {
      cwd: this.directory,
      env: { ...this.environment, ...options.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** The built web host, for the interface's tests. */
  get webHost(): { program: string; args: string[] } {
    return {
      program: join(this.#app, 'node_modules', '.cache', 'selkie', 'node', 'bin', 'node'),
      args: [join(this.#app, 'out', 'main', 'web.js'), ...this.globalOptions],
    };
  }

  /** Processes that belong to this actor's folders: monitors, engines, network helpers, containers. */
  processes(): string[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .flatMap((pid) => {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
          const mine =
            line.includes(this.directory) ||
            (this.name === 'rootless' && readFileSync(`/proc/${pid}/status`, 'utf8').includes(`\nUid:\t${this.#uid}\t`));
          return mine && line !== '' ? [`${pid} ${line.slice(0, 200)}`] : [];
        } catch {
          return [];
        }
      });
  }

  /** Mounts below this actor's folders, in every mount namespace that some process is in. */
  mounts(): string[] {
    const seen = new Set<string>();
    const found: string[] = [];
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const namespace = readlinkSync(`/proc/${pid}/ns/mnt`);
        if (seen.has(namespace)) continue;
        seen.add(namespace);
        for (const line of readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n'))
          if (line.includes(this.directory)) found.push(`${namespace} ${line}`);
      } catch {
        continue;
      }
    }
    return found;
  }

  /** Removes all containers, ends the namespace's holder, and answers what is still there: each entry is a leak. */
  async leaks(): Promise<string[]> {
    this.selkie(['rm', '--all', '--force', '--time', '0']);
    const overlay = this.mounts().filter((line) => line.includes('/merged ') || line.includes('/netns/'));
    this.endPause();
    const deadline = Date.now() + 10_000;
    while (this.processes().length > 0 && Date.now() < deadline) await pause(20);
    return [...overlay.map((line) => `mount ${line}`), ...this.processes().map((line) => `process ${line}`)];
  }

  /** Ends the process that holds this actor's namespaces. */
  endPause(): void {
    const file = join(this.tmpDirectory, 'pause.pid');
    if (!existsSync(file)) return;
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
    if (pid > 1) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    rmSync(file, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leaks();
    // Files of mapped owners: root may remove them all.
    rmSync(this.directory, { recursive: true, force: true });
  }

  #prefix(): string[] {
    if (this.#uid === process.getuid?.()) return [];
    return ['setpriv', `--reuid=${this.#uid}`, `--regid=${this.#gid}`, '--init-groups', '--'];
  }
}

/** Both actors, for `describe.each`; one that cannot be has the reason in its title and is skipped. */
export function actors(): { readonly actor: 'root' | 'rootless'; readonly skip: boolean; readonly title: string }[] {
  const isRoot = process.getuid?.() === 0;
  const user = inject('rootlessUser');
  return [
    { actor: 'root', skip: !isRoot, title: isRoot ? 'root' : 'root (the tests run as an ordinary user)' },
    { actor: 'rootless', skip: !user, title: user ? 'rootless' : `rootless (${inject('rootlessReason')})` },
  ];
}
