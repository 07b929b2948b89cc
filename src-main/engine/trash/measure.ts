import { statSync } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

/** Blocks on the disk of a tree, hard links counted once; what vanishes meanwhile counts nothing. */
export async function allocatedBytes(root: string): Promise<number> {
  const seen = new Set<string>();
  let total = 0;
  const pending = [root];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    try {
      const status = await lstat(path);
      const key = `${status.dev}:${status.ino}`;
      if (status.nlink > 1 && !status.isDirectory()) {
        if (seen.has(key)) continue;
        seen.add(key);
      }
      total += status.blocks * 512;
      if (status.isDirectory()) for await (const entry of await opendir(path)) pending.push(join(path, entry.name));
    } catch {
      continue;
    }
  }
  return total;
}

/** When something was last put into a folder or taken out of it; 0 when it is not there. */
export function changedAt(path: string): number {
  return Math.round(statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
}
