/** What a container is made from: the input of `container.create` and what the run form and `selkie run` produce. */
import * as v from 'valibot';
import { objectName } from './ids.ts';

const text = v.pipe(
  v.string(),
  v.maxLength(128 * 1024),
  v.check((value) => !value.includes('\0'), 'has a NUL byte'),
);
const list = v.array(text);
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535));

export const portMapping = v.strictObject({
  /** Empty: all addresses. */
  hostIp: v.optional(text, ''),
  /** Undefined: the engine picks a free one. */
  hostPort: v.optional(port),
  containerPort: port,
  /** Length of the range, 1 for a single port. */
  range: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535)), 1),
  protocol: v.optional(v.picklist(['tcp', 'udp', 'sctp']), 'tcp'),
});
export type PortMapping = v.InferOutput<typeof portMapping>;

export const mount = v.strictObject({
  type: v.picklist(['bind', 'volume', 'tmpfs']),
  /** bind: an absolute path on the host; volume: its name, empty for an anonymous one; tmpfs: empty. */
  source: v.optional(text, ''),
  target: v.pipe(text, v.startsWith('/', 'the path in the container has to be absolute')),
  readOnly: v.optional(v.boolean(), false),
  /** Podman's option words, unchanged: rprivate, rslave, rshared, z, Z, U, exec, noexec, nosuid, nodev, copy, nocopy, size=…, mode=… */
  options: v.optional(list, []),
});
export type MountSpec = v.InferOutput<typeof mount>;

export const ulimit = v.strictObject({
  /** Without RLIMIT_, lower case: nofile, nproc, core … */
  name: text,
  /** -1: unlimited. */
  soft: v.pipe(v.number(), v.integer()),
  hard: v.pipe(v.number(), v.integer()),
});

export const resources = v.strictObject({
  memoryBytes: v.optional(count),
  memoryReservationBytes: v.optional(count),
  /** Memory plus swap; -1: unlimited. */
  memorySwapBytes: v.optional(v.pipe(v.number(), v.integer())),
  cpus: v.optional(v.pipe(v.number(), v.minValue(0))),
  cpuShares: v.optional(count),
  cpuPeriodUs: v.optional(count),
  cpuQuotaUs: v.optional(v.pipe(v.number(), v.integer())),
  cpusetCpus: v.optional(text),
  cpusetMems: v.optional(text),
  /** -1: unlimited. */
  pidsLimit: v.optional(v.pipe(v.number(), v.integer())),
  oomKillDisable: v.optional(v.boolean()),
  oomScoreAdj: v.optional(v.pipe(v.number(), v.integer(), v.minValue(-1000), v.maxValue(1000))),
  blkioWeight: v.optional(count),
});
export type ResourceLimits = v.InferOutput<typeof resources>;

export const restartPolicy = v.strictObject({
  name: v.picklist(['no', 'on-failure', 'always', 'unless-stopped']),
  /** on-failure only; 0: no bound. */
  maximumRetries: v.optional(count, 0),
});

export const networkMode = v.strictObject({
  /** default: pasta (else slirp4netns) rootless, bridge as root. */
  mode: v.optional(v.picklist(['default', 'host', 'none', 'bridge', 'pasta', 'slirp4netns']), 'default'),
  /** Words after the colon, unchanged, each checked by the network room: allow_host_loopback=true, mtu=1500 … */
  options: v.optional(list, []),
});

const namespaceMode = v.picklist(['private', 'host']);

export const containerSpec = v.strictObject({
  /** A reference, or an image id. */
  image: v.pipe(text, v.nonEmpty('an image is needed')),
  name: v.optional(objectName),
  /** Replaces the image's CMD. */
  command: v.optional(list),
  /** Replaces the image's ENTRYPOINT; an empty list clears it. */
  entrypoint: v.optional(list),
  /** KEY=VALUE; over the image's. */
  environment: v.optional(list, []),
  workingDirectory: v.optional(text),
  /** user[:group], names or numbers. */
  user: v.optional(text),
  groupAdd: v.optional(list, []),
  hostname: v.optional(text),
  tty: v.optional(v.boolean(), false),
  /** Keep stdin open: -i. */
  interactive: v.optional(v.boolean(), false),
  detachKeys: v.optional(text),
  network: v.optional(networkMode, {}),
  ports: v.optional(v.array(portMapping), []),
  /** Publish every port that the image exposes: -P. */
  publishAll: v.optional(v.boolean(), false),
  /** port[/protocol] */
  expose: v.optional(list, []),
  dnsServers: v.optional(list, []),
  dnsSearch: v.optional(list, []),
  dnsOptions: v.optional(list, []),
  /** host:ip, the ip may be host-gateway. */
  addHosts: v.optional(list, []),
  mounts: v.optional(v.array(mount), []),
  readOnlyRootfs: v.optional(v.boolean(), false),
  /** With a read-only root: writable tmpfs on /run, /tmp, /var/tmp (Podman's default). */
  readOnlyTmpfs: v.optional(v.boolean(), true),
  shmSizeBytes: v.optional(count),
  capAdd: v.optional(list, []),
  capDrop: v.optional(list, []),
  /** Podman's words: no-new-privileges, seccomp=…, apparmor=…, label=…, mask=…, unmask=… */
  securityOptions: v.optional(list, []),
  privileged: v.optional(v.boolean(), false),
  /** HOST[:CONTAINER[:rwm]] */
  devices: v.optional(list, []),
  ulimits: v.optional(v.array(ulimit), []),
  resources: v.optional(resources, {}),
  /** KEY=VALUE */
  sysctls: v.optional(list, []),
  /** Octal digits. */
  umask: v.optional(v.pipe(v.string(), v.regex(/^[0-7]{1,4}$/, 'a umask is up to four octal digits'))),
  pid: v.optional(namespaceMode, 'private'),
  ipc: v.optional(namespaceMode, 'private'),
  uts: v.optional(namespaceMode, 'private'),
  cgroupns: v.optional(namespaceMode),
  /** Podman's words: host, keep-id[:uid=,gid=,size=], nomap, auto[:size=,uidmapping=,gidmapping=], container:NAME, private; undefined: containers.conf. */
  userns: v.optional(text),
  /** CONTAINER:FROM[:AMOUNT]; with one of the two it is for both. */
  uidMap: v.optional(list, []),
  gidMap: v.optional(list, []),
  /** A name in /etc/subuid and /etc/subgid whose ranges are the maps. */
  subUidName: v.optional(text),
  subGidName: v.optional(text),
  /** KEY → value */
  labels: v.optional(v.record(text, text), {}),
  annotations: v.optional(v.record(text, text), {}),
  /** Run an init (catatonit) as process 1. */
  init: v.optional(v.boolean(), false),
  restartPolicy: v.optional(restartPolicy, { name: 'no' }),
  stopSignal: v.optional(text),
  stopTimeoutSeconds: v.optional(count),
  /** Kill it after so many seconds; 0: never. */
  timeoutSeconds: v.optional(count, 0),
  logDriver: v.optional(v.picklist(['k8s-file', 'none']), 'k8s-file'),
  /** 0: no bound. */
  logMaxSizeBytes: v.optional(count, 0),
  pullPolicy: v.optional(v.picklist(['missing', 'always', 'never', 'newer']), 'missing'),
  /** os/arch[/variant] */
  platform: v.optional(text),
  /** Remove the container, and its anonymous volumes, when it has exited. */
  remove: v.optional(v.boolean(), false),
  /** The command line that made it, for `inspect`. */
  createCommand: v.optional(list),
});
export type ContainerSpec = v.InferOutput<typeof containerSpec>;
export type ContainerSpecInput = v.InferInput<typeof containerSpec>;
