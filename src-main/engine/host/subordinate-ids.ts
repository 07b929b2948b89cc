import { readFileSync } from 'node:fs';

export interface SubordinateRange {
  readonly start: number;
  readonly size: number;
}

/** Lines NAME-OR-UID:START:COUNT of subuid(5) and subgid(5) that belong to a user. */
export function parseSubordinateRanges(text: string, userName: string, uid: number): SubordinateRange[] {
  return allRanges(text)
    .filter(({ owner, size }) => (owner === userName || owner === String(uid)) && size > 0)
    .map(({ start, size }) => ({ start, size }));
}

export function readSubordinateRanges(kind: 'subuid' | 'subgid', userName: string, uid: number): SubordinateRange[] {
  return parseSubordinateRanges(readSubordinateFile(kind), userName, uid);
}

/** The command by which root gives a user the first 65,536 ids that nobody has. */
export function grantSubordinateIds(userName: string, uids: boolean, gids: boolean): string {
  const { first, last } = freeSubordinateRange([readSubordinateFile('subuid'), readSubordinateFile('subgid')]);
  const flags = [...(uids ? [`--add-subuids ${first}-${last}`] : []), ...(gids ? [`--add-subgids ${first}-${last}`] : [])];
  return `sudo usermod ${flags.join(' ')} ${userName}`;
}

export function freeSubordinateRange(texts: readonly string[]): { readonly first: number; readonly last: number } {
  const end = Math.max(100_000, ...texts.flatMap(allRanges).map(({ start, size }) => start + size));
  return { first: end, last: end + 65_535 };
}

function readSubordinateFile(kind: 'subuid' | 'subgid'): string {
  try {
    return readFileSync(`/etc/${kind}`, 'utf8');
  } catch {
    // Not there, or not for us: no range either way.
    return '';
  }
}

/** Arguments of newuidmap(1): 0 is the user, from 1 on the subordinate ids. */
export function mapArguments(id: number, ranges: readonly SubordinateRange[]): string[] {
  const words = ['0', String(id), '1'];
  let inside = 1;
  for (const { start, size } of ranges) {
    words.push(String(inside), String(start), String(size));
    inside += size;
  }
  return words;
}

function allRanges(text: string): { readonly owner: string; readonly start: number; readonly size: number }[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(':'))
    .filter(([owner, start, size]) => Boolean(owner) && /^\d+$/.test(start ?? '') && /^\d+$/.test(size ?? ''))
    .map(([owner = '', start, size]) => ({ owner, start: Number(start), size: Number(size) }));
}
