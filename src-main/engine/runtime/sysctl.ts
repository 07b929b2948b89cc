import { EngineError } from '../../base/errors.ts';
import type { ContainerSpec } from '../../contract/container-spec.ts';

interface Namespaced {
  readonly matches: RegExp;
  readonly host: (spec: ContainerSpec, networkMode: string) => boolean;
  readonly namespace: string;
}

/** What the kernel keeps per namespace; everything else would change the host. */
const namespaced: readonly Namespaced[] = [
  { matches: /^net\./, host: (_, networkMode) => networkMode === 'host', namespace: 'Network' },
  {
    matches: /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$|fs\.mqueue\.)/,
    host: (spec) => spec.ipc === 'host',
    namespace: 'IPC',
  },
  { matches: /^kernel\.(hostname|domainname)$/, host: (spec) => spec.uts === 'host', namespace: 'UTS' },
];

/**
 * KEY=VALUE words against the namespaces that the container has of its own. A word of the user's that would change the host is refused;
 * a default one is left out.
 */
export function sysctlsFor(spec: ContainerSpec, networkMode: string, defaults: readonly string[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (const word of defaults) {
    const { key, value } = parseSysctl(word);
    if (problem(key, word, spec, networkMode) === undefined) result[key] = value;
  }
  for (const word of spec.sysctls) {
    const { key, value } = parseSysctl(word);
    const refusal = problem(key, word, spec, networkMode);
    if (refusal) throw refusal;
    result[key] = value;
  }
  return result;
}

function parseSysctl(word: string): { readonly key: string; readonly value: string } {
  const match = /^\s*([A-Za-z0-9_./-]+)\s*=\s*(.*?)\s*$/s.exec(word);
  if (match?.[1] === undefined || match[1].includes('..'))
    throw new EngineError('invalid-argument', `${word} is invalid, sysctl values must be in the form of KEY=VALUE`, {
      details: { field: 'sysctls' },
    });
  // sysctl(8) takes slashes too; the runtime knows dots alone.
  return { key: match[1].includes('.') ? match[1] : match[1].replaceAll('/', '.'), value: match[2] ?? '' };
}

function problem(key: string, word: string, spec: ContainerSpec, networkMode: string): EngineError | undefined {
  const rule = namespaced.find(({ matches }) => matches.test(key));
  if (!rule)
    return new EngineError('invalid-argument', `sysctl '${key}' is not allowed`, {
      fix: 'Only settings that belong to a namespace of the container can be changed: net.*, kernel.msg*, kernel.sem, kernel.shm*, fs.mqueue.*.',
      details: { field: 'sysctls' },
    });
  if (!rule.host(spec, networkMode)) return undefined;
  return new EngineError(
    'invalid-argument',
    `sysctl ${word} can't be set since ${rule.namespace} Namespace set to host: invalid argument`,
    {
      fix: 'Give the container a namespace of its own, or leave the setting out.',
      details: { field: 'sysctls' },
    },
  );
}
