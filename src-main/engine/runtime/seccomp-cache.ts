import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { System } from '../../system/system.ts';
import type { OciSpec } from './oci-spec.ts';
import type { OciRuntime } from './runtime.ts';

/** crun.1: the filter as the kernel takes it, in base64; the rules are then not compiled. */
const annotation = 'run.oci.seccomp_bpf_data';
/** sock_filter is eight bytes; the kernel takes 4096 of them (BPF_MAXINSNS). */
const largestFilterBytes = 4096 * 8;

export interface SeccompCache {
  /** Puts the compiled filter into the spec if there is one. */
  apply(spec: OciSpec): OciSpec;
  /** After a create: keeps what crun has compiled from these rules. */
  keep(spec: OciSpec, id: string): void;
}

/**
 * crun compiles the profile anew for each container, which takes it about as long as everything else. Its create leaves the result beside its
 * state; kept in the run root, by the rules and the very crun that made it, it is given to the next container with the same rules. A
 * reboot forgets all. Profiles that ask somebody (NOTIFY) are left alone.
 */
export function openSeccompCache(runRoot: string, files: System['files'], runtime: Pick<OciRuntime, 'name' | 'path'>): SeccompCache {
  const directory = join(runRoot, 'seccomp');
  const known = new Map<string, string>();

  function keyOf(spec: OciSpec): string | undefined {
    const rules = spec.linux.seccomp;
    if (rules === undefined || runtime.name !== 'crun') return undefined;
    const text = JSON.stringify(rules);
    if (text.includes('SCMP_ACT_NOTIFY')) return undefined;
    const { size, mtimeMs } = statSync(runtime.path);
    return createHash('sha256').update(`${runtime.path} ${size} ${mtimeMs}\n${text}`).digest('hex');
  }

  function find(key: string): string | undefined {
    const cached = known.get(key) ?? readFilter(join(directory, key))?.toString('base64');
    if (cached !== undefined) known.set(key, cached);
    return cached;
  }

  return {
    apply(spec) {
      const key = keyOf(spec);
      const filter = key === undefined ? undefined : find(key);
      return filter === undefined || annotation in spec.annotations
        ? spec
        : { ...spec, annotations: { ...spec.annotations, [annotation]: filter } };
    },
    keep(spec, id) {
      if (annotation in spec.annotations) return;
      const key = keyOf(spec);
      const filter = key === undefined ? undefined : readFilter(join(runRoot, 'oci', id, 'seccomp.bpf'));
      if (key === undefined || filter === undefined) return;
      files.ensureDirectory(directory, 0o700);
      files.writeAtomically(join(directory, key), filter, { mode: 0o600 });
    },
  };
}

/** Undefined: there is none, or it is no whole filter. */
function readFilter(path: string): Buffer | undefined {
  try {
    const filter = readFileSync(path);
    return filter.length > 0 && filter.length % 8 === 0 && filter.length <= largestFilterBytes ? filter : undefined;
  } catch {
    return undefined;
  }
}
