/** The mount option U: the source's files get the container's user as their owner. */
import { closeSync, constants, fchownSync, fstatSync, lchownSync, lstatSync, openSync, readdirSync, realpathSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EngineError } from '../../base/errors.ts';
import { errnoOf, withErrno } from '../../system/errno.ts';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** How long the event loop may stand still. */
const sliceMs = 8;

/** As Podman has it: giving these away leaves a machine that nobody can log in to. */
const dangerous: ReadonlySet<string> = new Set([
  ...['/', '/bin', '/boot', '/dev', '/etc', '/etc/passwd', '/etc/pki', '/etc/shadow', '/home', '/lib', '/lib64', '/media', '/opt', '/proc'],
  ...['/root', '/run', '/sbin', '/srv', '/sys', '/tmp', '/usr', '/var', '/var/lib', '/var/log'],
]);

/**
 * Of a file, or of a folder with all that is in it; what has the owner is not touched. A symlink is changed itself, and none is followed on the way: somebody
 * may put one there meanwhile. Errors: `denied` for a folder of the system, and for what may not be changed; what was changed by then stays so.
 */
export async function changeOwners(source: string, owner: Owner): Promise<void> {
  const path = realpathSync(source);
  const words = `${String(owner.uid)}:${String(owner.gid)}`;
  if (dangerous.has(path))
    throw new EngineError('denied', `the option U would give the host's ${path} with all that is in it to ${words}`, {
      fix: `mount a folder in it; or, if you mean it: chown -R ${words} ${path}`,
      details: { field: 'mounts', source },
    });
  if (!lstatSync(path).isDirectory()) {
    changeOne(path, owner, path);
    return;
  }
  const folders = [openFolder(path, path)];
  try {
    await changeBelow(folders, owner, path);
  } finally {
    for (const { descriptor } of folders) closeSync(descriptor);
  }
}

interface Folder {
  readonly descriptor: number;
  readonly names: Buffer[];
}

/** Each folder is reached from the one above, by its descriptor. */
async function changeBelow(folders: Folder[], owner: Owner, shown: string): Promise<void> {
  let sliceEnd = performance.now() + sliceMs;
  for (let folder = folders.at(-1); folder; folder = folders.at(-1)) {
    if (performance.now() > sliceEnd) {
      await nextTurn();
      sliceEnd = performance.now() + sliceMs;
    }
    const name = folder.names.pop();
    if (name === undefined) {
      const { uid, gid } = fstatSync(folder.descriptor);
      const { descriptor } = folder;
      if (uid !== owner.uid || gid !== owner.gid)
        withErrno('change the owner of', shown, () => fchownSync(descriptor, owner.uid, owner.gid));
      folders.pop();
      closeSync(descriptor);
      continue;
    }
    const path = Buffer.concat([Buffer.from(`/proc/self/fd/${String(folder.descriptor)}/`), name]);
    try {
      if (lstatSync(path).isDirectory()) folders.push(openFolder(path, shown));
      else changeOne(path, owner, shown);
    } catch (error) {
      // Somebody works in it.
      if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw error;
    }
  }
}

function openFolder(path: string | Buffer, shown: string): Folder {
  return withErrno('read', shown, () => {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    return { descriptor, names: readdirSync(`/proc/self/fd/${String(descriptor)}`, { encoding: 'buffer' }) };
  });
}

function changeOne(path: string | Buffer, { uid, gid }: Owner, shown: string): void {
  const now = lstatSync(path);
  if (now.uid !== uid || now.gid !== gid) withErrno('change the owner of', `a file in ${shown}`, () => lchownSync(path, uid, gid));
}
