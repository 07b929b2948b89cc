/** Short messages at the edge of the window; what failed stays until it is read. */
import { EngineError, isCancelled, isEngineError, messageOf } from '../../src-main/base/errors.ts';
import type { Removed } from './removed.ts';
import { createStore } from './store.ts';

export interface Notice {
  readonly id: number;
  readonly kind: 'done' | 'warning' | 'failed';
  /** In the reader's language. */
  readonly title: string;
  /** The engine's own words. */
  readonly detail?: string;
  readonly error?: EngineError;
  /** What went to the trash; the notice offers to bring it back. */
  readonly removed?: readonly Removed[];
}

let nextId = 1;
export const notices = createStore<readonly Notice[]>([]);

export function notify(notice: Omit<Notice, 'id'>): void {
  notices.update((list) => [...list.slice(-4), { ...notice, id: nextId++ }]);
}

export function dismissNotice(id: number): void {
  notices.update((list) => list.filter((notice) => notice.id !== id));
}

export function toEngineError(error: unknown): EngineError {
  return isEngineError(error) ? error : new EngineError('internal', messageOf(error));
}

/** What the engine refused; a cancellation is no failure, and a lost connection has a page of its own. */
export function notifyFailure(title: string, error: unknown): void {
  if (isCancelled(error) || isEngineError(error, 'disconnected')) return;
  notify({ kind: 'failed', title, error: toEngineError(error) });
}
