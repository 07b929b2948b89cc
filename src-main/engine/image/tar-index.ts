/** Where the members of an archive lie, without reading what is in them: an archive of images is mostly layers. */
import { readSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';
import { TarReader } from '../layer/layer.ts';
import type { MemberReader } from './archive.ts';

const blockBytes = 512;
const mostMembers = 100_000;
/** Stands for the bytes of a member, which the reader only counts. */
const nothing = Buffer.alloc(1 << 20);

interface Member {
  readonly offset: number;
  readonly size: number;
  /** Of a symbolic or hard link. */
  readonly target: string | undefined;
}

/** The path within the archive, without `.`, `..` and a leading slash: it is only a key, nothing is ever written there. */
export function memberKey(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function indexMembers(fd: number, archiveBytes: number): Map<string, Member> {
  const members = new Map<string, Member>();
  let position = 0;
  let dataBytes = 0;
  const reader = new TarReader({
    begin: (entry) => {
      if (members.size >= mostMembers) throw new EngineError('limit-exceeded', `the archive has more than ${String(mostMembers)} members`);
      const key = memberKey(entry.path);
      const directory = key.slice(0, key.lastIndexOf('/') + 1);
      const target =
        entry.type === 'symlink' ? memberKey(directory + entry.linkPath) : entry.type === 'link' ? memberKey(entry.linkPath) : undefined;
      if (entry.type === 'file' || target !== undefined) members.set(key, { offset: position, size: entry.storedBytes, target });
      dataBytes = entry.storedBytes;
    },
    data: () => undefined,
    end: () => undefined,
  });
  const block = Buffer.alloc(blockBytes);
  while (position < archiveBytes) {
    const skip = Math.min(Math.ceil(dataBytes / blockBytes) * blockBytes, archiveBytes - position);
    for (let left = skip; left > 0; left -= nothing.length) reader.push(nothing.subarray(0, Math.min(left, nothing.length)));
    position += skip;
    dataBytes = 0;
    const read = readSync(fd, block, 0, blockBytes, position);
    if (read === 0) break;
    // The reader is told the position of what follows the header that it is about to see.
    position += read;
    reader.push(Buffer.from(block.subarray(0, read)));
  }
  reader.finish();
  return members;
}

/** Errors: `corrupt` (truncated, no tar), `limit-exceeded`. */
export function openTar(
  fd: number,
  archiveBytes: number,
  open: (start: number, end: number) => MemberReader,
): (path: string) => MemberReader | undefined {
  const members = indexMembers(fd, archiveBytes);
  return (path) => {
    let member = members.get(memberKey(path));
    for (let hops = 0; member?.target !== undefined; hops++) {
      if (hops === 10) throw new EngineError('corrupt', `member ${JSON.stringify(path)} of the archive is a link in a circle`);
      member = members.get(member.target);
    }
    return member && open(member.offset, member.offset + member.size);
  };
}
