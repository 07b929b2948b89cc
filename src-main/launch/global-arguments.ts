import { parseArgs } from 'node:util';
import { EngineError, messageOf } from '../base/errors.ts';
import type { EngineOptions } from '../engine/config/config.ts';

/** Podman's names of the engine's options, as the worker and the clean-up program take them. */
const names = {
  root: 'root',
  runroot: 'runRoot',
  tmpdir: 'tmpDirectory',
  'storage-driver': 'storageDriver',
  runtime: 'runtime',
  'cgroup-manager': 'cgroupManager',
  'network-backend': 'networkBackend',
} as const satisfies Record<string, keyof EngineOptions>;

/** The command-line form of options; only what was given. */
export function toGlobalArguments(options: EngineOptions): string[] {
  const single = Object.entries(names).flatMap(([name, key]) => {
    const value = options[key];
    return value === undefined ? [] : [`--${name}=${value}`];
  });
  return [...single, ...(options.storageOptions ?? []).map((option) => `--storage-opt=${option}`)];
}

/** The reverse of {@link toGlobalArguments}; unknown words are refused by name. */
export function parseGlobalArguments(args: readonly string[]): EngineOptions {
  const single = Object.fromEntries(Object.keys(names).map((name) => [name, { type: 'string', multiple: true } as const]));
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { ...single, 'storage-opt': { type: 'string', multiple: true } },
      strict: true,
    });
    const given = values as Readonly<Record<string, readonly string[] | undefined>>;
    const options = Object.entries(names).map(([name, key]) => [key, given[name]?.at(-1)] as const);
    const storageOptions = given['storage-opt'];
    return { ...Object.fromEntries(options.filter(([, value]) => value !== undefined)), ...(storageOptions ? { storageOptions } : {}) };
  } catch (error) {
    throw new EngineError('invalid-argument', messageOf(error), { cause: error });
  }
}
