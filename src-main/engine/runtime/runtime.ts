/**
 * The OCI runtime: crun, or runc as the alternative; and the configuration it is given (OCI runtime-spec 1.0).
 * It creates nothing by itself on the hot path: conmon calls the runtime; here are its start, kill, delete, exec and state.
 *
 * Terms. The *spec* is config.json of a bundle; a *process spec* is its `process` part, which exec takes alone.
 * The *cgroup manager* says who makes a container's cgroup: systemd, the runtime itself (cgroupfs), or nobody (disabled),
 * which is what is left to a rootless engine on cgroup v1 or without delegation.
 *
 * Laws
 * - Building a spec changes nothing on the host, and reads of the container's root file system only through openat2(2) with
 *   RESOLVE_IN_ROOT: the image is hostile.
 * - `checkRuntimeOptions` refuses at creation whatever `buildRuntimeSpec` would refuse at start for reasons other than the image.
 * - A limit that cannot be enforced here is an error that names it; only Podman's own default limits are dropped quietly.
 */
import type { EngineError } from '../../base/errors.ts';
import type { CgroupManager } from './cgroup.ts';

export { cgroupManagerFor, controllerAvailable } from './cgroup.ts';
export { buildExecProcess } from './exec-process.ts';
export { checkIdmap } from './mount-options.ts';
export { userOf } from './process.ts';
export { openOciRuntime } from './oci-runtime.ts';
export { openSeccompCache, type SeccompCache } from './seccomp-cache.ts';
export { identifyTool } from './tool-version.ts';
export type { OciSpec } from './oci-spec.ts';
export { buildRuntimeSpec, checkRuntimeOptions, ensureWorkingDirectory, hostOwner } from './spec.ts';
export { largestImageId, resolveUser } from './user.ts';

export interface OciRuntime {
  readonly name: 'crun' | 'runc';
  readonly path: string;
  /** What to execute instead of `path`: the same program in a form that starts sooner, valid while this process lives. */
  readonly executable: string;
  /** Arguments that conmon hands on before the verb (--root=…, --systemd-cgroup). */
  readonly globalArguments: readonly string[];
  /** Who makes the containers' cgroups. */
  readonly cgroupManager: CgroupManager;
  /** Asks the program for its version, unless it was asked before (kept in the run root). */
  describe(): Promise<{ readonly name: string; readonly path: string; readonly version: string }>;
  /** The process of a created container begins to run. */
  start(id: string): Promise<void>;
  /** No error when it is gone. */
  kill(id: string, signal: number, options?: { readonly all?: boolean }): Promise<void>;
  /** Freezes its processes. `unsupported` where it has no cgroup that could be frozen. */
  pause(id: string): Promise<void>;
  /** No error when it is gone or was not frozen. */
  resume(id: string): Promise<void>;
  /** With force also a running one. No error when there is none. */
  delete(id: string, options?: { readonly force?: boolean }): Promise<void>;
  /** Ids that the runtime knows: what a crashed engine may have left. */
  list(): Promise<readonly { readonly id: string; readonly status: string; readonly pid: number }[]>;
  /** Turns the runtime's words on a failed create or exec into a code: command-not-found, command-not-executable, denied, invalid-argument, runtime-failed. */
  explainFailure(message: string, command: readonly string[]): EngineError;
}
