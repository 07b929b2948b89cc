/**
 * Containers: create, start, stop, kill, remove, attach, exec, logs, and what happens when one ends.
 *
 * Laws
 * - Every change of a record happens under the container's lock, is journalled as an operation first, and can be repaired from the journal alone.
 * - An exit is handled exactly once, by whoever holds the container's lock first: an engine that watches, or the clean-up program that conmon starts.
 */
import type { ContainerSpec } from '../../contract/container-spec.ts';
import type {
  ContainerDetail,
  ContainerStats,
  ContainerSummary,
  ExecSpec,
  LogEntry,
  PathChange,
  TerminalDown,
  TerminalUp,
} from '../../contract/container.ts';
import type { ContainerId } from '../../contract/ids.ts';
import type { MountedObject, TransferProgress } from '../../contract/image.ts';
import type { StoreProblem } from '../../contract/system.ts';
import type { ResolvedImage } from '../image/image.ts';
import type { ContainerRecord } from '../state/state.ts';
import type { CommitOptions } from './commit.ts';
import type { DiffOptions } from './diff.ts';

export { cleanUpCommand, createContainers } from './create-containers.ts';
export type { ContainerDependencies } from './room.ts';

export interface AttachOptions {
  readonly start: boolean;
  readonly stdin: boolean;
  readonly output: boolean;
  readonly detachKeys: string | undefined;
  readonly size: { readonly rows: number; readonly columns: number } | undefined;
}

export interface LogOptions {
  readonly follow: boolean;
  readonly tail: number | undefined;
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
  readonly paged: boolean;
  readonly before: string | undefined;
}

export interface Containers {
  create(
    spec: ContainerSpec,
    options: { readonly onProgress?: (progress: TransferProgress) => void; readonly signal?: AbortSignal },
  ): Promise<{ readonly record: ContainerRecord; readonly warnings: readonly string[] }>;
  start(nameOrId: string): Promise<{ readonly record: ContainerRecord; readonly warnings: readonly string[] }>;
  stop(
    nameOrId: string,
    timeoutSeconds: number | undefined,
    signal?: AbortSignal,
  ): Promise<{ readonly id: ContainerId; readonly wasRunning: boolean; readonly killed: boolean }>;
  restart(nameOrId: string, timeoutSeconds: number | undefined, signal?: AbortSignal): Promise<ContainerRecord>;
  kill(nameOrId: string, signalName: string): Promise<ContainerRecord>;
  rename(nameOrId: string, name: string): Promise<ContainerRecord>;
  remove(
    nameOrId: string,
    options: {
      readonly force: boolean;
      readonly volumes: boolean;
      readonly timeoutSeconds: number | undefined;
      /** Keep it for a while instead of deleting it. */
      readonly trash?: boolean;
    },
  ): Promise<ContainerRecord>;
  /** Out of the trash, under its name or another, with its anonymous volumes. `already-exists` when the name is taken. */
  restore(trashId: string, name?: string): Promise<ContainerRecord>;
  /** Deletes for good what the trash has of a container. */
  discard(trashId: string): Promise<void>;
  /** Finishes discards whose process died; says what it did. */
  recoverTrash(): Promise<readonly string[]>;
  wait(nameOrId: string, conditions: readonly string[], signal: AbortSignal): Promise<number>;
  list(options: {
    readonly all: boolean;
    readonly filters: readonly { readonly key: string; readonly value: string }[];
    readonly size: boolean;
    readonly last: number | undefined;
  }): Promise<ContainerSummary[]>;
  summary(record: ContainerRecord): ContainerSummary;
  inspect(nameOrId: string, size: boolean): Promise<ContainerDetail>;
  logs(nameOrId: string, options: LogOptions, signal: AbortSignal): AsyncIterable<LogEntry>;
  attach(nameOrId: string, options: AttachOptions, up: AsyncIterable<TerminalUp>, signal: AbortSignal): AsyncIterable<TerminalDown>;
  exec(spec: ExecSpec, up: AsyncIterable<TerminalUp>, signal: AbortSignal): AsyncIterable<TerminalDown>;
  execDetached(spec: ExecSpec): Promise<string>;
  top(nameOrId: string, descriptors: readonly string[]): Promise<{ readonly titles: string[]; readonly processes: string[][] }>;
  diff(nameOrId: string, options: DiffOptions): Promise<PathChange[]>;
  commit(nameOrId: string, options: CommitOptions): Promise<ResolvedImage>;
  /** The whole tree as an archive. */
  export(nameOrId: string, signal: AbortSignal): AsyncIterable<Uint8Array<ArrayBuffer>>;
  exportFile(nameOrId: string, path: string, signal: AbortSignal): AsyncIterable<{ readonly writtenBytes: number; readonly done: boolean }>;
  /** Until as many unmounts. Trees of images are mounted by the same count, hence here. */
  mount(nameOrId: string): Promise<MountedObject>;
  unmount(nameOrId: string, force: boolean): Promise<{ readonly id: string; readonly wasMounted: boolean }>;
  mounted(): Promise<MountedObject[]>;
  mountImage(nameOrId: string): Promise<MountedObject>;
  unmountImage(nameOrId: string, force: boolean): Promise<{ readonly id: string; readonly wasMounted: boolean }>;
  mountedImages(): Promise<MountedObject[]>;
  /** Before an image is removed: its mount goes. */
  releaseImage(nameOrId: string): Promise<void>;
  stats(nameOrIds: readonly string[] | undefined, intervalMs: number, once: boolean, signal: AbortSignal): AsyncIterable<ContainerStats[]>;
}

/** What earlier engines left behind. */
export interface Recovery {
  /** Until `recover` has run: then nothing that the journal does not tell of is to be trusted. */
  isFirstSinceBoot(): boolean;
  /**
   * Repairs it, one message each, in the words of a person. Costs under a millisecond when nothing was left: only the journal and
   * the exit folder are looked at; all records are when the host was restarted, something was found, or `thorough` is asked for. With `sweep` it also
   * finishes the deletion of trees.
   */
  recover(options?: { readonly thorough?: boolean; readonly sweep?: boolean }): Promise<readonly string[]>;
  /** The same as a report, for `system check`: changes nothing. */
  findProblems(): Promise<readonly StoreProblem[]>;
}

/** Handles exits: in every engine that lives long enough, and in the clean-up program. See docs/decisions on exits. */
export interface ExitHandler {
  /** Takes the janitor's lock if it is free, and from then on handles every exit as conmon reports it. */
  watch(): AsyncDisposable;
  /** Handles all exits that were reported and not yet handled; answers how many. */
  handlePending(): Promise<number>;
  /** One readdir. */
  hasPending(): boolean;
}
