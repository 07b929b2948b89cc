/**
 * conmon, which holds one container: its stdio, log and exit code. It outlives every engine.
 */
import type { PacketSocket, SpawnedProcess } from '../../system/system.ts';

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
  readonly version: string;
  /** conmon and the runtime's create. Rejects with what the runtime said. Resolves with both pids once the container is created (not started). */
  create(request: MonitorRequest): Promise<{ readonly pid: number; readonly conmonPid: number }>;
  /** conmon's attach socket of a container. */
  attach(bundle: string): Promise<PacketSocket>;
  /** Tells conmon the terminal's new size (ctl fifo). */
  resize(bundle: string, rows: number, columns: number): void;
  /** Makes conmon open its log again (ctl fifo), after a rotation. */
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
  readonly exited: Promise<number>;
  readonly process: SpawnedProcess;
  resize(rows: number, columns: number): void;
}
