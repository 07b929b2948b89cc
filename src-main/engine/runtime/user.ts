import { closeSync, constants, fstatSync, readSync } from 'node:fs';
import { EngineError, isEngineError } from '../../base/errors.ts';
import type { FileAttributes } from '../../system/system.ts';

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
  /** Keep the supplementary groups of the user who runs Selkie: --group-add keep-groups. */
  readonly keepGroups: boolean;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

const maxFileBytes = 4 * 1024 * 1024;
const maxId = 4294967294;
const nobody = 65534;

/**
 * `user[:group]`, names or numbers, by the image's own /etc/passwd and /etc/group, as Podman does: an empty user is root; a number
 * needs no entry; with a group of its own the user's other groups are left out.
 * @throws runtime-failed when a name is in neither file (status 126, as Podman's)
 */
export function resolveUser(
  attributes: Pick<FileAttributes, 'openInRoot'>,
  rootfs: string,
  user: string,
  groupAdd: readonly string[],
): ResolvedUser {
  const separator = user.indexOf(':');
  const userWord = separator < 0 ? user : user.slice(0, separator);
  const groupWord = separator < 0 ? '' : user.slice(separator + 1);
  const users = parsePasswd(readInRoot(attributes, rootfs, '/etc/passwd'));
  const groups = parseGroup(readInRoot(attributes, rootfs, '/etc/group'));
  const found = findUser(users, userWord === '' ? '0' : userWord);
  const gid = groupWord === '' ? found.gid : findGroup(groups, groupWord);
  const memberOf = groupWord === '' ? groups.filter((group) => found.name !== '' && group.members.includes(found.name)) : [];
  const added = groupAdd.filter((word) => word !== 'keep-groups').map((word) => findGroup(groups, word));
  const additional = [...new Set([...memberOf.map((group) => group.gid), ...added])].filter((other) => other !== gid);
  return { uid: found.uid, gid, additionalGids: additional, home: found.home, keepGroups: groupAdd.includes('keep-groups') };
}

/** The largest id that the image's passwd and group name, but for nobody's, which would take a whole namespace. */
export function largestImageId(attributes: Pick<FileAttributes, 'openInRoot'>, rootfs: string): number {
  const named = [
    ...parsePasswd(readInRoot(attributes, rootfs, '/etc/passwd')).map(({ name, uid, gid }) => ({ name, ids: [uid, gid] })),
    ...parseGroup(readInRoot(attributes, rootfs, '/etc/group')).map(({ name, gid }) => ({ name, ids: [gid] })),
  ];
  const ids = named.filter(({ name }) => name !== 'nobody' && name !== 'nogroup').flatMap((one) => one.ids);
  return Math.max(0, ...ids.filter((id) => id !== nobody));
}

function findUser(users: readonly PasswdEntry[], word: string): PasswdEntry {
  const byName = users.find((entry) => entry.name === word);
  if (byName) return byName;
  const uid = parseId(word);
  if (uid === undefined)
    throw new EngineError('runtime-failed', `unable to find user ${word}: no matching entries in passwd file`, {
      fix: "Use a number, or a name from the image's /etc/passwd.",
      details: { field: 'user' },
    });
  return users.find((entry) => entry.uid === uid) ?? { name: '', uid, gid: 0, home: uid === 0 ? '/root' : '/' };
}

function findGroup(groups: readonly GroupEntry[], word: string): number {
  const gid = groups.find((entry) => entry.name === word)?.gid ?? parseId(word);
  if (gid === undefined)
    throw new EngineError('runtime-failed', `unable to find group ${word}: no matching entries in group file`, {
      fix: "Use a number, or a name from the image's /etc/group.",
      details: { field: 'user' },
    });
  return gid;
}

function parseId(word: string): number | undefined {
  if (!/^\d{1,10}$/.test(word)) return undefined;
  const id = Number(word);
  return id <= maxId ? id : undefined;
}

export function parsePasswd(text: string): PasswdEntry[] {
  return lines(text).flatMap((line) => {
    const [name = '', , uidWord = '', gidWord = '', , home = ''] = line.split(':');
    const uid = parseId(uidWord);
    const gid = parseId(gidWord);
    return uid === undefined || gid === undefined ? [] : [{ name, uid, gid, home: home === '' ? '/' : home }];
  });
}

export function parseGroup(text: string): GroupEntry[] {
  return lines(text).flatMap((line) => {
    const [name = '', , gidWord = '', members = ''] = line.split(':');
    const gid = parseId(gidWord);
    return gid === undefined ? [] : [{ name, gid, members: members.split(',').map((member) => member.trim()) }];
  });
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Never blocks on a fifo, never leaves the root, reads no more than is sensible; nothing readable there counts as empty. */
function readInRoot(attributes: Pick<FileAttributes, 'openInRoot'>, rootfs: string, path: string): string {
  let descriptor: number;
  try {
    descriptor = attributes.openInRoot(rootfs, path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    if (isEngineError(error, 'not-found') || isEngineError(error, 'invalid-argument') || isEngineError(error, 'denied')) return '';
    throw error;
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size === 0) return '';
    if (stat.size > maxFileBytes)
      throw new EngineError('corrupt', `the image's ${path} is larger than ${maxFileBytes >> 20} MiB`, { fix: 'Use another image.' });
    const buffer = Buffer.alloc(stat.size);
    return buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, stat.size, 0));
  } finally {
    closeSync(descriptor);
  }
}
