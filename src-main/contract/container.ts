import * as v from 'valibot';
import { call, duplex, stream } from '../rpc/define.ts';
import { containerSpec, mount, portMapping, resources, restartPolicy, ulimit } from './container-spec.ts';
import { containerId, imageId, nameOrId, objectName, timestampMs } from './ids.ts';
import { mountedObject, transferItem, transferProgress } from './image.ts';

/** Podman's words; `stopping` and `removing` are seen while that is under way. */
export const containerState = v.picklist(['created', 'initialized', 'running', 'stopping', 'paused', 'exited', 'removing']);
export type ContainerState = v.InferOutput<typeof containerState>;

export const containerSummary = v.strictObject({
  id: containerId,
  name: v.string(),
  /** The name that was asked for, normalised; the id when the image had none. */
  imageName: v.string(),
  imageId,
  command: v.array(v.string()),
  state: containerState,
  createdAt: timestampMs,
  startedAt: v.optional(timestampMs),
  finishedAt: v.optional(timestampMs),
  exitCode: v.optional(v.number()),
  /** The monitor's process and the container's first, on the host; 0 unless running. */
  pid: v.number(),
  ports: v.array(portMapping),
  networkMode: v.string(),
  mounts: v.array(v.string()),
  labels: v.record(v.string(), v.string()),
  restartPolicy: restartPolicy.entries.name,
  restartCount: v.number(),
  removeOnExit: v.boolean(),
  /** Why the last start or run failed, for a person; empty otherwise. */
  error: v.string(),
  /** Only when it was asked for: bytes of the writable layer, and of it with its image. */
  size: v.optional(v.strictObject({ writableBytes: v.number(), virtualBytes: v.number() })),
});
export type ContainerSummary = v.InferOutput<typeof containerSummary>;

export const mountPoint = v.strictObject({
  ...mount.entries,
  source: v.string(),
  /** Where the data is on the host. */
  hostPath: v.string(),
  readOnly: v.boolean(),
  options: v.array(v.string()),
  /** Of a volume. */
  volumeName: v.string(),
});

export const networkSettings = v.strictObject({
  mode: v.string(),
  sandboxPath: v.string(),
  networks: v.array(
    v.strictObject({
      name: v.string(),
      interfaceName: v.string(),
      macAddress: v.string(),
      ipAddress: v.string(),
      prefixLength: v.number(),
      gateway: v.string(),
      ipv6Address: v.string(),
      ipv6PrefixLength: v.number(),
      ipv6Gateway: v.string(),
    }),
  ),
});
export type NetworkSettings = v.InferOutput<typeof networkSettings>;

export const containerDetail = v.strictObject({
  ...containerSummary.entries,
  config: v.strictObject({
    hostname: v.string(),
    user: v.string(),
    entrypoint: v.array(v.string()),
    command: v.array(v.string()),
    environment: v.array(v.string()),
    workingDirectory: v.string(),
    tty: v.boolean(),
    interactive: v.boolean(),
    stopSignal: v.string(),
    stopTimeoutSeconds: v.number(),
    umask: v.string(),
    annotations: v.record(v.string(), v.string()),
    createCommand: v.array(v.string()),
    exposedPorts: v.array(v.string()),
  }),
  host: v.strictObject({
    privileged: v.boolean(),
    readOnlyRootfs: v.boolean(),
    init: v.boolean(),
    capAdd: v.array(v.string()),
    capDrop: v.array(v.string()),
    effectiveCaps: v.array(v.string()),
    boundingCaps: v.array(v.string()),
    securityOptions: v.array(v.string()),
    devices: v.array(v.string()),
    ulimits: v.array(ulimit),
    resources,
    restartPolicy,
    shmSizeBytes: v.number(),
    dnsServers: v.array(v.string()),
    dnsSearch: v.array(v.string()),
    dnsOptions: v.array(v.string()),
    addHosts: v.array(v.string()),
    groupAdd: v.array(v.string()),
    pidMode: v.string(),
    ipcMode: v.string(),
    utsMode: v.string(),
    /** Empty: the engine's; private. */
    usernsMode: v.string(),
    /** INSIDE:OUTSIDE:SIZE, outside as the engine sees it; empty without one. */
    uidMap: v.array(v.string()),
    gidMap: v.array(v.string()),
    cgroupMode: v.string(),
    logDriver: v.string(),
    logPath: v.string(),
    logMaxSizeBytes: v.number(),
    /** What holds: the limit that was asked for, or the engine's own where it can be enforced; 0: none. */
    pidsLimit: v.number(),
    cgroupManager: v.string(),
    cgroupPath: v.string(),
  }),
  process: v.strictObject({
    path: v.string(),
    arguments: v.array(v.string()),
    conmonPid: v.number(),
    oomKilled: v.boolean(),
    ociRuntime: v.string(),
    ociConfigPath: v.string(),
    pidFile: v.string(),
    conmonPidFile: v.string(),
    resolvConfPath: v.string(),
    hostnamePath: v.string(),
    hostsPath: v.string(),
    staticDirectory: v.string(),
  }),
  graphDriver: v.strictObject({ name: v.string(), data: v.record(v.string(), v.string()) }),
  mountPoints: v.array(mountPoint),
  networkSettings,
  execIds: v.array(v.string()),
});
export type ContainerDetail = v.InferOutput<typeof containerDetail>;

export const containerFilter = v.strictObject({
  /** Podman's filter keys: id, name, label, label!, exited, status, ancestor, before, since, volume, network, until … */
  key: v.string(),
  value: v.string(),
});

export const listContainersInput = v.strictObject({
  /** Without it only running ones. */
  all: v.optional(v.boolean(), false),
  filters: v.optional(v.array(containerFilter), []),
  size: v.optional(v.boolean(), false),
  /** The newest so many; implies all. */
  last: v.optional(v.number()),
});

/** First one `snapshot`, then deltas, each with the id of the event that it belongs to; ids only grow. */
export const containerDelta = v.variant('kind', [
  v.strictObject({ kind: v.literal('snapshot'), sequence: v.number(), containers: v.array(containerSummary) }),
  v.strictObject({ kind: v.literal('changed'), sequence: v.number(), container: containerSummary }),
  v.strictObject({ kind: v.literal('removed'), sequence: v.number(), id: containerId }),
]);
export type ContainerDelta = v.InferOutput<typeof containerDelta>;

export const containerStats = v.strictObject({
  id: containerId,
  name: v.string(),
  /** Of one core: 200 means two cores busy. */
  cpuPercent: v.number(),
  cpuTotalNs: v.number(),
  memoryBytes: v.number(),
  /** The limit in force; the host's memory when there is none. */
  memoryLimitBytes: v.number(),
  pids: v.number(),
  networkReceivedBytes: v.number(),
  networkSentBytes: v.number(),
  blockReadBytes: v.number(),
  blockWrittenBytes: v.number(),
});
export type ContainerStats = v.InferOutput<typeof containerStats>;

export const logEntry = v.strictObject({
  /** RFC 3339 with nanoseconds, as conmon wrote it. */
  timestamp: v.string(),
  source: v.picklist(['stdout', 'stderr']),
  bytes: v.instance(Uint8Array),
  /** The line goes on in the next entry (k8s-file's P). */
  partial: v.boolean(),
  /** Of a paged read, on its first entry: where it begins, unless that is the beginning of the log. For `before`. */
  position: v.optional(v.string()),
});
export type LogEntry = v.InferOutput<typeof logEntry>;

/** What a client that is told to stop, or the like, passes on. */
export const forwardedSignal = v.picklist([
  ...(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const),
  ...(['SIGCONT', 'SIGALRM', 'SIGTTIN', 'SIGTTOU'] as const),
]);
export type ForwardedSignal = v.InferOutput<typeof forwardedSignal>;

/** What a terminal or a pipe sends up. */
export const terminalUp = v.variant('kind', [
  v.strictObject({ kind: v.literal('stdin'), bytes: v.instance(Uint8Array) }),
  v.strictObject({ kind: v.literal('resize'), rows: v.number(), columns: v.number() }),
  /** No more stdin. */
  v.strictObject({ kind: v.literal('eof') }),
  /** For the process of an exec; a container is signalled by `kill`. */
  v.strictObject({ kind: v.literal('signal'), signal: forwardedSignal }),
]);
export type TerminalUp = v.InferOutput<typeof terminalUp>;

export const terminalDown = v.variant('kind', [
  /** Attached (attach, run) or running (exec): from here on nothing is lost. */
  v.strictObject({ kind: v.literal('ready') }),
  v.strictObject({ kind: v.literal('stdout'), bytes: v.instance(Uint8Array) }),
  v.strictObject({ kind: v.literal('stderr'), bytes: v.instance(Uint8Array) }),
  /** The detach keys were seen: the process goes on. */
  v.strictObject({ kind: v.literal('detached') }),
  v.strictObject({ kind: v.literal('exit'), code: v.number() }),
]);
export type TerminalDown = v.InferOutput<typeof terminalDown>;

const terminalSize = v.strictObject({ rows: v.number(), columns: v.number() });

export const execSpec = v.strictObject({
  container: nameOrId,
  command: v.pipe(v.array(v.string()), v.nonEmpty('a command is needed')),
  tty: v.optional(v.boolean(), false),
  interactive: v.optional(v.boolean(), false),
  environment: v.optional(v.array(v.string()), []),
  user: v.optional(v.string()),
  workingDirectory: v.optional(v.string()),
  privileged: v.optional(v.boolean(), false),
  detachKeys: v.optional(v.string()),
  size: v.optional(terminalSize),
});
export type ExecSpec = v.InferOutput<typeof execSpec>;

const createdContainer = v.strictObject({
  id: containerId,
  name: v.string(),
  /** For a person: a limit that was lowered, an option without effect here. */
  warnings: v.array(v.string()),
});

const one = v.strictObject({ container: nameOrId });

export const pathChange = v.strictObject({ kind: v.picklist(['added', 'changed', 'deleted']), path: v.string() });
export type PathChange = v.InferOutput<typeof pathChange>;

export const containerRoutes = {
  list: call({ input: listContainersInput, output: v.array(containerSummary) }),
  /** All containers, always; the reader filters. */
  watch: stream({ input: v.strictObject({}), item: containerDelta }),
  inspect: call({ input: v.strictObject({ container: nameOrId, size: v.optional(v.boolean(), false) }), output: containerDetail }),
  /** Pulls the image when the policy says so; progress items first, `created` last. */
  create: stream({
    input: containerSpec,
    item: v.variant('kind', [
      v.strictObject({ kind: v.literal('pull'), progress: transferProgress }),
      v.strictObject({ kind: v.literal('created'), container: createdContainer }),
    ]),
  }),
  start: call({ input: one, output: v.strictObject({ id: containerId, warnings: v.array(v.string()) }) }),
  stop: call({
    input: v.strictObject({ container: nameOrId, timeoutSeconds: v.optional(v.number()) }),
    /** `killed`: the stop signal was not enough. */
    output: v.strictObject({ id: containerId, wasRunning: v.boolean(), killed: v.boolean() }),
  }),
  restart: call({
    input: v.strictObject({ container: nameOrId, timeoutSeconds: v.optional(v.number()) }),
    output: v.strictObject({ id: containerId }),
  }),
  kill: call({
    input: v.strictObject({ container: nameOrId, signal: v.optional(v.string(), 'SIGKILL') }),
    output: v.strictObject({ id: containerId }),
  }),
  rename: call({ input: v.strictObject({ container: nameOrId, name: objectName }), output: v.strictObject({ id: containerId }) }),
  remove: call({
    input: v.strictObject({
      container: nameOrId,
      /** Also when it runs. */
      force: v.optional(v.boolean(), false),
      /** With its anonymous volumes. */
      volumes: v.optional(v.boolean(), false),
      timeoutSeconds: v.optional(v.number()),
      /** Keep it for a while; see the trash. */
      trash: v.optional(v.boolean(), true),
    }),
    output: v.strictObject({ id: containerId }),
  }),
  /** Resolves when it is in one of the states; `exited` answers at once for a stopped one. */
  wait: call({
    input: v.strictObject({
      container: nameOrId,
      conditions: v.optional(v.array(v.picklist(['exited', 'running', 'removed', 'created', 'paused'])), ['exited']),
    }),
    output: v.strictObject({ exitCode: v.number() }),
  }),
  logs: stream({
    input: v.strictObject({
      container: nameOrId,
      follow: v.optional(v.boolean(), false),
      /** The last so many lines. */
      tail: v.optional(v.number()),
      sinceMs: v.optional(timestampMs),
      untilMs: v.optional(timestampMs),
      /** Its first entry tells its position. */
      paged: v.optional(v.boolean(), false),
      /** Only what stands before the position that a paged read has told; nothing when that log was rotated away. Not with `follow`. */
      before: v.optional(v.pipe(v.string(), v.regex(/^\d{1,20}-\d{1,16}$/, 'no position in a log'))),
    }),
    item: logEntry,
  }),
  /**
   * Joins the container's own process. With `start` the container is started once attached, so that no output is lost;
   * the stream ends with `exit` or `detached`.
   */
  attach: duplex({
    input: v.strictObject({
      container: nameOrId,
      start: v.optional(v.boolean(), false),
      stdin: v.optional(v.boolean(), true),
      output: v.optional(v.boolean(), true),
      detachKeys: v.optional(v.string()),
      size: v.optional(terminalSize),
    }),
    up: terminalUp,
    down: terminalDown,
  }),
  exec: duplex({ input: execSpec, up: terminalUp, down: terminalDown }),
  /** Starts it and leaves it running. */
  execDetached: call({ input: execSpec, output: v.strictObject({ execId: v.string() }) }),
  top: call({
    input: v.strictObject({ container: nameOrId, descriptors: v.optional(v.array(v.string()), []) }),
    output: v.strictObject({ titles: v.array(v.string()), processes: v.array(v.array(v.string())) }),
  }),
  /**
   * What differs from what it was made from, or from `base`, in order of path; of an image: its last layer. A folder that was
   * deleted and made again is told as deleted, with what is in it now added.
   */
  diff: call({
    input: v.strictObject({
      object: nameOrId,
      base: v.optional(nameOrId),
      kinds: v.optional(v.array(v.picklist(['image', 'container'])), ['image', 'container']),
    }),
    output: v.array(pathChange),
  }),
  /** A new image of its image and its changes; progress items first, the image last. */
  commit: stream({
    input: v.strictObject({
      container: nameOrId,
      name: v.optional(nameOrId),
      author: v.optional(v.string(), ''),
      /** Docker's format only. */
      message: v.optional(v.string(), ''),
      /** Instructions of a Containerfile. */
      changes: v.optional(v.array(v.string()), []),
      format: v.optional(v.picklist(['oci', 'docker']), 'oci'),
      /** Freezes its processes meanwhile. */
      pause: v.optional(v.boolean(), false),
      /** One layer with all in it. */
      squash: v.optional(v.boolean(), false),
      includeVolumes: v.optional(v.boolean(), false),
    }),
    item: transferItem,
  }),
  /** Its whole tree as a tar, in pieces. */
  export: stream({ input: one, item: v.instance(Uint8Array) }),
  /** The same into a file at an absolute path, which is there when it is whole; an item each few MiB, and one at the end. */
  exportFile: stream({
    input: v.strictObject({ container: nameOrId, path: v.string() }),
    item: v.strictObject({ writtenBytes: v.number(), done: v.boolean() }),
  }),
  /** Until as many calls of `unmount`. The path is where the engine sees it: another mount namespace does not. */
  mount: call({ input: one, output: mountedObject }),
  unmount: call({
    input: v.strictObject({ container: nameOrId, force: v.optional(v.boolean(), false) }),
    /** Not mounted: nobody had asked for it. A running container keeps its tree. */
    output: v.strictObject({ id: v.string(), wasMounted: v.boolean() }),
  }),
  mounted: call({ input: v.strictObject({}), output: v.array(mountedObject) }),
  /** One item per interval with all running containers, or those named; nothing is measured when no one reads. */
  stats: stream({
    input: v.strictObject({
      containers: v.optional(v.array(nameOrId)),
      intervalMs: v.optional(v.number(), 2000),
      once: v.optional(v.boolean(), false),
    }),
    item: v.array(containerStats),
  }),
};
