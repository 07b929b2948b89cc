import { mkdirSync, readdirSync, readFileSync, rmSync, rmdirSync, statSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { basename } from 'node:path';
import { EngineError, isEngineError, messageOf } from '../../../base/errors.ts';
import type { System } from '../../../system/system.ts';
import { fileSystemName } from '../file-system-name.ts';
import { MountProgram } from './mount-program.ts';

export type XattrPrefix = 'user.overlay.' | 'trusted.overlay.';

export interface OverlaySupport {
  readonly xattrPrefix: XattrPrefix;
  /** What each of the kernel's mounts needs besides its folders. */
  readonly mountOptions: readonly string[];
  /** Path of the program that mounts instead of the kernel. */
  readonly mountProgram: string | undefined;
  readonly backingFileSystem: string;
  /** Why this and not another way, in one line. */
  readonly reason: string;
}

export type ProbeSystem = Pick<System, 'attributes' | 'files' | 'identity' | 'mounts' | 'processes'>;

interface Way {
  readonly xattrPrefix: XattrPrefix;
  readonly program: string | undefined;
}

/**
 * Finds out by trial mounts how overlay works here, the kernel's own first and then a mount program, and remembers it in `<home>/.support` for
 * as long as kernel, user namespace, file system and options stay the same. Errors: `unsupported`, with what was tried and why each failed.
 */
export function probeOverlay(home: string, mountProgram: string | undefined, system: ProbeSystem): OverlaySupport {
  const memory = `${home}/.support`;
  const circumstances = [release(), system.identity.rootless, statSync(home).dev, mountProgram ?? '-'].join(' ');
  const remembered = readMemory(memory, circumstances, system);
  if (remembered) return remembered;
  const backingFileSystem = fileSystemName(statfsSync(home).type);
  const failures: string[] = [];
  for (const way of waysToTry(mountProgram, system, failures)) {
    const name =
      way.program === undefined ? `with ${way.xattrPrefix}* attributes` : `by ${way.program} with ${way.xattrPrefix}* attributes`;
    const mountOptions = way.program === undefined ? optionsFor(way.xattrPrefix) : [];
    const failure =
      way.program === undefined
        ? tryMount(home, way.xattrPrefix, mountOptions, system)
        : tryProgram(home, way.program, way.xattrPrefix, system);
    if (failure === undefined) {
      const support = {
        ...{ xattrPrefix: way.xattrPrefix, mountOptions, mountProgram: way.program, backingFileSystem },
        reason: reasonFor(way, `a trial mount on ${backingFileSystem} worked ${name} (kernel ${release()})`, mountProgram, failures),
      };
      system.files.writeAtomically(memory, JSON.stringify({ circumstances, ...support }), { mode: 0o600 });
      return support;
    }
    failures.push(`${name}: ${failure}`);
  }
  throw new EngineError('unsupported', `overlay does not work in ${home} (${backingFileSystem}): ${failures.join('; ')}`, {
    fix: system.identity.rootless
      ? 'use Linux 5.11 or later and put the graph root (--root) on ext4, xfs or btrfs, or install fuse-overlayfs'
      : 'put the graph root (--root) on ext4, xfs or btrfs, and run where mounting is permitted',
    details: { backingFileSystem, failures },
  });
}

function* waysToTry(mountProgram: string | undefined, system: ProbeSystem, failures: string[]): Generator<Way> {
  const prefixes: readonly XattrPrefix[] = system.identity.rootless ? ['user.overlay.'] : ['trusted.overlay.', 'user.overlay.'];
  if (mountProgram === undefined) for (const xattrPrefix of prefixes) yield { xattrPrefix, program: undefined };
  const program = system.processes.find(mountProgram ?? 'fuse-overlayfs');
  if (program === undefined) failures.push(`${mountProgram ?? 'fuse-overlayfs'} is not installed`);
  else for (const xattrPrefix of prefixes) yield { xattrPrefix, program };
}

function reasonFor({ program }: Way, tried: string, asked: string | undefined, failures: readonly string[]): string {
  if (program === undefined) return tried;
  return `${tried}; ${asked === undefined ? `the kernel's own overlay does not work here: ${failures.join('; ')}` : 'it was asked for as mount_program'}`;
}

function readMemory(path: string, circumstances: string, system: ProbeSystem): OverlaySupport | undefined {
  const text = system.files.readTextIfExists(path);
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as OverlaySupport & { circumstances: string };
    if (value.circumstances !== circumstances || !Array.isArray(value.mountOptions)) return undefined;
    return value.mountProgram === undefined || system.processes.find(value.mountProgram) !== undefined ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The kernel's own defaults are the distributor's choice. A diff directory must be complete in itself (no redirects, no metacopy) and its
 * folders must be mountable again after a crash (no index), so what is on is turned off; naming it always would cost mount data.
 */
function optionsFor(xattrPrefix: XattrPrefix): string[] {
  const unwanted = ['index', 'redirect_dir', 'metacopy'].filter(isOnByDefault).map((name) => `${name}=off`);
  return xattrPrefix === 'user.overlay.' ? ['userxattr', ...unwanted] : unwanted;
}

function isOnByDefault(parameter: string): boolean {
  try {
    return readFileSync(`/sys/module/overlay/parameters/${parameter}`, 'utf8').startsWith('Y');
  } catch {
    return false;
  }
}

/** Answers why it does not work, or undefined. Looks for what an unpacked layer relies on: whiteouts and opaque directories in our form. */
function tryMount(home: string, prefix: XattrPrefix, options: readonly string[], system: ProbeSystem): string | undefined {
  const base = `${home}/.probe-${String(process.pid)}`;
  rmSync(base, { recursive: true, force: true });
  const merged = `${base}/merged`;
  for (const name of ['', '/lower', '/lower/directory', '/upper', '/work', '/merged']) mkdirSync(base + name, { mode: 0o700 });
  writeFileSync(`${base}/lower/file`, 'x');
  let mounted = false;
  try {
    const folders = `lowerdir=${escape(`${base}/lower`)},upperdir=${escape(`${base}/upper`)},workdir=${escape(`${base}/work`)}`;
    system.mounts.mount('overlay', merged, 'overlay', [], [folders, ...options].join(','));
    mounted = true;
    unlinkSync(`${merged}/file`);
    const whiteout = statSync(`${base}/upper/file`);
    if (!whiteout.isCharacterDevice() || whiteout.rdev !== 0) return 'the kernel does not write whiteouts as devices';
    rmdirSync(`${merged}/directory`);
    mkdirSync(`${merged}/directory`);
    if (system.attributes.getXattr(`${base}/upper/directory`, `${prefix}opaque`) === undefined)
      return 'the kernel cannot mark directories as opaque';
    return undefined;
  } catch (error) {
    if (isEngineError(error) || error instanceof Error) return messageOf(error);
    throw error;
  } finally {
    if (mounted) system.mounts.unmount(merged, { detach: true });
    rmSync(base, { recursive: true, force: true });
  }
}

/** The same by a mount program. It makes marks of its own, so what matters is that it reads ours, and that its own are whiteouts as ours. */
function tryProgram(home: string, program: string, prefix: XattrPrefix, system: ProbeSystem): string | undefined {
  const base = `${home}/.probe-${String(process.pid)}`;
  rmSync(base, { recursive: true, force: true });
  const merged = `${base}/merged`;
  for (const name of ['', '/low', '/low/directory', '/high', '/high/directory', '/upper', '/work', '/merged'])
    mkdirSync(base + name, { mode: 0o700 });
  for (const name of ['file', 'hidden', 'directory/hidden']) writeFileSync(`${base}/low/${name}`, 'x');
  let mounted = false;
  try {
    system.attributes.makeNode(`${base}/high/hidden`, 0o020000, 0, 0);
    system.attributes.setXattr(`${base}/high/directory`, `${prefix}opaque`, Buffer.from('y'));
    new MountProgram(program, system.processes, system.mounts).mount({
      links: base,
      lower: ['high', 'low'],
      upper: { link: 'upper', name: basename(base) },
      flags: [],
      target: merged,
    });
    mounted = true;
    if (readdirSync(merged).sort().join() !== 'directory,file') return 'it does not understand our whiteouts';
    if (readdirSync(`${merged}/directory`).length > 0) return 'it does not understand our opaque directories';
    unlinkSync(`${merged}/file`);
    const whiteout = statSync(`${base}/upper/file`);
    return whiteout.isCharacterDevice() && whiteout.rdev === 0 ? undefined : 'it does not write whiteouts as devices';
  } catch (error) {
    if (isEngineError(error) || error instanceof Error) return messageOf(error);
    throw error;
  } finally {
    if (mounted || system.mounts.isMountPoint(merged)) system.mounts.unmount(merged, { detach: true });
    rmSync(base, { recursive: true, force: true });
  }
}

function escape(path: string): string {
  return path.replace(/[\\,:]/g, (character) => `\\${character}`);
}
