import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Digest } from '../../contract/ids.ts';
import type { SnapshotStore } from '../snapshot/snapshot.ts';

/**
 * Layers whose files are not what was unpacked: a bit that the disk lost, a file that somebody changed. Whoever reads one whole and finds that out leaves a
 * mark beside its files, so that the next pull or load of it does not take it for present. It goes with the files.
 */
export function markDamaged(snapshots: SnapshotStore, id: Digest): void {
  const path = markOf(snapshots, id);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, '', { mode: 0o600 });
}

export function isDamaged(snapshots: SnapshotStore, id: Digest): boolean {
  return !snapshots.isIntact(id) || existsSync(markOf(snapshots, id));
}

function markOf(snapshots: SnapshotStore, id: Digest): string {
  return join(dirname(snapshots.diffDirectory(id)), 'damaged');
}

/** Under which the new files of a damaged layer lie until they take the place of the old ones: no digest of anything that is in a registry. */
export function standInFor(id: Digest): Digest {
  return `sha256:${createHash('sha256').update(`instead of ${id}`).digest('hex')}` as Digest;
}
