import { AsyncQueue } from '../../base/async-queue.ts';

export type ProgressItem<P, R> = { readonly kind: 'progress'; readonly progress: P } | { readonly kind: 'result'; readonly result: R };

/** Turns "call back with progress, then resolve" into an async iterable that ends with the result. */
export async function* withProgress<P, R>(work: (onProgress: (progress: P) => void) => Promise<R>): AsyncGenerator<ProgressItem<P, R>> {
  const queue = new AsyncQueue<ProgressItem<P, R>>();
  const running = work((progress) => {
    queue.push({ kind: 'progress', progress });
  }).then(
    (result) => {
      queue.push({ kind: 'result', result });
      queue.end();
    },
    (error: unknown) => {
      queue.fail(error);
    },
  );
  try {
    yield* queue;
  } finally {
    // A reader that leaves early aborts the work by its signal; what the work holds is let go of before the stream ends.
    await running;
  }
}
