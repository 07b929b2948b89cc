import { closeSync, constants, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { libc } from './libc.ts';

const closeOnExec = 1;
const allowSealing = 2;
const addSeals = 1033;
/** F_SEAL_SEAL, SHRINK, GROW and WRITE: what crun looks for in its own executable. */
const allSeals = 0xf;

interface Copy {
  readonly fd: number;
  readonly stamp: string;
}

const copies = new Map<string, Copy>();

/**
 * A path to a copy of the program in sealed memory, valid while this process lives. crun makes one of itself at every start, so that a
 * container cannot overwrite it through /proc/self/exe (CVE-2019-5736), and executes itself a second time; started from a sealed copy it leaves
 * out both, which is a fifth of its time. Answers the program's own path where the kernel refuses (vm.memfd_noexec), or where AppArmor gives
 * rights to programs by their path.
 */
export function sealedProgram(path: string): string {
  const { ino, mtimeNs, size } = statSync(path, { bigint: true });
  const stamp = `${ino} ${mtimeNs} ${size}`;
  const known = copies.get(path);
  if (known?.stamp === stamp) return nameOf(known.fd);
  if (rightsGoByPath()) return path;
  const fd = copy(path);
  if (fd === undefined) return path;
  if (known) closeSync(known.fd);
  copies.set(path, { fd, stamp });
  return nameOf(fd);
}

function nameOf(fd: number): string {
  return `/proc/${process.pid}/fd/${fd}`;
}

function copy(path: string): number | undefined {
  const writable = libc().memfd_create(path, closeOnExec | allowSealing);
  if (writable < 0) return undefined;
  try {
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; ) at += writeSync(writable, bytes, at);
    if (libc().fcntl(writable, addSeals, allSeals) < 0) return undefined;
    // What is open for writing cannot be executed.
    return openSync(`/proc/self/fd/${writable}`, constants.O_RDONLY);
  } catch {
    return undefined;
  } finally {
    closeSync(writable);
  }
}

/** Ubuntu 24.04: only programs with a profile of their own may make user namespaces. */
function rightsGoByPath(): boolean {
  try {
    return readFileSync('/proc/sys/kernel/apparmor_restrict_unprivileged_userns', 'latin1').trim() === '1';
  } catch {
    return false;
  }
}
