import { join } from 'node:path';
import type { OciRuntime } from '../runtime/runtime.ts';
import type { ExecMonitorRequest, MonitorRequest } from './monitor.ts';

type Runtime = Pick<OciRuntime, 'executable' | 'globalArguments' | 'cgroupManager'>;

/** Where the runtime writes why it failed: with a terminal its words on stderr would go to the terminal. */
export function runtimeLog(directory: string): string {
  return join(directory, 'oci.log');
}

function common(runtime: Runtime, directory: string): string[] {
  return [
    '--api-version=1',
    `--runtime=${runtime.executable}`,
    // The whole path of the attach socket; without it, and without a --socket-dir-path, conmon ends without a word.
    '--full-attach',
    // A sync of the log at the end costs tens of ms on a busy disk and buys nothing: a log is not a database.
    '--no-sync-log',
    '--log-level=error',
    ...[...runtime.globalArguments, `--log=${runtimeLog(directory)}`].map((argument) => `--runtime-arg=${argument}`),
    ...(runtime.cgroupManager === 'systemd' ? ['--systemd-cgroup'] : []),
  ];
}

function exitArguments(command: readonly string[]): string[] {
  const [program, ...rest] = command;
  return program === undefined ? [] : [`--exit-command=${program}`, ...rest.map((argument) => `--exit-command-arg=${argument}`)];
}

/** With --stdin conmon closes the container's input when the first client lets go of it: a terminal has to survive a detaching. */
function stdioArguments({ tty, interactive }: { readonly tty: boolean; readonly interactive: boolean }): string[] {
  if (tty) return ['--terminal'];
  return interactive ? ['--stdin'] : [];
}

export function createArguments(request: MonitorRequest, runtime: Runtime): string[] {
  return [
    ...common(runtime, request.bundle),
    `--cid=${request.containerId}`,
    `--cuuid=${request.containerId}`,
    `--name=${request.name}`,
    `--bundle=${request.bundle}`,
    `--container-pidfile=${request.pidFile}`,
    `--conmon-pidfile=${request.conmonPidFile}`,
    `--exit-dir=${request.exitDirectory}`,
    `--persist-dir=${request.persistDirectory}`,
    // A keyring per container counts against the user's quota (200 keys by default).
    '--no-new-keyring',
    `--log-path=${request.logDriver === 'none' ? 'none' : `k8s-file:${request.logPath}`}`,
    ...(request.logMaxSizeBytes > 0 ? [`--log-size-max=${request.logMaxSizeBytes}`] : []),
    ...(request.timeoutSeconds > 0 ? [`--timeout=${request.timeoutSeconds}`] : []),
    ...stdioArguments(request),
    ...exitArguments(request.exitCommand),
  ];
}

function execPidFile(request: ExecMonitorRequest): string {
  return join(request.directory, 'pid');
}

/** Its exit file goes into its own folder: conmon names it by the container, and in the shared one it would say that the container had ended. */
export function execArguments(request: ExecMonitorRequest, runtime: Runtime): string[] {
  return [
    ...common(runtime, request.directory),
    '--exec',
    `--cid=${request.containerId}`,
    `--cuuid=${request.execId}`,
    `--name=${request.execId}`,
    `--bundle=${request.directory}`,
    `--container-pidfile=${execPidFile(request)}`,
    `--exit-dir=${request.directory}`,
    `--exec-process-spec=${request.processSpecPath}`,
    '--log-path=none',
    ...(request.detached ? [] : ['--exec-attach']),
    ...stdioArguments(request),
    ...exitArguments(request.exitCommand),
  ];
}
