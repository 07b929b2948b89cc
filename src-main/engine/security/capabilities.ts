import { readFileSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';

/** By bit number: include/uapi/linux/capability.h of Linux 6.x. */
const names = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
].map((name) => `CAP_${name}`);

const known: ReadonlySet<string> = new Set(names);

/** The five sets of capabilities(7), as the OCI runtime wants them. */
export interface ProcessCapabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly inheritable?: readonly string[];
  readonly ambient?: readonly string[];
}

/** `net_admin`, `CAP_NET_ADMIN` → `CAP_NET_ADMIN`; `all` → `ALL`. */
export function normalizeCapability(word: string): string {
  const upper = word.trim().toUpperCase();
  if (upper === 'ALL') return upper;
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (!known.has(name))
    throw new EngineError('invalid-argument', `"${name}": unknown capability`, {
      fix: 'Use a name from capabilities(7), such as NET_ADMIN, or ALL.',
      details: { field: 'capAdd' },
    });
  return name;
}

let boundingSet: readonly string[] | undefined;

/** What the engine itself can hand out at most: CapBnd of /proc/self/status. It cannot grow, so it is read once. */
export function engineBoundingSet(): readonly string[] {
  boundingSet ??= decodeMask(/^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0');
  return boundingSet;
}

export function decodeMask(hexadecimal: string): string[] {
  const mask = BigInt(`0x${hexadecimal}`);
  return names.filter((_, bit) => (mask >> BigInt(bit)) & 1n);
}

/**
 * Podman's arithmetic: dropping ALL leaves only what is added; adding ALL starts from everything that the engine has.
 * Answers sorted names. `invalid-argument` for unknown names and contradictions.
 */
export function mergeCapabilities(base: readonly string[], add: readonly string[], drop: readonly string[]): string[] {
  const added = new Set(add.map(normalizeCapability));
  const dropped = new Set(drop.map(normalizeCapability));
  if (added.has('ALL') && dropped.has('ALL')) throw contradiction('adding all caps and removing all caps not allowed');
  for (const name of added) if (dropped.has(name)) throw contradiction(`capability "${name}" cannot be dropped and added`);
  if (dropped.has('ALL')) return [...added].sort();
  const merged = new Set(added.has('ALL') ? engineBoundingSet() : base.map(normalizeCapability));
  for (const name of added) if (name !== 'ALL') merged.add(name);
  for (const name of dropped) merged.delete(name);
  return [...merged].sort();
}

function contradiction(message: string): EngineError {
  return new EngineError('invalid-argument', message, { fix: 'Name each capability in --cap-add or in --cap-drop, not in both.' });
}

export interface CapabilityRequest {
  readonly defaults: readonly string[];
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly privileged: boolean;
}

/**
 * The sets of a container's process. Root has the whole bounding set in force; any other user only what was added by name,
 * and that also as ambient, so that it survives execve(2) (podman-run(1), --cap-add).
 * A capability that was asked for and that the engine does not have itself is refused (`denied`); a default one is left out.
 */
export function capabilitiesFor(request: CapabilityRequest, isRoot: boolean): ProcessCapabilities {
  const available = new Set(engineBoundingSet());
  const bounding = request.privileged
    ? [...available].sort()
    : mergeCapabilities(request.defaults, request.add, request.drop).filter((name) => available.has(name));
  const named = request.add.map(normalizeCapability).filter((name) => name !== 'ALL');
  const refused = named.find((name) => !available.has(name));
  if (refused !== undefined)
    throw new EngineError('denied', `capability "${refused}" cannot be added: the engine does not have it itself`, {
      fix: `Run Selkie where ${refused} is not taken away, or leave out --cap-add ${refused.slice(4)}.`,
    });
  if (isRoot) return { bounding, effective: bounding, permitted: bounding };
  const kept = mergeCapabilities([], request.add, []);
  return { bounding, effective: kept, permitted: kept, inheritable: kept, ambient: kept };
}
