import { closeSync, readFileSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';
import type { MountEntry, MountFlag, Mounts } from '../system.ts';
import { atFdCwd, atSymlinkNofollow, lastErrno, lastError, libc } from './libc.ts';

const flagBits: Readonly<Record<MountFlag, number>> = {
  readonly: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  remount: 0x20,
  bind: 0x1000,
  rbind: 0x5000,
  private: 0x40000,
  rprivate: 0x44000,
  slave: 0x80000,
  rslave: 0x84000,
  shared: 0x100000,
  rshared: 0x104000,
};
/** The kernel copies at most a page, with the final NUL, and cuts the rest silently. */
const maxDataBytes = 4095;
const umountNofollow = 0x8;
const umountDetach = 0x2;
const openTreeClone = 0x1;
const openTreeCloexec = 0x80000;
const atEmptyPath = 0x1000;
const mountAttrIdmap = 0x100000n;
const moveMountFromEmptyPath = 0x4;
const statxAttributeMountRoot = 0x2000n;

export const linuxMounts: Mounts = {
  mount(source, target, type, flags, data) {
    if (data !== undefined && Buffer.byteLength(data) > maxDataBytes) {
      throw new EngineError(
        'limit-exceeded',
        `mount ${target}: options of ${Buffer.byteLength(data)} bytes are more than the kernel takes`,
        {
          details: { maxDataBytes },
        },
      );
    }
    const bits = flags.reduce((sum, flag) => sum | flagBits[flag], 0);
    if (libc().mount(source, target, type, bits, data ?? null) < 0) throw lastError(`mount ${type === '' ? source : type} on`, target);
  },

  mountMapped(source, target, userNamespace) {
    const tree = libc().open_tree(atFdCwd, source, openTreeClone | openTreeCloexec);
    if (tree < 0) throw lastError('open the tree', source);
    try {
      // struct mount_attr: what to set, what to clear, propagation, the namespace.
      const attributes = new BigUint64Array([mountAttrIdmap, 0n, 0n, BigInt(userNamespace)]);
      if (libc().mount_setattr(tree, '', atEmptyPath, new Uint8Array(attributes.buffer), attributes.byteLength) < 0)
        throw lastError('map the owners of', source);
      if (libc().move_mount(tree, '', atFdCwd, target, moveMountFromEmptyPath) < 0) throw lastError('mount on', target);
    } finally {
      closeSync(tree);
    }
  },

  unmount(target, options = {}) {
    if (libc().umount2(target, umountNofollow | (options.detach === true ? umountDetach : 0)) === 0) return;
    const errno = lastErrno();
    const error = lastError('unmount', target);
    if (errno === 'ENOENT') return;
    // EINVAL is "not a mount point", but also "locked in another user namespace".
    if (errno === 'EINVAL' && !linuxMounts.isMountPoint(target)) return;
    throw error;
  },

  list: () => parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')),

  isMountPoint(path) {
    const result = Buffer.alloc(256);
    if (libc().statx(atFdCwd, path, atSymlinkNofollow, 0, result) < 0) {
      if (lastErrno() === 'ENOENT' || lastErrno() === 'ENOTDIR') return false;
      // A mount whose server is gone (ENOTCONN, EIO) is still one; the table knows.
      return linuxMounts.list().some((entry) => entry.mountPoint === path);
    }
    if ((result.readBigUInt64LE(56) & statxAttributeMountRoot) !== 0n) return (result.readBigUInt64LE(8) & statxAttributeMountRoot) !== 0n;
    return linuxMounts.list().some((entry) => entry.mountPoint === path);
  },
};

/** proc_pid_mountinfo(5). Lines that do not parse are dropped. */
export function parseMountInfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const fields = line.split(' ');
    const separator = fields.indexOf('-', 6);
    const [id, parentId, , root, mountPoint, options] = fields;
    const [type, source, superOptions] = fields.slice(separator + 1);
    if (separator < 0 || root === undefined || mountPoint === undefined || options === undefined || type === undefined) continue;
    entries.push({
      id: Number(id),
      parentId: Number(parentId),
      root: unescapeOctal(root),
      mountPoint: unescapeOctal(mountPoint),
      type,
      source: unescapeOctal(source ?? ''),
      options: options.split(','),
      superOptions: (superOptions ?? '').split(',').map(unescapeOctal),
    });
  }
  return entries;
}

/** The kernel writes blank, tab, newline and backslash as \ooo, byte by byte. */
function unescapeOctal(text: string): string {
  return text.includes('\\') ? text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))) : text;
}
