import { readFileSync } from 'node:fs';
import type { Identity, IdRange } from '../system.ts';

/** Read once: who we are does not change while we run. */
export function readIdentity(environment: NodeJS.ProcessEnv = process.env): Identity {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const uidMap = parseIdMap(readText('/proc/self/uid_map'));
  const gidMap = parseIdMap(readText('/proc/self/gid_map'));
  const hostUid = toHostId(uidMap, uid);
  const user = findUser(readText('/etc/passwd'), hostUid);
  return {
    uid,
    gid,
    rootless: hostUid !== 0,
    hostUid,
    hostGid: toHostId(gidMap, gid),
    userName: user?.name ?? (environment['USER'] === undefined || environment['USER'] === '' ? String(hostUid) : environment['USER']),
    homeDirectory: environment['HOME'] === undefined || environment['HOME'] === '' ? (user?.home ?? '/') : environment['HOME'],
    uidMap,
    gidMap,
    bootId: readText('/proc/sys/kernel/random/boot_id').trim(),
  };
}

export function parseIdMap(text: string): IdRange[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter((fields) => fields.length === 3 && fields.every(Number.isSafeInteger))
    .map(([containerId = 0, hostId = 0, size = 0]) => ({ containerId, hostId, size }));
}

function toHostId(map: readonly IdRange[], id: number): number {
  const range = map.find((entry) => id >= entry.containerId && id < entry.containerId + entry.size);
  return range ? range.hostId + (id - range.containerId) : id;
}

function findUser(passwd: string, uid: number): { readonly name: string; readonly home: string } | undefined {
  for (const line of passwd.split('\n')) {
    const [name, , id, , , home] = line.split(':');
    if (name !== undefined && home !== undefined && id === String(uid)) return { name, home };
  }
  return undefined;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Without /proc or /etc/passwd there is still an answer.
    return '';
  }
}
