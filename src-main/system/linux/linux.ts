/**
 * The kernel room on Linux, x86-64 and arm64, with glibc.
 */
import type { System } from '../system.ts';
import { linuxAttributes } from './attributes.ts';
import { linuxCgroups } from './cgroups.ts';
import { linuxFiles } from './files.ts';
import { readIdentity } from './identity.ts';
import { linuxLocks } from './locks.ts';
import { linuxMounts } from './mounts.ts';
import { linuxNamespaces } from './namespaces.ts';
import { connectPacket } from './packet-socket.ts';
import { findListener } from './port-owner.ts';
import { linuxProcesses } from './processes.ts';

/** Cheap: reads a few files of /proc, loads nothing native. */
export function createLinuxSystem(): System {
  const identity = readIdentity();
  return {
    files: linuxFiles,
    attributes: linuxAttributes,
    processes: linuxProcesses,
    mounts: linuxMounts,
    namespaces: linuxNamespaces(linuxProcesses, linuxMounts),
    cgroups: linuxCgroups(identity, () => linuxMounts.list()),
    locks: linuxLocks,
    sockets: { connectPacket, listenerOn: findListener },
    clock: { nowMs: () => Date.now(), monotonicNs: () => process.hrtime.bigint() },
    identity,
  };
}
