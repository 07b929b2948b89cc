import { createRequire } from 'node:module';
import { constants } from 'node:os';
import type * as Koffi from 'koffi';
import type { EngineError } from '../../base/errors.ts';
import { errnoError } from '../errno.ts';

/** glibc's functions that Node has no words for, all synchronous; each answers -1 and sets errno on failure. */
export interface Libc {
  readonly mount: (source: string, target: string, type: string, flags: number, data: string | null) => number;
  readonly umount2: (target: string, flags: number) => number;
  readonly flock: (fd: number, operation: number) => number;
  readonly lsetxattr: (path: string, name: string, value: Uint8Array, size: number, flags: number) => number;
  /** These take bytes that end with a zero, too. */
  readonly lgetxattr: (path: string | Uint8Array, name: string, value: Uint8Array | null, size: number) => number;
  readonly llistxattr: (path: string | Uint8Array, list: Uint8Array | null, size: number) => number;
  readonly lseek: (fd: number, offset: number, whence: number) => number;
  readonly lremovexattr: (path: string, name: string) => number;
  readonly utimensat: (directory: number, path: string, times: Uint8Array, flags: number) => number;
  readonly prlimit64: (pid: number, resource: number, set: Uint8Array | null, get: Uint8Array | null) => number;
  readonly statx: (directory: number, path: string, flags: number, mask: number, result: Uint8Array) => number;
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly connect: (fd: number, address: Uint8Array, length: number) => number;
  readonly recv: (fd: number, buffer: Uint8Array, length: number, flags: number) => number;
  readonly send: (fd: number, buffer: Uint8Array, length: number, flags: number) => number;
  readonly shutdown: (fd: number, how: number) => number;
  readonly socketpair: (domain: number, type: number, protocol: number, pair: Int32Array) => number;
  readonly fcntl: (fd: number, command: number, argument: number) => number;
  readonly memfd_create: (name: string, flags: number) => number;
  readonly waitpid: (pid: number, status: Int32Array, options: number) => number;
  readonly unshare: (flags: number) => number;
  readonly setns: (fd: number, type: number) => number;
  /** These answer the number of the error. */
  readonly posix_spawn: (
    pid: Int32Array,
    path: string,
    actions: Uint8Array,
    attributes: Uint8Array,
    args: readonly (string | null)[],
    environment: readonly (string | null)[],
  ) => number;
  readonly posix_spawn_file_actions_init: (actions: Uint8Array) => number;
  readonly posix_spawn_file_actions_adddup2: (actions: Uint8Array, fd: number, target: number) => number;
  readonly posix_spawn_file_actions_addchdir_np: (actions: Uint8Array, path: string) => number;
  readonly posix_spawn_file_actions_destroy: (actions: Uint8Array) => number;
  readonly posix_spawnattr_init: (attributes: Uint8Array) => number;
  readonly posix_spawnattr_setflags: (attributes: Uint8Array, flags: number) => number;
  readonly posix_spawnattr_setsigmask: (attributes: Uint8Array, signals: Uint8Array) => number;
  readonly posix_spawnattr_setsigdefault: (attributes: Uint8Array, signals: Uint8Array) => number;
  readonly posix_spawnattr_destroy: (attributes: Uint8Array) => number;
  /** Calls without a wrapper in every glibc that we support. */
  readonly mknodat: (directory: number, path: string, mode: number, device: number) => number;
  readonly openat2: (directory: number, path: string, how: Uint8Array, size: number) => number;
  readonly open_tree: (directory: number, path: string, flags: number) => number;
  readonly mount_setattr: (directory: number, path: string, flags: number, attributes: Uint8Array, size: number) => number;
  readonly move_mount: (from: number, fromPath: string, to: number, toPath: string, flags: number) => number;
  readonly koffi: typeof Koffi;
}

export const atFdCwd = -100;
export const atSymlinkNofollow = 0x100;

let loaded: Libc | undefined;

/** Loads koffi on first use: it costs 15 ms, which `selkie ps` need not pay. */
export function libc(): Libc {
  loaded ??= load();
  return loaded;
}

function load(): Libc {
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  const lib = koffi.load('libc.so.6');
  // System call numbers differ; openat2 is new enough to have the same everywhere.
  const mknodatNumber = process.arch === 'arm64' ? 33 : 259;
  const openat2Number = 437;
  const openTreeNumber = 428;
  const moveMountNumber = 429;
  const mountSetattrNumber = 442;
  const mknodat: (n: number, directory: number, path: string, mode: number, device: number) => number = lib.func('syscall', 'long', [
    'long',
    'long',
    'str',
    'long',
    'long',
  ]);
  const openat2: (n: number, directory: number, path: string, how: Uint8Array, size: number) => number = lib.func('syscall', 'long', [
    'long',
    'long',
    'str',
    'void *',
    'long',
  ]);
  const openTree: (n: number, directory: number, path: string, flags: number) => number = lib.func('syscall', 'long', [
    ...['long', 'long', 'str', 'long'],
  ]);
  const moveMount: (n: number, from: number, fromPath: string, to: number, toPath: string, flags: number) => number = lib.func(
    'syscall',
    'long',
    ['long', 'long', 'str', 'long', 'str', 'long'],
  );
  const mountSetattr: (n: number, directory: number, path: string, flags: number, attributes: Uint8Array, size: number) => number =
    lib.func('syscall', 'long', ['long', 'long', 'str', 'long', 'void *', 'long']);
  return {
    mount: lib.func('int mount(str source, str target, str type, ulong flags, str data)'),
    umount2: lib.func('int umount2(str target, int flags)'),
    flock: lib.func('int flock(int fd, int operation)'),
    lsetxattr: lib.func('int lsetxattr(str path, str name, void *value, size_t size, int flags)'),
    lgetxattr: lib.func('long lgetxattr(str path, str name, void *value, size_t size)'),
    llistxattr: lib.func('long llistxattr(str path, void *list, size_t size)'),
    lseek: lib.func('long lseek(int fd, long offset, int whence)'),
    lremovexattr: lib.func('int lremovexattr(str path, str name)'),
    utimensat: lib.func('int utimensat(int directory, str path, void *times, int flags)'),
    prlimit64: lib.func('int prlimit64(int pid, int resource, void *set, void *get)'),
    statx: lib.func('int statx(int directory, str path, int flags, uint mask, void *result)'),
    socket: lib.func('int socket(int domain, int type, int protocol)'),
    connect: lib.func('int connect(int fd, void *address, uint length)'),
    recv: lib.func('long recv(int fd, void *buffer, size_t length, int flags)'),
    send: lib.func('long send(int fd, void *buffer, size_t length, int flags)'),
    shutdown: lib.func('int shutdown(int fd, int how)'),
    socketpair: lib.func('int socketpair(int domain, int type, int protocol, void *pair)'),
    fcntl: lib.func('int fcntl(int fd, int command, long argument)'),
    memfd_create: lib.func('int memfd_create(str name, uint flags)'),
    waitpid: lib.func('int waitpid(int pid, void *status, int options)'),
    unshare: lib.func('int unshare(int flags)'),
    setns: lib.func('int setns(int fd, int type)'),
    posix_spawn: lib.func('int posix_spawn(void *pid, str path, void *actions, void *attributes, str *args, str *environment)'),
    posix_spawn_file_actions_init: lib.func('int posix_spawn_file_actions_init(void *actions)'),
    posix_spawn_file_actions_adddup2: lib.func('int posix_spawn_file_actions_adddup2(void *actions, int fd, int target)'),
    posix_spawn_file_actions_addchdir_np: lib.func('int posix_spawn_file_actions_addchdir_np(void *actions, str path)'),
    posix_spawn_file_actions_destroy: lib.func('int posix_spawn_file_actions_destroy(void *actions)'),
    posix_spawnattr_init: lib.func('int posix_spawnattr_init(void *attributes)'),
    posix_spawnattr_setflags: lib.func('int posix_spawnattr_setflags(void *attributes, short flags)'),
    posix_spawnattr_setsigmask: lib.func('int posix_spawnattr_setsigmask(void *attributes, void *signals)'),
    posix_spawnattr_setsigdefault: lib.func('int posix_spawnattr_setsigdefault(void *attributes, void *signals)'),
    posix_spawnattr_destroy: lib.func('int posix_spawnattr_destroy(void *attributes)'),
    mknodat: (directory, path, mode, device) => mknodat(mknodatNumber, directory, path, mode, device),
    openat2: (directory, path, how, size) => openat2(openat2Number, directory, path, how, size),
    open_tree: (directory, path, flags) => openTree(openTreeNumber, directory, path, flags),
    move_mount: (from, fromPath, to, toPath, flags) => moveMount(moveMountNumber, from, fromPath, to, toPath, flags),
    mount_setattr: (directory, path, flags, attributes, size) => mountSetattr(mountSetattrNumber, directory, path, flags, attributes, size),
    koffi,
  };
}

const errnoNames = new Map(Object.entries(constants.errno).map(([name, value]) => [value, name]));
// Linux has one number for both; Node lists the rarer names too.
errnoNames.set(constants.errno.EAGAIN, 'EAGAIN');
errnoNames.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');

/** The name of the errno that the last call left. */
export function lastErrno(): string {
  return errnoName(libc().koffi.errno());
}

export function errnoName(value: number): string {
  return errnoNames.get(value) ?? `errno ${value}`;
}

export function lastError(call: string, object: string): EngineError {
  return errnoError(lastErrno(), call, object);
}
