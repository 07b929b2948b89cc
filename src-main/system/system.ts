/**
 * The only room that touches the kernel beyond plain reading and writing of files: processes, mounts, namespaces, cgroups, locks,
 * sockets, extended attributes. Everything above sees these interfaces; `linux/` implements them with koffi (FFI) and
 * /proc, since a mount by FFI costs 20 µs and one by mount(8) 4 ms.
 *
 * Laws
 * - An errno becomes an {@link EngineError} code here and nowhere else; the message names the call and its object.
 * - koffi is loaded on first use (15 ms), so that `selkie ps` does not pay for it.
 * - What is acquired is disposable.
 */
import type { Readable, Writable } from 'node:stream';

export { errnoOf } from './errno.ts';

export interface System {
  readonly files: Files;
  readonly attributes: FileAttributes;
  readonly processes: Processes;
  readonly mounts: Mounts;
  readonly namespaces: Namespaces;
  readonly cgroups: Cgroups;
  readonly locks: Locks;
  readonly sockets: Sockets;
  readonly clock: Clock;
  readonly identity: Identity;
}

/** Durable writes and removals. Plain reads go through node:fs. */
export interface Files {
  /** Temp file in the same folder, fsync, rename, fsync of the folder. */
  writeDurably(path: string, data: string | Uint8Array, options?: { readonly mode?: number }): void;
  /** Temp file and rename without fsync: for runtime folders that do not survive a reboot anyhow. */
  writeAtomically(path: string, data: string | Uint8Array, options?: { readonly mode?: number }): void;
  readTextIfExists(path: string): string | undefined;
  /** With its parents; an existing folder is left as it is. */
  ensureDirectory(path: string, mode?: number): void;
  syncDirectory(path: string): void;
  /** Of the data of a file that others may have open, too. */
  syncFile(path: string): void;
  /**
   * Removes a tree whatever its modes; never follows a symlink, never crosses into another mount (EBUSY there is an error that
   * names the mount). Nothing there: no error.
   */
  removeTree(path: string): Promise<void>;
  freeBytes(path: string): number;
  totalBytes(path: string): number;
  /** Watches one folder by inotify; calls back with names that appeared or changed. No polling. */
  watchDirectory(path: string, listener: (name: string) => void): Disposable;
}

/** Synchronous, never following a final symlink: for the layer room, which unpacks in a worker. */
export interface FileAttributes {
  setXattr(path: string, name: string, value: Uint8Array): void;
  /** A path may be bytes: not every name is text. */
  getXattr(path: string | Uint8Array, name: string): Uint8Array | undefined;
  listXattrs(path: string | Uint8Array): string[];
  removeXattr(path: string, name: string): void;
  makeNode(path: string, mode: number, major: number, minor: number): void;
  makeFifo(path: string, mode: number): void;
  /** Nanoseconds since 1970; utimensat(2) with AT_SYMLINK_NOFOLLOW. */
  setTimes(path: string, accessNs: bigint, modifyNs: bigint): void;
  /** openat2(2) with RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS; answers a descriptor. For reading hostile root file systems (/etc/passwd of an image). */
  openInRoot(root: string, path: string, flags: number, mode?: number): number;
  /** The parts of an open file that are no holes, in order, as lseek(2) tells them; one part where the file system knows none. Moves the file's offset. */
  dataSegments(descriptor: number, sizeBytes: number): readonly { readonly offset: number; readonly length: number }[];
}

export interface ProcessResult {
  readonly code: number;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  /** The whole environment, nothing is added; without it our own is inherited. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Default 4 MiB; more is cut. */
  readonly maxOutputBytes?: number;
}

export interface SpawnOptions {
  /** The whole environment, nothing is added; without it our own is inherited. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  /** One per descriptor from 0 on: 'ignore', 'inherit', 'pipe' (a socket pair, in `pipes`), or a descriptor of ours. */
  readonly stdio: readonly ('ignore' | 'inherit' | 'pipe' | number)[];
  /** A session of its own: survives us. */
  readonly detached?: boolean;
  /** It ends, or forks away, within moments: started by posix_spawn(3), which costs the same however large we are. */
  readonly brief?: boolean;
}

export interface SpawnedProcess {
  readonly pid: number;
  /** By descriptor number; only those asked for as 'pipe'. */
  readonly pipes: Readonly<Record<number, Readable & Writable>>;
  readonly exited: Promise<{ readonly code: number; readonly signal: NodeJS.Signals | undefined }>;
}

export interface Processes {
  /** Runs to the end and collects its output; does not throw for a non-zero status. `missing-tool` when there is no such program. */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<ProcessResult>;
  /** The same, and everything waits: for what takes milliseconds and has to be done before a synchronous caller goes on. `timeout` kills it. */
  runSync(
    command: string,
    args: readonly string[],
    options?: Pick<RunOptions, 'environment' | 'timeoutMs' | 'workingDirectory'>,
  ): ProcessResult;
  spawn(command: string, args: readonly string[], options: SpawnOptions): SpawnedProcess;
  /** No error when it is gone. */
  signal(pid: number, signal: NodeJS.Signals | number): void;
  /** Field 22 of /proc/PID/stat in clock ticks, or undefined when there is no such process (zombies count as gone): with the pid it names a process for ever. */
  startTime(pid: number): number | undefined;
  /** Absolute path of a program, by PATH and the folders where distributions hide helpers (/usr/lib/podman, /usr/libexec/podman …). */
  find(program: string): string | undefined;
  /** Another path to the same program, valid while this process lives, by which crun starts sooner: a copy in sealed memory. */
  sealed(path: string): string;
  /** The process's own hard limit; name without RLIMIT_ in lower case. Infinity: unlimited. */
  resourceLimit(name: string): { readonly soft: number; readonly hard: number } | undefined;
  /** Raises our own soft limit to the hard one: what we start from then on inherits it. */
  raiseSoftLimit(name: string): void;
}

export interface MountEntry {
  readonly id: number;
  readonly parentId: number;
  readonly root: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
  readonly superOptions: readonly string[];
}

export type MountFlag =
  | 'bind'
  | 'rbind'
  | 'remount'
  | 'readonly'
  | 'nosuid'
  | 'nodev'
  | 'noexec'
  | 'private'
  | 'rprivate'
  | 'slave'
  | 'rslave'
  | 'shared'
  | 'rshared';

export interface Mounts {
  /** mount(2). `data` longer than a page is refused before the kernel cuts it. */
  mount(source: string, target: string, type: string, flags: readonly MountFlag[], data?: string): void;
  /**
   * What `source` shows, at `target`, with its owners translated by a user namespace: an id inside is on the disk what it is outside for whoever
   * looks (mount_setattr(2), MOUNT_ATTR_IDMAP). `denied` or `invalid-argument` where the file system, the kernel or our rights do not allow it.
   */
  mountMapped(source: string, target: string, userNamespace: number): void;
  /** Nothing mounted there: no error. */
  unmount(target: string, options?: { readonly detach?: boolean }): void;
  /** /proc/self/mountinfo, parsed. */
  list(): MountEntry[];
  isMountPoint(path: string): boolean;
}

export interface Namespaces {
  /** Makes a network namespace and pins it by a bind mount at `path` (as ip-netns(8) does, whatever the folder); it belongs to our user namespace or to the one given. */
  createNetwork(path: string, options?: { readonly userNamespace?: number | undefined }): Promise<void>;
  /** Unpins it. Nothing there: no error. */
  removeNetwork(path: string): void;
  /** A user namespace below ours with these maps, and nobody in it; it is there until the disposal. Takes some milliseconds, all of them waiting. */
  openUser(uids: readonly IdRange[], gids: readonly IdRange[]): { readonly descriptor: number } & Disposable;
  /** The maps of the user namespace that a path leads to, in our terms. Errors: `invalid-argument` when it cannot be joined from here. */
  userMapsOf(path: string): Promise<{ readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] }>;
}

export type CgroupVersion = 'v1' | 'v2' | 'hybrid' | 'none';

export interface CgroupUsage {
  readonly cpuTotalNs: number;
  readonly memoryBytes: number;
  /** Infinity without a limit. */
  readonly memoryLimitBytes: number;
  readonly pids: number;
  readonly blockReadBytes: number;
  readonly blockWrittenBytes: number;
  readonly oomKills: number;
}

export interface Cgroups {
  readonly version: CgroupVersion;
  /** Controllers that an engine with our rights can set limits in, by the given manager. */
  availableControllers(): readonly string[];
  /** The cgroup paths of a process, by controller ('' for v2), from /proc/PID/cgroup. */
  pathsOf(pid: number): ReadonlyMap<string, string>;
  /**
   * Reads the accounting of the cgroup that the process is in; undefined when it is gone. A process in our own cgroup has none
   * of its own: then it and its descendants are added up, without block I/O, limit and OOM kills.
   */
  usageOf(pid: number): CgroupUsage | undefined;
}

export interface Lock extends Disposable {
  release(): void;
}

/**
 * Locks by flock(2) on empty files: they belong to the open file description, so they hold between processes and between two holders in
 * one process, the kernel lets go of them when the holder dies, and flock(1) in a shell script takes part.
 */
export interface Locks {
  tryAcquire(path: string, mode?: 'exclusive' | 'shared'): Lock | undefined;
  /** Waits, with growing pauses of 1 to 20 ms. */
  acquire(
    path: string,
    options?: { readonly mode?: 'exclusive' | 'shared'; readonly signal?: AbortSignal; readonly timeoutMs?: number },
  ): Promise<Lock>;
}

/** A SOCK_SEQPACKET connection, as conmon's attach socket is; packets keep their boundaries. */
export interface PacketSocket extends AsyncDisposable {
  /** Packets in order; ends when the peer closes. */
  readonly packets: AsyncIterable<Uint8Array>;
  /** Waits while the kernel's buffer is full. `unavailable` when the peer is gone. */
  send(packet: Uint8Array): Promise<void>;
  /** shutdown(SHUT_WR): the peer sees the end of stdin. */
  endWriting(): void;
  close(): void;
}

export interface PortOwner {
  readonly pid: number;
  readonly command: string;
}

export interface Sockets {
  /** Paths over 107 bytes go through /proc/self/fd. */
  connectPacket(path: string): Promise<PacketSocket>;
  /** Whether something on this host listens there (in the engine's own network namespace), and who, as far as we may see. */
  listenerOn(protocol: 'tcp' | 'udp', port: number, hostIp?: string): { readonly owner: PortOwner | undefined } | undefined;
}

export interface Clock {
  nowMs(): number;
  monotonicNs(): bigint;
}

export interface IdRange {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
}

export interface Identity {
  /** As the engine's process sees itself: 0 inside the user namespace too. */
  readonly uid: number;
  readonly gid: number;
  /** Whether uid 0 here is another user outside. */
  readonly rootless: boolean;
  /** The user outside. */
  readonly hostUid: number;
  readonly hostGid: number;
  readonly userName: string;
  readonly homeDirectory: string;
  readonly uidMap: readonly IdRange[];
  readonly gidMap: readonly IdRange[];
  /** /proc/sys/kernel/random/boot_id: tells whether the host was restarted since. */
  readonly bootId: string;
}
