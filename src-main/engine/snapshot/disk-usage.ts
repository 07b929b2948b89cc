import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';

/** Bytes that a tree occupies on disk: blocks, each inode once. What vanishes meanwhile counts as nothing. */
export async function allocatedBytes(root: string): Promise<number> {
  const seen = new Set<string>();
  let bytes = 0;

  async function add(path: string): Promise<void> {
    const entry = await lstat(path).catch(ignoreMissing);
    if (!entry) return;
    const id = `${String(entry.dev)}:${String(entry.ino)}`;
    if (entry.nlink > 1 && !entry.isDirectory()) {
      if (seen.has(id)) return;
      seen.add(id);
    }
    bytes += entry.blocks * 512;
  }

  const pending = [root];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    await add(directory);
    const entries = (await readdir(directory, { withFileTypes: true }).catch(ignoreMissing)) ?? [];
    // A folder's files at once: a layer has few thousand, and libuv's four threads queue the rest.
    await Promise.all(entries.filter((entry) => !entry.isDirectory()).map((entry) => add(childPath(entry))));
    pending.push(...entries.filter((entry) => entry.isDirectory()).map(childPath));
  }
  return bytes;
}

function childPath(entry: Dirent): string {
  return `${entry.parentPath}/${entry.name}`;
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
  throw error;
}
