/** Runs cases in processes of their own, in a mount namespace as root and in a user namespace as an ordinary user. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { inject } from 'vitest';

export interface World {
  readonly name: string;
  readonly rootless: boolean;
  /** Why it cannot be had here. */
  readonly lack: string | undefined;
  readonly command: readonly string[];
  readonly owner: { readonly uid: number; readonly gid: number };
}

/** One line of what a child reports: a case with its error, if it failed, or something else by another name. */
export type Report = Readonly<Record<string, unknown>> & { readonly name?: string; readonly error?: string };

const isRoot = process.getuid?.() === 0;

export function worlds(): readonly World[] {
  const user = inject('rootlessUser');
  return [
    {
      name: 'as root',
      rootless: false,
      lack: isRoot ? undefined : 'not run by root',
      command: ['unshare', '--mount', '--propagation', 'private'],
      owner: { uid: 0, gid: 0 },
    },
    {
      name: 'in a user namespace',
      rootless: true,
      lack: user ? undefined : inject('rootlessReason'),
      command: [
        ...(isRoot && user ? ['runuser', '-u', user.name, '--'] : []),
        ...['unshare', '--user', '--map-root-user', '--map-auto', '--mount', '--propagation', 'private'],
      ],
      owner: { uid: user?.uid ?? 0, gid: user?.gid ?? 0 },
    },
  ];
}

/** A folder that every user can read, with the code to be run in it. */
export class Bundle implements Disposable {
  readonly directory: string;
  #runs = 0;

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'selkie-worlds-'));
    chmodSync(this.directory, 0o755);
  }

  /** Bundles one source file into `<name>.mjs` and answers its path. */
  async add(name: string, source: string): Promise<string> {
    await build({
      configFile: false,
      logLevel: 'error',
      build: {
        ssr: source,
        outDir: join(this.directory, 'code'),
        emptyOutDir: false,
        target: 'node22',
        rolldownOptions: { external: ['koffi'], output: { entryFileNames: `${name}.mjs`, codeSplitting: false } },
      },
      ssr: { noExternal: true, external: ['koffi'] },
    });
    for (const library of ['koffi', '@koromix'])
      cpSync(join(import.meta.dirname, '../../node_modules', library), join(this.directory, 'code/node_modules', library), {
        recursive: true,
      });
    execFileSync('chmod', ['-R', 'a+rX', join(this.directory, 'code')]);
    return join(this.directory, 'code', `${name}.mjs`);
  }

  /** Runs it in that world with a folder of its own as its first argument; its lines of JSON are the answer. */
  run(world: World, child: string, ...args: readonly string[]): Report[] {
    const base = join(this.directory, `${world.name.replaceAll(' ', '-')}-${String((this.#runs += 1))}`);
    mkdirSync(base);
    chownSync(base, world.owner.uid, world.owner.gid);
    return execFileSync('env', [...world.command, process.execPath, child, base, ...args], {
      encoding: 'utf8',
      cwd: this.directory,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Report);
  }

  [Symbol.dispose](): void {
    // What the user namespace's other ids own is root's or that namespace's to remove.
    if (isRoot) rmSync(this.directory, { recursive: true, force: true });
    else execFileSync('unshare', ['--user', '--map-root-user', '--map-auto', 'rm', '-rf', this.directory]);
  }
}
