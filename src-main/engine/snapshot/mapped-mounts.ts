import { lstatSync, mkdirSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { isEngineError, messageOf } from '../../base/errors.ts';
import type { System } from '../../system/system.ts';
import type { IdMapping } from './id-mapping.ts';

export type MappedMountSystem = Pick<System, 'files' | 'identity' | 'mounts' | 'namespaces'>;

/** containers/storage's own switch: files are copied for a mapped container though the kernel could map the mount. */
const offSwitch = '_CONTAINERS_OVERLAY_DISABLE_IDMAP';

export interface MappedMountSupport {
  readonly works: boolean;
  /** In one line: why, or why not. */
  readonly reason: string;
}

/**
 * Whether mounts of a driver's folder can translate owners: found by a trial that looks at one file through such a mount, and remembered for as
 * long as kernel, rights and file system stay the same. Rootless the kernel allows it only for a file system that was mounted in our own user namespace.
 */
export function probeMappedMounts(home: string, system: MappedMountSystem): MappedMountSupport {
  if (/^(?:1|true|yes)$/i.test(process.env[offSwitch] ?? '')) return { works: false, reason: `${offSwitch} is set` };
  const memory = `${home}/.mapped-mounts`;
  const circumstances = [release(), system.identity.rootless, statSync(home).dev].join(' ');
  const text = system.files.readTextIfExists(memory);
  const remembered = text === undefined ? undefined : readMemory(text, circumstances);
  if (remembered) return remembered;
  const failure = tryOne(home, system);
  const support = { works: failure === undefined, reason: failure ?? `a trial mount worked (kernel ${release()})` };
  system.files.writeAtomically(memory, JSON.stringify({ circumstances, ...support }), { mode: 0o600 });
  return support;
}

function readMemory(text: string, circumstances: string): MappedMountSupport | undefined {
  try {
    const value = JSON.parse(text) as Partial<MappedMountSupport & { circumstances: string }>;
    const { works, reason } = value;
    return value.circumstances === circumstances && typeof works === 'boolean' && typeof reason === 'string'
      ? { works, reason }
      : undefined;
  } catch {
    return undefined;
  }
}

function tryOne(home: string, system: MappedMountSystem): string | undefined {
  const base = `${home}/.probe-mapped-${String(process.pid)}`;
  const [source, target] = [`${base}/source`, `${base}/target`];
  const ranges = [{ containerId: 0, hostId: 1, size: 1 }];
  rmSync(base, { recursive: true, force: true });
  mkdirSync(source, { recursive: true, mode: 0o700 });
  mkdirSync(target);
  let mounted = false;
  try {
    writeFileSync(`${source}/file`, '');
    using namespace = system.namespaces.openUser(ranges, ranges);
    system.mounts.mountMapped(source, target, namespace.descriptor);
    mounted = true;
    const { uid, gid } = lstatSync(`${target}/file`);
    return uid === 1 && gid === 1 ? undefined : `a file of root looks like one of ${String(uid)}:${String(gid)} there`;
  } catch (error) {
    if (!isEngineError(error)) throw error;
    return messageOf(error);
  } finally {
    if (mounted) system.mounts.unmount(target, { detach: true });
    rmSync(base, { recursive: true, force: true });
  }
}

/** Shows `source` at `target` with owners translated. The folder is made. */
export function mountMappedAt(source: string, target: string, mapping: IdMapping, system: MappedMountSystem): void {
  mkdirSync(target, { recursive: true, mode: 0o700 });
  using namespace = system.namespaces.openUser(mapping.uids, mapping.gids);
  system.mounts.mountMapped(source, target, namespace.descriptor);
}

/**
 * Calls `mount` with a place where the driver's folder shows its owners translated. Overlay keeps what it has mounted, so that the place is gone
 * again when this returns: of what a death in between leaves, {@link clearMappedAt} takes care.
 */
export function withMappedAt(source: string, target: string, mapping: IdMapping, system: MappedMountSystem, mount: () => void): void {
  clearMappedAt(target, system);
  mountMappedAt(source, target, mapping, system);
  try {
    mount();
  } finally {
    clearMappedAt(target, system);
  }
}

/** Nothing there: no error. */
export function clearMappedAt(target: string, system: { readonly mounts: Pick<MappedMountSystem['mounts'], 'unmount'> }): void {
  if (lstatSync(target, { throwIfNoEntry: false }) === undefined) return;
  system.mounts.unmount(target, { detach: true });
  rmdirSync(target);
}
