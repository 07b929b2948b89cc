import { readdirSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, isEngineError } from '../../base/errors.ts';
import { errnoOf } from '../../system/errno.ts';
import type { UpkeepOptions } from './create-upkeep.ts';

/** Everything that engines make in a graph root, but for the database, which goes last. */
const graphNames = ['containers', 'content', 'overlay', 'storage-driver', 'trash', 'vfs', 'volumes'];
const databaseNames = ['reserve', 'selkie.db', 'selkie.db-wal', 'selkie.db-shm', 'changes'];
/** And in a run root. The pause process and its record are the launch room's. */
const runNames = [
  'boot-id',
  'containers',
  'exits',
  'netns',
  'network',
  'oci',
  'overlay',
  'seccomp',
  'tool-versions.json',
  'trash-tidied',
  'vfs',
];

/** See Upkeep.reset. */
export async function resetStore(options: UpkeepOptions): Promise<{ readonly left: string[] }> {
  const { config, system } = options;
  const { graphRoot, runRoot } = config;
  system.files.ensureDirectory(join(runRoot, 'locks'), 0o700);
  using office = system.locks.tryAcquire(join(runRoot, 'locks/janitor'));
  if (!office)
    throw new EngineError('in-use', `another engine uses the store ${graphRoot}: a window, or a container in the foreground`, {
      fix: 'close it, and try again',
    });
  await removeObjects(options);
  for (const name of graphNames) await system.files.removeTree(join(graphRoot, name));
  for (const name of runNames) await system.files.removeTree(join(runRoot, name));
  // Whoever opens the store from now on makes a new one; ours is closed with this engine.
  for (const name of databaseNames) rmSync(join(graphRoot, name), { force: true });
  await system.files.removeTree(join(runRoot, 'locks'));
  return { left: [...leftIn(graphRoot, []), ...leftIn(runRoot, ['pause.pid', 'pause.lock'])] };
}

/** By the rooms, which end what runs and unmount what is mounted. */
async function removeObjects({ containers, images, snapshots, state, trash, volumes }: UpkeepOptions): Promise<void> {
  for (const { id } of state.containers.list()) await gone(() => containers.remove(id, { force: true, volumes: true, timeoutSeconds: 0 }));
  for (const { name } of volumes.list()) await gone(() => volumes.remove(name));
  for (const { id } of state.images.listOwn()) await gone(() => images.remove(id, { force: true }));
  if (state.trash.list().length > 0) await trash.empty([]);
  for (const { key } of snapshots.list()) if (snapshots.isMounted(key)) snapshots.unmount(key);
}

async function gone(remove: () => Promise<unknown>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!isEngineError(error, 'not-found')) throw error;
  }
}

/** Removes the folder when nothing is left in it. */
function leftIn(directory: string, kept: readonly string[]): string[] {
  try {
    const names = readdirSync(directory);
    if (names.length === 0) rmdirSync(directory);
    return names.filter((name) => !kept.includes(name)).map((name) => join(directory, name));
  } catch (error) {
    // It is a mount point, or in a folder that we may not write: it stays, empty.
    if (['ENOENT', 'EBUSY', 'EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}
