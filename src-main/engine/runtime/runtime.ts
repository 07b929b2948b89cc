/**
 * The OCI runtime: crun, or runc as the alternative; and the configuration it is given (OCI runtime-spec 1.0).
 * It creates nothing by itself on the hot path: conmon calls the runtime; here are its start, kill, delete, exec and state.
 */
import type { EngineError } from '../../base/errors.ts';

export interface OciRuntime {
  readonly name: 'crun' | 'runc';
  readonly path: string;
  readonly version: string;
  /** The manager in force: as configured, else systemd where it runs us on cgroup v2, else cgroupfs. */
  readonly cgroupManager: 'systemd' | 'cgroupfs';
  /** Arguments that conmon hands on before the verb (--root=…, --systemd-cgroup). */
  readonly globalArguments: readonly string[];
  /** The process of a created container begins to run. */
  start(id: string): Promise<void>;
  /** No error when it is gone. */
  kill(id: string, signal: number, options?: { readonly all?: boolean }): Promise<void>;
  /** With force also a running one. No error when there is none. */
  delete(id: string, options?: { readonly force?: boolean }): Promise<void>;
  /** Ids that the runtime knows: what a crashed engine may have left. */
  list(): Promise<readonly { readonly id: string; readonly status: string; readonly pid: number }[]>;
  /** Turns the runtime's words on a failed create or exec into a code: command-not-found, command-not-executable, denied, invalid-argument, runtime-failed. */
  explainFailure(message: string, command: readonly string[]): EngineError;
}
