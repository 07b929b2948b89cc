/** Work that goes on when its page is left: what moves images, and creations that pull. Listed in one place, each can be cancelled. */
import { type EngineError, isCancelled } from '../../src-main/base/errors.ts';
import type { TransferProgress } from '../../src-main/contract/image.ts';
import { notify, notifyFailure, toEngineError } from './notices.ts';
import { createStore } from './store.ts';
import { foldPassage, foldTransfer, foldWritten, noTransfer, type Passage, type Transfer } from './transfer.ts';

export interface Activity {
  readonly id: number;
  readonly kind: 'pull' | 'create' | 'push' | 'save' | 'load' | 'import' | 'commit' | 'export';
  /** What it is about: a reference, or a path. */
  readonly subject: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  readonly startedAtMs: number;
  readonly finishedAtMs?: number;
  readonly transfer: Transfer;
  readonly error?: EngineError;
}

export const activities = createStore<readonly Activity[]>([]);
const controllers = new Map<number, AbortController>();
const inSight = new Map<number, number>();
let nextId = 1;

function change(id: number, patch: (activity: Activity) => Activity): void {
  activities.update((list) => list.map((activity) => (activity.id === id ? patch(activity) : activity)));
}

export interface ActivityHandle {
  readonly id: number;
  readonly signal: AbortSignal;
  readonly progress: (progress: TransferProgress) => void;
  /** Of work without layers: so many bytes of its file are there. */
  readonly written: (bytes: number) => void;
  /** Of a file that goes to the engine, or comes from it. */
  readonly passed: (passage: Passage) => void;
}

/** Runs `work` as an activity. Rejects as the work does, after the list says so. */
export function track<T>(
  kind: Activity['kind'],
  subject: string,
  work: (handle: ActivityHandle) => Promise<T>,
): { readonly id: number; readonly result: Promise<T> } {
  const id = nextId++;
  const controller = new AbortController();
  controllers.set(id, controller);
  const begun: Activity = { id, kind, subject, state: 'running', startedAtMs: Date.now(), transfer: noTransfer };
  activities.update((list) => [begun, ...list].slice(0, 30));
  let waiting: TransferProgress[] = [];
  let passage: Passage | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const items = waiting;
    const passed = passage;
    waiting = [];
    passage = undefined;
    if (items.length === 0 && !passed) return;
    const now = Date.now();
    change(id, ({ transfer, ...activity }) => {
      const told = items.reduce((sum, item) => foldTransfer(sum, item, now), transfer);
      return { ...activity, transfer: passed ? foldPassage(told, passed, now) : told };
    });
  };
  const finish = (state: Activity['state'], error?: EngineError) => {
    flush();
    controllers.delete(id);
    change(id, (activity) => ({ ...activity, state, finishedAtMs: Date.now(), ...(error ? { error } : {}) }));
  };
  const result = work({
    id,
    signal: controller.signal,
    progress(item) {
      // Layers come before a file that comes from the engine, and after one that goes there.
      if (passage) flush();
      waiting.push(item);
      timer ??= setTimeout(flush, 100);
    },
    written(bytes) {
      change(id, (activity) => ({ ...activity, transfer: foldWritten(activity.transfer, bytes, Date.now()) }));
    },
    passed(now) {
      passage = now;
      timer ??= setTimeout(flush, 100);
    },
  }).then(
    (value) => {
      finish('done');
      return value;
    },
    (error: unknown) => {
      if (isCancelled(error)) finish('cancelled');
      else finish('failed', toEngineError(error));
      throw error;
    },
  );
  return { id, result };
}

/** The titles of the notices by which it is told how something ended. */
export interface EndWords {
  readonly done: () => string;
  readonly failed: () => string;
}

/** As `track`; its end is told by a notice, unless somebody has it in sight. Nobody has to wait for `result`. */
export function begin<T>(
  kind: Activity['kind'],
  subject: string,
  words: EndWords,
  work: (handle: ActivityHandle) => Promise<T>,
): { readonly id: number; readonly result: Promise<T> } {
  const begun = track(kind, subject, work);
  begun.result.then(
    () => {
      if (!isInSight(begun.id)) notify({ kind: 'done', title: words.done() });
    },
    (error: unknown) => {
      if (!isInSight(begun.id)) notifyFailure(words.failed(), error);
    },
  );
  return begun;
}

/** Who has it in sight sees how it ends, and needs no notice besides. Answers how to end looking. */
export function lookAt(id: number): () => void {
  inSight.set(id, (inSight.get(id) ?? 0) + 1);
  return () => {
    inSight.set(id, (inSight.get(id) ?? 1) - 1);
  };
}

export function isInSight(id: number): boolean {
  return (inSight.get(id) ?? 0) > 0;
}

export function cancelActivity(id: number): void {
  controllers.get(id)?.abort();
}

export function dismissFinished(): void {
  activities.update((list) => list.filter((activity) => activity.state === 'running'));
}
