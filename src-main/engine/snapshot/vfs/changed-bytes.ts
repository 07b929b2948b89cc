import { lstatSync, readdirSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { rawPath, toFs } from './raw-path.ts';

/** How long the event loop may stand still. */
const sliceMs = 8;

/** Bytes allocated to what the second tree has and the first has not, or otherwise; each inode once. What vanishes meanwhile counts as nothing. */
export async function changedBytes(before: string | undefined, after: string): Promise<number> {
  const seen = new Set<bigint>();
  let bytes = 0n;
  let sliceEnd = performance.now() + sliceMs;
  const pending: { readonly now: string; readonly then: string | undefined }[] = [
    { now: rawPath(after), then: before === undefined ? undefined : rawPath(before) },
  ];
  for (let pair = pending.pop(); pair; pair = pending.pop()) {
    for (const name of namesIn(pair.now)) {
      if (performance.now() > sliceEnd) {
        await setImmediate();
        sliceEnd = performance.now() + sliceMs;
      }
      const now = `${pair.now}/${name}`;
      const found = lstatSync(toFs(now), { bigint: true, throwIfNoEntry: false });
      if (!found) continue;
      const then = pair.then === undefined ? undefined : `${pair.then}/${name}`;
      const earlier = then === undefined ? undefined : lstatSync(toFs(then), { bigint: true, throwIfNoEntry: false });
      if (found.isDirectory()) pending.push({ now, then: earlier?.isDirectory() === true ? then : undefined });
      if (earlier && isSame(earlier, found)) continue;
      if (found.nlink > 1n && !found.isDirectory()) {
        if (seen.has(found.ino)) continue;
        seen.add(found.ino);
      }
      bytes += found.blocks * 512n;
    }
  }
  return Number(bytes);
}

/** A copy has the time of the original, so that a file of the same size and time is the same. A folder of which only the content changed is, too. */
function isSame(a: BigIntStats, b: BigIntStats): boolean {
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.rdev !== b.rdev) return false;
  return a.isDirectory() || (a.size === b.size && a.mtimeNs === b.mtimeNs);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(toFs(folder), { encoding: 'latin1' });
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw error;
  }
}
