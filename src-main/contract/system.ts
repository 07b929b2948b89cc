import * as v from 'valibot';
import { call, stream } from '../rpc/define.ts';
import { importItem, importOrder, importPlan, importRequest } from './adopt.ts';
import { imageId } from './ids.ts';
import { pruneDone, pruneOrder, prunePlan, pruneRequest } from './trash.ts';

/** The sentences of the host check that can be said in other languages. */
export const checkTextKey = v.picklist([
  'not-needed-as-root',
  'enabled',
  'forbidden',
  'no-range',
  'small-range',
  'not-mounted',
  'no-controllers',
  'usable',
  'not-for-users',
  'not-there',
  'overlay-for-users',
  'overlay-for-root',
  'overlay-by-program',
  'whole-copies',
  'works',
  'works-without-root',
  'not-installed',
  'not-installed-not-needed',
  'does-not-run',
  'does-not-answer',
  'no-rights',
  'no-file',
  'no-json',
  'use-newer-release',
  'allow-user-namespaces',
  'give-user-ids',
  'give-group-ids',
  'give-more-ids',
  'mount-cgroups',
  'limits-refused',
  'enable-controllers',
  'delegate-controllers',
  'mount-v1-controllers',
  'boot-with-v2',
  'only-host-network',
  'only-host-network-as-root',
  'no-names',
  'use-slirp4netns',
  'no-init',
  'late-clean-up',
  'open-to-users',
  'load-driver',
  'use-newer-kernel',
  'load-overlay',
  'move-store',
  'install',
  'install-again',
  'give-rights',
  'install-package',
  'correct-file',
]);
export type CheckTextKey = v.InferOutput<typeof checkTextKey>;

export const checkLine = v.strictObject({
  /** Stable key: kernel, user-namespaces, subuid, subgid, cgroups, overlay, tun, tool:crun … Texts of the interface hang on it. */
  id: v.string(),
  title: v.string(),
  status: v.picklist(['ok', 'degraded', 'missing']),
  /** What was found: a version, a range, a list of controllers. */
  value: v.string(),
  /** Why it matters, one sentence. */
  why: v.string(),
  /** What to do, empty when ok. */
  fix: v.string(),
  /** The command that does it, empty when there is none. */
  command: v.string(),
  /** The same for a translator: which sentences `value` and `fix` are, and what is filled in. Of a value that is data there is none. */
  valueKey: v.optional(checkTextKey),
  fixKeys: v.array(checkTextKey),
  values: v.record(v.string(), v.string()),
});
export type CheckLine = v.InferOutput<typeof checkLine>;

export const storeProblem = v.strictObject({
  /** orphan-snapshot, stale-mount, half-pulled-layer, missing-layer, damaged-layer, dead-container, lost-monitor, leaked-process, leaked-namespace … */
  kind: v.string(),
  object: v.string(),
  message: v.string(),
});

export type StoreProblem = v.InferOutput<typeof storeProblem>;

const repairPlan = v.strictObject({
  /** What a repair does: only what nobody refers to is removed. */
  actions: v.array(v.strictObject({ ...storeProblem.entries, action: v.string() })),
  /** What needs a person, with what to do. */
  manual: v.array(v.strictObject({ ...storeProblem.entries, advice: v.string() })),
});
export type RepairPlan = v.InferOutput<typeof repairPlan>;

const repairDone = v.strictObject({ done: v.array(v.string()), failed: v.array(v.string()) });
export type RepairDone = v.InferOutput<typeof repairDone>;

export const systemInfo = v.strictObject({
  version: v.string(),
  rootless: v.boolean(),
  host: v.strictObject({
    hostname: v.string(),
    kernel: v.string(),
    os: v.string(),
    architecture: v.string(),
    distribution: v.strictObject({ id: v.string(), version: v.string() }),
    cpus: v.number(),
    memoryTotalBytes: v.number(),
    memoryFreeBytes: v.number(),
    swapTotalBytes: v.number(),
    swapFreeBytes: v.number(),
    uptimeSeconds: v.number(),
    cgroupVersion: v.picklist(['v1', 'v2', 'hybrid', 'none']),
    cgroupManager: v.string(),
    cgroupControllers: v.array(v.string()),
    uidMap: v.array(v.strictObject({ containerId: v.number(), hostId: v.number(), size: v.number() })),
    gidMap: v.array(v.strictObject({ containerId: v.number(), hostId: v.number(), size: v.number() })),
    seccompEnabled: v.boolean(),
    seccompProfilePath: v.string(),
    apparmorEnabled: v.boolean(),
    selinuxEnabled: v.boolean(),
    ociRuntime: v.strictObject({ name: v.string(), path: v.string(), version: v.string() }),
    conmon: v.strictObject({ path: v.string(), version: v.string() }),
    networkBackend: v.strictObject({ name: v.string(), path: v.string(), version: v.string() }),
    rootlessNetwork: v.strictObject({ name: v.string(), path: v.string(), version: v.string() }),
    logDriver: v.string(),
  }),
  store: v.strictObject({
    driver: v.string(),
    /** Why this one, in words. */
    driverReason: v.string(),
    driverStatus: v.record(v.string(), v.string()),
    graphRoot: v.string(),
    runRoot: v.string(),
    volumePath: v.string(),
    configFile: v.string(),
    containers: v.strictObject({ total: v.number(), running: v.number(), paused: v.number(), stopped: v.number() }),
    images: v.number(),
    graphRootBytes: v.number(),
    graphRootFreeBytes: v.number(),
  }),
  registries: v.strictObject({ search: v.array(v.string()), files: v.array(v.string()) }),
});
export type SystemInfo = v.InferOutput<typeof systemInfo>;

export const diskUsage = v.strictObject({
  images: v.array(
    v.strictObject({
      id: imageId,
      names: v.array(v.string()),
      createdAt: v.number(),
      sizeBytes: v.number(),
      sharedBytes: v.number(),
      uniqueBytes: v.number(),
      containers: v.number(),
    }),
  ),
  /** Bytes of all layers that images or containers need, each counted once. */
  imageBytes: v.number(),
  containers: v.array(
    v.strictObject({
      id: v.string(),
      name: v.string(),
      image: v.string(),
      command: v.string(),
      state: v.string(),
      createdAt: v.number(),
      sizeBytes: v.number(),
      /** Volumes that it mounts. */
      volumes: v.number(),
    }),
  ),
  volumes: v.array(v.strictObject({ name: v.string(), links: v.number(), sizeBytes: v.number() })),
  /** What pruning each kind alone would free: unused images with all their layers, containers that do not run, unused volumes. */
  reclaimable: v.strictObject({ imageBytes: v.number(), containerBytes: v.number(), volumeBytes: v.number() }),
  /** What is kept for a while, and what emptying it would free. */
  trash: v.strictObject({ entries: v.number(), bytes: v.number() }),
});
export type DiskUsage = v.InferOutput<typeof diskUsage>;

export const systemRoutes = {
  info: call({ input: v.strictObject({}), output: systemInfo }),
  version: call({
    input: v.strictObject({}),
    output: v.strictObject({
      version: v.string(),
      contract: v.string(),
      runtime: v.string(),
      builtAt: v.string(),
      gitCommit: v.string(),
      osArch: v.string(),
    }),
  }),
  /** The host in words, and the store's health. Changes nothing. With `contents` every layer is read, which takes as long as the disk needs for it. */
  check: call({
    input: v.strictObject({ contents: v.optional(v.boolean(), false) }),
    output: v.strictObject({ host: v.array(checkLine), store: v.array(storeProblem) }),
  }),
  diskUsage: call({ input: v.strictObject({}), output: diskUsage }),
  /** What a repair would do. Changes nothing. */
  planRepair: call({ input: v.strictObject({ contents: v.optional(v.boolean(), false) }), output: repairPlan }),
  /** Does what a plan has named, each only if it is still so. */
  repair: call({
    input: v.strictObject({ actions: v.array(v.strictObject({ kind: v.string(), object: v.string() })) }),
    output: repairDone,
  }),
  /** Removes everything of ours, in the store and beside it; the engine is of no use afterwards. Answers what is left, because it is not ours. */
  reset: call({ input: v.strictObject({}), output: v.strictObject({ left: v.array(v.string()) }) }),
  /** What a prune would take. Changes nothing. */
  planPrune: call({ input: pruneRequest, output: prunePlan }),
  /** Takes exactly what a plan has named, each only if nothing refers to it by then. */
  prune: call({ input: pruneOrder, output: pruneDone }),
  /** What another engine's store on this machine has that could come here. Changes nothing, there or here. */
  planImport: call({ input: importRequest, output: importPlan }),
  /** Copies what a plan has named, reading only. Progress, and each object when it is done or has failed. */
  import: stream({ input: importOrder, item: importItem }),
};
