/**
 * What is acquired is acquired with `using` or `await using`; these make disposables out of plain functions.
 */
export function disposable(dispose: () => void): Disposable {
  return { [Symbol.dispose]: dispose };
}

export function asyncDisposable(dispose: () => Promise<void>): AsyncDisposable {
  return { [Symbol.asyncDispose]: dispose };
}
