/**
 * conmon, which holds one container: its stdio, log and exit code. It outlives every engine.
 *
 * Terms. The *sync pipe* is on which conmon says, one JSON line each, how the runtime's create (or exec) went, and of an exec later
 * the exit code. The *start pipe* holds an exec back until somebody is attached. *attach* is a SOCK_SEQPACKET socket and
 * *ctl* a fifo in the bundle (of an exec: in its own folder).
 *
 * Laws
 * - What the runtime said on a failure reaches the caller as an error with a code; conmon's own words are in `monitor.log` of the bundle.
 * - An exec runs under a conmon of its own: its output is attached before it begins, its exit code is exact, and detached ones outlive the engine.
 */
import type { PacketSocket } from '../../system/system.ts';

export { openMonitor } from './conmon.ts';

export interface MonitorRequest {
  readonly containerId: string;
  readonly name: string;
  readonly bundle: string;
  /** Pid file, conmon's pid file, exit folder: all in the run root. */
  readonly pidFile: string;
  readonly conmonPidFile: string;
  /** Folder shared by all containers: conmon writes DIR/ID when one ends. */
  readonly exitDirectory: string;
  readonly persistDirectory: string;
  readonly logDriver: 'k8s-file' | 'none';
  readonly logPath: string;
  readonly logMaxSizeBytes: number;
  readonly tty: boolean;
  readonly interactive: boolean;
  /** Program and arguments that conmon runs when the container has ended. */
  readonly exitCommand: readonly string[];
  readonly systemdCgroup: boolean;
  readonly timeoutSeconds: number;
}

export interface Monitor {
  readonly path: string;
  /** Asks the program for its version, unless it was asked before. */
  describe(): Promise<{ readonly path: string; readonly version: string }>;
  /** conmon and the runtime's create. Rejects with what the runtime said. Resolves with both pids once the container is created (not started). */
  create(request: MonitorRequest): Promise<{ readonly pid: number; readonly conmonPid: number }>;
  /** conmon's attach socket of a container. */
  attach(bundle: string): Promise<PacketSocket>;
  /** Tells conmon the terminal's new size (ctl fifo). */
  resize(bundle: string, rows: number, columns: number): void;
  /** Makes conmon open its log again (ctl fifo), after a rotation. */
  reopenLog(bundle: string): void;
  /**
   * Runs a process in a running container. Rejects with command-not-found, command-not-executable … when it could not begin.
   * `directory` is made if need be and belongs to this exec alone; the caller removes it when `exited` has settled (detached: when it likes).
   */
  exec(request: ExecMonitorRequest): Promise<ExecSession>;
}

export interface ExecMonitorRequest {
  readonly containerId: string;
  readonly execId: string;
  readonly bundle: string;
  readonly directory: string;
  readonly processSpecPath: string;
  readonly tty: boolean;
  readonly interactive: boolean;
  readonly detached: boolean;
  readonly exitCommand: readonly string[];
  readonly size: { readonly rows: number; readonly columns: number } | undefined;
}

export interface ExecSession {
  readonly pid: number;
  /** Undefined when detached. */
  readonly socket: PacketSocket | undefined;
  /** Its exit status, 128+n after a signal; 137 when conmon itself was killed. Never rejects. */
  readonly exited: Promise<number>;
  /** For a caller that is gone: signals the exec's first process, and no other that has got its number meanwhile. */
  kill(signal: NodeJS.Signals | number): void;
  resize(rows: number, columns: number): void;
}
