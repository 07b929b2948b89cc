/** Which field an error of the engine belongs to. Pure: it reads the code and the details, never the message. */
import type { EngineError } from '../../../src-main/base/errors.ts';
import type { RunValues } from './values.ts';

/** Names in the specification that have another name in the form. */
const renamed: Record<string, string> = {
  'resources.memoryBytes': 'memory',
  'resources.cpus': 'cpus',
  'resources.pidsLimit': 'pids',
  restartPolicy: 'restart',
  'restartPolicy.name': 'restart',
  'restartPolicy.maximumRetries': 'retries',
  'network.mode': 'network',
};

const plainFields = new Set(['image', 'name', 'command', 'memory', 'cpus', 'pids', 'restart', 'retries', 'network', 'userns']);

function toField(path: string): string | undefined {
  const name = renamed[path] ?? path;
  if (plainFields.has(name)) return name;
  if (/^(ports\.\d+\.(hostIp|hostPort|containerPort)|mounts\.\d+\.(source|target))$/.test(name)) return name;
  const variable = /^environment\.(\d+)$/.exec(name);
  return variable ? `environment.${variable[1] ?? '0'}.name` : undefined;
}

/** Undefined: it belongs to no field, and is shown above the form. */
export function fieldOf(error: EngineError, values: RunValues): string | undefined {
  const { details } = error;
  const named = typeof details['field'] === 'string' ? toField(details['field']) : undefined;
  if (named !== undefined) return named;
  // Which of the list it is the engine says by its source or target, as it says a port by its number.
  if (details['field'] === 'mounts') {
    const at = values.mounts.findIndex(({ source, target }) => source === details['source'] || target === details['target']);
    return at < 0 ? undefined : `mounts.${at}.${typeof details['source'] === 'string' ? 'source' : 'target'}`;
  }
  switch (error.code) {
    case 'already-exists':
      return 'name';
    case 'port-in-use': {
      const port = Number(details['hostPort'] ?? details['port']);
      const index = values.ports.findIndex((entry) => Number(entry.hostPort) === port);
      const any = values.ports.findIndex((entry) => entry.hostPort !== '');
      const at = index >= 0 ? index : any;
      return at < 0 ? undefined : `ports.${at}.hostPort`;
    }
    case 'command-not-found':
    case 'command-not-executable':
      return 'command';
    case 'unauthorized':
      return 'image';
    case 'invalid-argument': {
      const issues = details['issues'];
      if (typeof issues !== 'object' || issues === null) return undefined;
      return Object.keys(issues)
        .map(toField)
        .find((field) => field !== undefined);
    }
    default:
      return undefined;
  }
}
