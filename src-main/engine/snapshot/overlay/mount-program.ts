import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { EngineError } from '../../../base/errors.ts';
import type { MountFlag, Mounts, Processes } from '../../../system/system.ts';

/** fuse-overlayfs's own marks in a directory that hides what is below: an empty file, and a whiteout for nothing. */
export const markFiles: readonly string[] = ['.wh..wh..opq', '.wh..opq'];
/** Under which names it keeps the same, depending on its rights. */
export const markAttributes: readonly string[] = ['trusted.overlay.opaque', 'user.overlay.opaque', 'user.fuseoverlayfs.opaque'];

const timeoutMs = 30_000;

export interface ProgramMount {
  /** The folder of links: names in it are all that the options say. */
  readonly links: string;
  /** From the top down. */
  readonly lower: readonly string[];
  readonly upper: { readonly link: string; readonly name: string } | undefined;
  readonly flags: readonly MountFlag[];
  readonly target: string;
}

/**
 * A program that mounts overlay's trees by FUSE: fuse-overlayfs, or another with its options. It answers when the mount is there, and goes on
 * as a daemon in a session of its own that ends when it is unmounted: it belongs to the mount and not to the engine.
 */
export class MountProgram {
  readonly path: string;
  readonly #processes: Pick<Processes, 'runSync' | 'startTime'>;
  readonly #mounts: Pick<Mounts, 'isMountPoint'>;

  constructor(path: string, processes: Pick<Processes, 'runSync' | 'startTime'>, mounts: Pick<Mounts, 'isMountPoint'>) {
    this.path = path;
    this.#processes = processes;
    this.#mounts = mounts;
  }

  mount({ links, lower, upper, flags, target }: ProgramMount): void {
    // It makes full paths of the names that it is given, and splits those again.
    if (realpathSync(links).includes(':'))
      throw new EngineError('unsupported', `${this.path} cannot mount below a folder with a colon in its name: ${links}`, {
        fix: 'give the store another place by --root',
      });
    const options = [
      `lowerdir=${(lower.length > 0 ? lower : ['../.empty']).join(':')}`,
      ...(upper ? [`upperdir=${upper.link}`, `workdir=../${upper.name}/work`] : []),
      ...flags.map((flag) => (flag === 'readonly' ? 'ro' : flag)),
    ];
    const { code, stderr } = this.#processes.runSync(this.path, ['-o', options.join(','), target], { workingDirectory: links, timeoutMs });
    if (code === 0 && this.#mounts.isMountPoint(target)) return;
    const words = stderr
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.startsWith('unknown argument ignored'))
      .join('; ');
    throw new EngineError('unsupported', `${this.path} did not mount ${target}: ${words === '' ? `status ${String(code)}` : words}`, {
      fix: 'see that /dev/fuse is there and may be opened: ls -l /dev/fuse',
      details: { program: this.path, code },
    });
  }
}

/** Daemons of mount programs with a mount point below `directory` where nothing is mounted any more: somebody still holds their tree, or they hang. */
export function findLeaked(directory: string, mounts: Pick<Mounts, 'list'>, processes: Pick<Processes, 'startTime'>) {
  const daemons = readdirSync('/proc').flatMap((name) => {
    const target = /^\d+$/.test(name) ? targetOf(name, `${directory}/`) : undefined;
    const pid = Number(name);
    return target !== undefined && processes.startTime(pid) !== undefined ? [{ pid, target }] : [];
  });
  if (daemons.length === 0) return [];
  const mounted = new Set(mounts.list().map(({ mountPoint }) => mountPoint));
  return daemons.filter(({ target }) => !mounted.has(target));
}

function targetOf(pid: string, prefix: string): string | undefined {
  let words: string[];
  try {
    words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    // Gone meanwhile, or somebody else's.
    return undefined;
  }
  const target = words.at(-2);
  // Whoever else has the path as its last word (an ls) has no overlay options.
  if (words[1] !== '-o' || !/^lowerdir=/.test(words[2] ?? '') || basename(target ?? '') !== 'merged') return undefined;
  return target?.startsWith(prefix) === true ? target : undefined;
}
