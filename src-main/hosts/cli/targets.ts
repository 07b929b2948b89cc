/** Which containers a command is about: names, --all, --latest, --filter, --cidfile. */
import { readFileSync } from 'node:fs';
import { EngineError, errorTable, isCancelled, isEngineError, messageOf } from '../../base/errors.ts';
import type { ContainerState, ContainerSummary } from '../../contract/container.ts';
import type { EngineClient } from '../../contract/engine.ts';
import type { Context } from './context.ts';
import { flagTable } from './options/flags.ts';
import { parseFilters } from './options/values.ts';
import { describeFailure } from './output/failure.ts';
import { print, write } from './output/print.ts';

export const targetFlags = flagTable({
  all: { kind: 'bool', short: 'a', help: 'All containers that it makes sense for' },
  cidfile: { kind: 'array', word: 'path', help: 'Take the id from a file' },
  filter: { kind: 'array', short: 'f', word: 'key=value', help: 'All containers that fit' },
  latest: { kind: 'bool', short: 'l', help: 'The newest container' },
});

interface TargetOptions {
  readonly all?: boolean | undefined;
  readonly latest?: boolean | undefined;
  readonly filter?: readonly string[];
  readonly cidfile?: readonly string[];
}

export interface Target {
  /** What the engine is asked for. */
  readonly reference: string;
  /** What is printed: what the user typed, or the id. */
  readonly shown: string;
}

/** @param states those that --all means; undefined: every state */
export async function resolveTargets(
  api: EngineClient,
  options: TargetOptions,
  names: readonly string[],
  states?: readonly ContainerState[],
): Promise<Target[]> {
  const filters = parseFilters(options.filter ?? []);
  if (options.all === true && (names.length > 0 || options.latest === true))
    throw new EngineError('invalid-argument', 'no arguments are needed with --all');
  if (options.latest === true && names.length > 0)
    throw new EngineError('invalid-argument', '--latest and containers cannot be used together');
  const typed = [...names, ...(options.cidfile ?? []).map(readIdFile)];
  if (options.latest === true) return [await latest(api)].map(toTarget);
  if (options.all === true || filters.length > 0) {
    const found = await api.container.list({ all: true, filters });
    const fitting = states && filters.length === 0 ? found.filter((container) => states.includes(container.state)) : found;
    return [...typed.map((name) => ({ reference: name, shown: name })), ...fitting.map(toTarget)];
  }
  if (typed.length === 0) throw new EngineError('invalid-argument', 'you must provide at least one name or id');
  return typed.map((name) => ({ reference: name, shown: name }));
}

function toTarget(container: ContainerSummary): Target {
  return { reference: container.id, shown: container.id };
}

export async function latest(api: EngineClient): Promise<ContainerSummary> {
  const [container] = await api.container.list({ all: true, last: 1 });
  if (!container) throw new EngineError('not-found', 'there is no container');
  return container;
}

export function readIdFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new EngineError('invalid-argument', `reading CIDFile ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** As many containers as are worked on at once: stopping mostly waits. */
const atOnce = 8;

export interface EachOptions {
  readonly targets: readonly Target[];
  readonly context: Context;
  /** What is left out silently. */
  readonly ignore?: (error: unknown) => boolean;
  /** Exit status of a failure, when it is not the table's. */
  readonly exitCodeOf?: (error: unknown) => number | undefined;
  readonly silent?: boolean;
}

/** Does it for each, prints each that succeeded in the order given, then each failure. @returns the status of the first failure */
export async function forEachTarget(options: EachOptions, work: (reference: string) => Promise<unknown>): Promise<number> {
  const { targets, context } = options;
  const outcomes = new Map<Target, { error?: unknown }>();
  let printed = 0;
  const settle = async (target: Target, outcome: { error?: unknown }): Promise<void> => {
    outcomes.set(target, outcome);
    for (; printed < targets.length; printed++) {
      const next = targets[printed];
      const done = next && outcomes.get(next);
      if (!next || !done) return;
      if (!('error' in done) && options.silent !== true) await print(`${next.shown}\n`);
    }
  };
  const waiting = [...targets];
  const workers = Array.from({ length: Math.min(atOnce, waiting.length) }, async () => {
    for (let target = waiting.shift(); target; target = waiting.shift()) {
      const outcome = await work(target.reference).then(
        () => ({}),
        (error: unknown) => ({ error }),
      );
      await settle(target, outcome);
    }
  });
  await Promise.all(workers);
  const failures = [...outcomes.values()].flatMap((outcome) =>
    'error' in outcome && options.ignore?.(outcome.error) !== true ? [outcome.error] : [],
  );
  return reportFailures(failures, context, options.exitCodeOf);
}

/** Prints each. @returns 0 without any, else the first one's status */
export async function reportFailures(
  failures: readonly unknown[],
  context: Context,
  exitCodeOf?: (error: unknown) => number | undefined,
): Promise<number> {
  const cancelled = failures.find(isCancelled);
  if (cancelled instanceof Error) throw cancelled;
  const debug = context.globals.logLevel === 'debug' || context.globals.logLevel === 'trace';
  let status = 0;
  for (const error of failures) {
    const failure = describeFailure(error, debug);
    await write('stderr', failure.text);
    status ||= exitCodeOf?.(error) ?? failure.exitCode;
  }
  return status;
}

/** rm and rmi: 1 when there is none, 2 when it is in use or running. */
export function removalExitCode(error: unknown): number | undefined {
  if (isEngineError(error, 'not-found')) return 1;
  if (isEngineError(error, 'wrong-state') || isEngineError(error, 'in-use')) return 2;
  return isEngineError(error) ? errorTable[error.code].exitCode : undefined;
}
