import { mkdirSync, readFileSync, rmSync, rmdirSync, statSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { EngineError, isEngineError, messageOf } from '../../../base/errors.ts';
import type { System } from '../../../system/system.ts';

export type XattrPrefix = 'user.overlay.' | 'trusted.overlay.';

export interface OverlaySupport {
  readonly xattrPrefix: XattrPrefix;
  /** What each mount needs besides its folders. */
  readonly mountOptions: readonly string[];
  readonly backingFileSystem: string;
  /** Why this and not another way, in one line. */
  readonly reason: string;
}

type ProbeSystem = Pick<System, 'attributes' | 'files' | 'identity' | 'mounts'>;

/**
 * Finds out by a trial mount how overlay works here, and remembers it in `<home>/.support` for as long as kernel, user namespace and
 * file system stay the same. Errors: `unsupported`, with what was tried and why each failed.
 */
export function probeOverlay(home: string, metacopy: boolean, system: ProbeSystem): OverlaySupport {
  const memory = `${home}/.support`;
  const circumstances = [release(), system.identity.rootless, statSync(home).dev, metacopy].join(' ');
  const remembered = readMemory(memory, circumstances, system);
  if (remembered) return remembered;
  const backingFileSystem = fileSystemName(statfsSync(home).type);
  const ways: readonly XattrPrefix[] = system.identity.rootless ? ['user.overlay.'] : ['trusted.overlay.', 'user.overlay.'];
  const failures: string[] = [];
  for (const xattrPrefix of ways) {
    const mountOptions = optionsFor(xattrPrefix, metacopy);
    const failure = tryMount(home, xattrPrefix, mountOptions, system);
    if (failure === undefined) {
      const reason = `a trial mount on ${backingFileSystem} worked with ${xattrPrefix}* attributes (kernel ${release()})${
        metacopy && xattrPrefix === 'user.overlay.' ? '; metacopy=on is left out: the kernel refuses it in a user namespace' : ''
      }`;
      const support = { xattrPrefix, mountOptions, backingFileSystem, reason };
      system.files.writeAtomically(memory, JSON.stringify({ circumstances, ...support }), { mode: 0o600 });
      return support;
    }
    failures.push(`with ${xattrPrefix}* attributes: ${failure}`);
  }
  throw new EngineError('unsupported', `overlay does not work in ${home} (${backingFileSystem}): ${failures.join('; ')}`, {
    fix: system.identity.rootless
      ? 'use Linux 5.11 or later and put the graph root (--root) on ext4, xfs or btrfs'
      : 'put the graph root (--root) on ext4, xfs or btrfs, and run where mounting is permitted',
    details: { backingFileSystem, failures },
  });
}

function readMemory(path: string, circumstances: string, system: ProbeSystem): OverlaySupport | undefined {
  const text = system.files.readTextIfExists(path);
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as OverlaySupport & { circumstances: string };
    return value.circumstances === circumstances && Array.isArray(value.mountOptions) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The kernel's own defaults are the distributor's choice. A diff directory must be complete in itself (no redirects, no metacopy) and its
 * folders must be mountable again after a crash (no index), so what is on is turned off; naming it always would cost mount data.
 */
function optionsFor(xattrPrefix: XattrPrefix, metacopy: boolean): string[] {
  const unwanted = ['index', 'redirect_dir', ...(metacopy ? [] : ['metacopy'])].filter(isOnByDefault).map((name) => `${name}=off`);
  if (xattrPrefix === 'user.overlay.') return ['userxattr', ...unwanted];
  return metacopy ? ['metacopy=on', ...unwanted.filter((option) => option !== 'redirect_dir=off')] : unwanted;
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

function escape(path: string): string {
  return path.replace(/[\\,:]/g, (character) => `\\${character}`);
}

/** statfs(2) f_type, in Docker's and Podman's words. */
function fileSystemName(type: number): string {
  const names: Readonly<Record<number, string>> = {
    0xef53: 'extfs',
    0x58465342: 'xfs',
    0x9123683e: 'btrfs',
    0x01021994: 'tmpfs',
    0x794c7630: 'overlayfs',
    0x6969: 'nfs',
    0x2fc12fc1: 'zfs',
    0xf2f52010: 'f2fs',
    0x65735546: 'fuse',
    0x61756673: 'aufs',
  };
  return names[type >>> 0] ?? `file system 0x${(type >>> 0).toString(16)}`;
}
