import type { FileAttributes } from '../system.ts';
import { closeSync, constants, openSync } from 'node:fs';
import { withErrno } from '../errno.ts';
import { atFdCwd, atSymlinkNofollow, lastErrno, lastError, libc } from './libc.ts';

const fileTypeMask = 0o170000;
const fifoType = 0o010000;
/** lseek(2) */
const seekData = 3;
const seekHole = 4;
/** openat2(2): never leave the root, never follow /proc's magic links. */
const resolveInRoot = 0x10;
const resolveNoMagiclinks = 0x02;

export const linuxAttributes: FileAttributes = {
  setXattr(path, name, value) {
    // An empty value needs a valid pointer too.
    const bytes = value.length === 0 ? Buffer.alloc(1) : value;
    if (libc().lsetxattr(path, name, bytes, value.length, 0) < 0) throw lastError(`setxattr ${name} on`, path);
  },

  getXattr(path, name) {
    const target = terminated(path);
    return readSized(
      (buffer, size) => libc().lgetxattr(target, name, buffer, size),
      () => {
        const errno = lastErrno();
        if (errno !== 'ENODATA' && errno !== 'EOPNOTSUPP') throw lastError(`getxattr ${name} of`, shown(path));
      },
    );
  },

  listXattrs(path) {
    const target = terminated(path);
    const bytes = readSized(
      (buffer, size) => libc().llistxattr(target, buffer, size),
      () => {
        if (lastErrno() !== 'EOPNOTSUPP') throw lastError('listxattr', shown(path));
      },
    );
    return bytes === undefined
      ? []
      : Buffer.from(bytes)
          .toString('utf8')
          .split('\0')
          .filter((name) => name !== '');
  },

  removeXattr(path, name) {
    if (libc().lremovexattr(path, name) < 0 && lastErrno() !== 'ENODATA') throw lastError(`removexattr ${name} from`, path);
  },

  makeNode(path, mode, major, minor) {
    if (libc().mknodat(atFdCwd, path, mode, encodeDevice(major, minor)) < 0) throw lastError('mknod', path);
  },

  makeFifo(path, mode) {
    if (libc().mknodat(atFdCwd, path, (mode & ~fileTypeMask) | fifoType, 0) < 0) throw lastError('mkfifo', path);
  },

  setTimes(path, accessNs, modifyNs) {
    const times = Buffer.alloc(32);
    writeTimespec(times, 0, accessNs);
    writeTimespec(times, 16, modifyNs);
    if (libc().utimensat(atFdCwd, path, times, atSymlinkNofollow) < 0) throw lastError('utimensat', path);
  },

  openInRoot(root, path, flags, mode = 0) {
    const directory = withErrno('open', root, () => openSync(root, constants.O_RDONLY | constants.O_DIRECTORY));
    try {
      const how = Buffer.alloc(24);
      // O_CLOEXEC
      how.writeBigUInt64LE(BigInt(flags | 0o2000000), 0);
      how.writeBigUInt64LE(BigInt((flags & constants.O_CREAT) === 0 ? 0 : mode), 8);
      how.writeBigUInt64LE(BigInt(resolveInRoot | resolveNoMagiclinks), 16);
      const fd = libc().openat2(directory, path, how, how.length);
      if (fd < 0) throw lastError('open', `${path} in ${root}`);
      return fd;
    } finally {
      closeSync(directory);
    }
  },

  dataSegments(descriptor, sizeBytes) {
    const segments: { offset: number; length: number }[] = [];
    for (let at = 0; at < sizeBytes; ) {
      const from = libc().lseek(descriptor, at, seekData);
      if (from < 0) {
        // Nothing but a hole from here on.
        if (lastErrno() === 'ENXIO') break;
        if (lastErrno() === 'EINVAL') return [{ offset: 0, length: sizeBytes }];
        throw lastError('lseek', `descriptor ${descriptor}`);
      }
      if (from >= sizeBytes) break;
      const hole = libc().lseek(descriptor, from, seekHole);
      const end = hole < 0 ? sizeBytes : Math.min(hole, sizeBytes);
      segments.push({ offset: from, length: end - from });
      at = end;
    }
    return segments;
  },
};

function terminated(path: string | Uint8Array): string | Uint8Array {
  return typeof path === 'string' ? path : Buffer.concat([path, Buffer.alloc(1)]);
}

function shown(path: string | Uint8Array): string {
  return typeof path === 'string' ? path : Buffer.from(path).toString();
}

/** Device numbers as the kernel takes them: 12 bits of major, 20 of minor, interleaved. */
export function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}

function writeTimespec(buffer: Buffer, offset: number, ns: bigint): void {
  // Floor, not truncation: before 1970 the nanoseconds still count upwards.
  const nanoseconds = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  buffer.writeBigInt64LE((ns - nanoseconds) / 1_000_000_000n, offset);
  buffer.writeBigInt64LE(nanoseconds, offset + 8);
}

/** Asks for the size, reads, and asks again when it grew in between. `onAbsent` throws unless the failure means "there is none". */
function readSized(read: (buffer: Uint8Array | null, size: number) => number, onAbsent: () => void): Uint8Array | undefined {
  for (;;) {
    const size = read(null, 0);
    if (size < 0) {
      onAbsent();
      return undefined;
    }
    if (size === 0) return new Uint8Array(0);
    const buffer = Buffer.alloc(size);
    const length = read(buffer, size);
    if (length >= 0) return buffer.subarray(0, length);
    if (lastErrno() !== 'ERANGE') {
      onAbsent();
      return undefined;
    }
  }
}
