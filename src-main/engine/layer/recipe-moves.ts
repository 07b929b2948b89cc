/** Where the content of a file lies that the same archive replaced later. */

interface Move {
  /** Its number: the name in kept/. */
  readonly number: number;
  /** It happened after so many files. */
  readonly at: number;
}

export class RecipeMoves {
  readonly #byPath = new Map<string, Move[]>();
  #count = 0;

  /** In the order in which they happened. */
  add(path: string, at: number): void {
    const move = { number: this.#count, at };
    this.#count += 1;
    const others = this.#byPath.get(path);
    if (others) others.push(move);
    else this.#byPath.set(path, [move]);
  }

  /** For the file of that number among all: its path below kept/, or undefined when it is where it was. */
  find(path: string, index: number): string | undefined {
    if (this.#count === 0) return undefined;
    let first: Move | undefined;
    let rest = '';
    // The first move of the file itself or of a folder that it was in; in kept/ nothing moves any more.
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const move = firstAfter(this.#byPath.get(path.slice(0, end)) ?? [], index);
      if (!move || (first && first.number < move.number)) continue;
      first = move;
      rest = path.slice(end);
    }
    return first && `${String(first.number)}${rest}`;
  }
}

/** They are in order, and there may be very many. */
function firstAfter(moves: readonly Move[], index: number): Move | undefined {
  let low = 0;
  let high = moves.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((moves[middle]?.at ?? 0) > index) high = middle;
    else low = middle + 1;
  }
  return moves[low];
}
