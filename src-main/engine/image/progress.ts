import type { Digest } from '../../contract/ids.ts';
import type { TransferProgress } from '../../contract/image.ts';

export type LayerState = Extract<TransferProgress, { kind: 'layer' }>['state'];

/** One layer's progress: changes of state at once, byte counts at most ten times a second. */
export interface LayerProgress {
  state(state: LayerState, message?: string): void;
  bytes(doneBytes: number): void;
}

const intervalMs = 100;

export function reportLayer(
  digest: Digest,
  totalBytes: number,
  onProgress: ((progress: TransferProgress) => void) | undefined,
  /** What it is called while bytes go by. */
  moving: LayerState = 'fetching',
): LayerProgress {
  let current: LayerState = 'waiting';
  let doneBytes = 0;
  let lastAt = -Infinity;
  const emit = (message?: string): void => {
    lastAt = performance.now();
    onProgress?.({ kind: 'layer', digest, state: current, doneBytes, totalBytes, ...(message === undefined ? {} : { message }) });
  };
  return {
    state(state, message) {
      current = state;
      if (state === 'done' || state === 'present') doneBytes = totalBytes;
      emit(message);
    },
    bytes(done) {
      doneBytes = done;
      // After a break the first bytes show that it goes on.
      if (current === 'retrying' || current === 'waiting') current = moving;
      if (performance.now() - lastAt >= intervalMs) emit();
    },
  };
}
