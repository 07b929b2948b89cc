/** What commands there are. Each is loaded when it is called for: `selkie ps` does not pay for `selkie run`. */
import type { Command } from './command.ts';

export interface Entry {
  readonly summary: string;
  readonly load: () => Promise<Command>;
  /** Another name of an entry that is listed already. */
  readonly alias?: boolean;
}

export interface Group {
  readonly summary: string;
  readonly commands: Readonly<Record<string, Entry>>;
  /** Groups within it: `image trust`. */
  readonly groups?: Readonly<Record<string, Group>>;
}

const attach: Entry = { summary: 'Join a running container', load: async () => (await import('./commands/attach.ts')).attach };
const commit: Entry = { summary: 'Make an image of a container', load: async () => (await import('./commands/commit.ts')).commit };
const create: Entry = { summary: 'Make a container without starting it', load: async () => (await import('./commands/create.ts')).create };
const events: Entry = { summary: 'Show what happens', load: async () => (await import('./commands/events.ts')).events };
const exportEntry: Entry = {
  summary: "Write a container's file system as an archive",
  load: async () => (await import('./commands/export.ts')).exportCommand,
};
const exec: Entry = { summary: 'Run a process in a running container', load: async () => (await import('./commands/exec.ts')).exec };
const history: Entry = { summary: 'Show how an image was made', load: async () => (await import('./commands/history.ts')).history };
const importEntry: Entry = {
  summary: 'Make an image from an archive of files',
  load: async () => (await import('./commands/import.ts')).importCommand,
};
const images: Entry = { summary: 'List images', load: async () => (await import('./commands/images.ts')).images };
const info: Entry = { summary: 'Show the host, the store and the engine', load: async () => (await import('./commands/info.ts')).info };
const inspect: Entry = {
  summary: 'Show all that is known about objects',
  load: async () => (await import('./commands/inspect.ts')).inspect,
};
const kill: Entry = { summary: 'Send a signal to containers', load: async () => (await import('./commands/kill.ts')).kill };
const load: Entry = { summary: 'Load images from an archive', load: async () => (await import('./commands/load.ts')).load };
const login: Entry = { summary: 'Log in to a registry', load: async () => (await import('./commands/login.ts')).login };
const logout: Entry = { summary: 'Log out of a registry', load: async () => (await import('./commands/login.ts')).logout };
const logs: Entry = { summary: "Show containers' logs", load: async () => (await import('./commands/logs.ts')).logs };
const mount: Entry = { summary: 'Mount file systems of containers', load: async () => (await import('./commands/mount.ts')).mount };
const port: Entry = { summary: 'Show published ports', load: async () => (await import('./commands/port.ts')).port };
const ps: Entry = { summary: 'List containers', load: async () => (await import('./commands/ps.ts')).ps };
const pull: Entry = { summary: 'Pull images from a registry', load: async () => (await import('./commands/pull.ts')).pull };
const push: Entry = { summary: 'Push an image to a registry', load: async () => (await import('./commands/push.ts')).push };
const rename: Entry = { summary: 'Rename a container', load: async () => (await import('./commands/rename.ts')).rename };
const restart: Entry = { summary: 'Restart containers', load: async () => (await import('./commands/restart.ts')).restart };
const rm: Entry = { summary: 'Remove containers', load: async () => (await import('./commands/rm.ts')).rm };
const rmi: Entry = { summary: 'Remove images', load: async () => (await import('./commands/rmi.ts')).rmi };
const run: Entry = { summary: 'Run a command in a new container', load: async () => (await import('./commands/run.ts')).run };
const search: Entry = { summary: 'Search registries for images', load: async () => (await import('./commands/search.ts')).search };
const save: Entry = { summary: 'Save images to an archive', load: async () => (await import('./commands/save.ts')).save };
const start: Entry = { summary: 'Start containers', load: async () => (await import('./commands/start.ts')).start };
const stats: Entry = { summary: 'Show what containers use', load: async () => (await import('./commands/stats.ts')).stats };
const stop: Entry = { summary: 'Stop containers', load: async () => (await import('./commands/stop.ts')).stop };
const tag: Entry = { summary: 'Give an image more names', load: async () => (await import('./commands/tag.ts')).tag };
const top: Entry = { summary: "Show a container's processes", load: async () => (await import('./commands/top.ts')).top };
const untag: Entry = { summary: 'Take names from an image', load: async () => (await import('./commands/tag.ts')).untag };
const unmount: Entry = { summary: 'Unmount file systems of containers', load: async () => (await import('./commands/mount.ts')).unmount };
const version: Entry = { summary: 'Show versions', load: async () => (await import('./commands/version.ts')).version };
const wait: Entry = { summary: 'Wait until containers end', load: async () => (await import('./commands/wait.ts')).wait };

export const commands: Readonly<Record<string, Entry>> = {
  attach,
  commit,
  create,
  diff: { summary: 'Show what has changed in a file system', load: async () => (await import('./commands/diff.ts')).diff },
  events,
  exec,
  export: exportEntry,
  history,
  images,
  import: importEntry,
  info,
  inspect,
  kill,
  load,
  login,
  logout,
  logs,
  mount,
  port,
  ps,
  pull,
  push,
  rename,
  restart,
  rm,
  rmi,
  run,
  save,
  search,
  start,
  stats,
  stop,
  tag,
  top,
  umount: { ...unmount, alias: true },
  unmount,
  unshare: { summary: "Run a command in the engine's namespaces", load: async () => (await import('./commands/unshare.ts')).unshare },
  untag,
  version,
  wait,
};

const volumeList: Entry = { summary: 'List volumes', load: async () => (await import('./commands/volume.ts')).volumeList };
const volumeRemove: Entry = { summary: 'Remove volumes', load: async () => (await import('./commands/volume.ts')).volumeRemove };

const imageUnmount: Entry = {
  summary: 'Unmount file systems of images',
  load: async () => (await import('./commands/mount.ts')).imageUnmount,
};

export const groups: Readonly<Record<string, Group>> = {
  container: {
    summary: 'Manage containers',
    commands: {
      attach,
      commit,
      create,
      diff: { summary: 'Show what has changed in a container', load: async () => (await import('./commands/diff.ts')).containerDiff },
      exec,
      exists: {
        summary: 'Tell whether there is such a container',
        load: async () => (await import('./commands/exists.ts')).containerExists,
      },
      export: exportEntry,
      inspect: {
        summary: 'Show all that is known about containers',
        load: async () => (await import('./commands/inspect.ts')).containerInspectCommand,
      },
      kill,
      list: ps,
      logs,
      ls: { ...ps, alias: true },
      mount,
      port,
      prune: { summary: 'Remove containers that do not run', load: async () => (await import('./commands/prune.ts')).containerPrune },
      ps: { ...ps, alias: true },
      rename,
      restart,
      rm,
      run,
      start,
      stats,
      stop,
      top,
      umount: { ...unmount, alias: true },
      unmount,
      wait,
    },
  },
  image: {
    summary: 'Manage images',
    commands: {
      diff: { summary: "Show what has changed in an image's last layer", load: async () => (await import('./commands/diff.ts')).imageDiff },
      exists: { summary: 'Tell whether there is such an image', load: async () => (await import('./commands/exists.ts')).imageExists },
      history,
      import: importEntry,
      inspect: {
        summary: 'Show all that is known about images',
        load: async () => (await import('./commands/inspect.ts')).imageInspectCommand,
      },
      list: images,
      load,
      ls: { ...images, alias: true },
      mount: { summary: 'Mount file systems of images', load: async () => (await import('./commands/mount.ts')).imageMount },
      prune: { summary: 'Remove unused images', load: async () => (await import('./commands/prune.ts')).imagePrune },
      pull,
      push,
      rm: rmi,
      save,
      scp: { summary: 'Copy an image to or from another user or host', load: async () => (await import('./commands/scp.ts')).scp },
      search,
      sign: { summary: 'Sign images in a registry', load: async () => (await import('./commands/sign.ts')).sign },
      tag,
      umount: { ...imageUnmount, alias: true },
      unmount: imageUnmount,
      tree: { summary: "Show an image's layers", load: async () => (await import('./commands/image-tree.ts')).imageTreeCommand },
      untag,
    },
    groups: {
      trust: {
        summary: 'Manage which images may come in',
        commands: {
          set: { summary: "Set what a registry's images need", load: async () => (await import('./commands/trust.ts')).trustSet },
          show: { summary: 'Show which images may come in', load: async () => (await import('./commands/trust.ts')).trustShow },
        },
      },
    },
  },
  manifest: {
    summary: 'Manage lists of images for several platforms',
    commands: {
      add: { summary: 'Add images to a list', load: async () => (await import('./commands/manifest.ts')).manifestAdd },
      annotate: {
        summary: 'Change what a list says of an image',
        load: async () => (await import('./commands/manifest.ts')).manifestAnnotate,
      },
      create: { summary: 'Make a list', load: async () => (await import('./commands/manifest.ts')).manifestCreate },
      exists: { summary: 'Tell whether there is such a list', load: async () => (await import('./commands/manifest.ts')).manifestExists },
      inspect: { summary: 'Show a list', load: async () => (await import('./commands/manifest.ts')).manifestInspect },
      push: { summary: 'Push a list to a registry', load: async () => (await import('./commands/manifest-push.ts')).manifestPush },
      remove: { summary: 'Take an image out of a list', load: async () => (await import('./commands/manifest.ts')).manifestRemove },
      rm: { summary: 'Remove lists', load: async () => (await import('./commands/manifest.ts')).manifestDelete },
    },
  },
  system: {
    summary: 'Look at the host and the store',
    commands: {
      check: { summary: 'Check the host and the store', load: async () => (await import('./commands/check.ts')).check },
      df: { summary: 'Show what uses the disk', load: async () => (await import('./commands/df.ts')).df },
      events,
      import: {
        summary: "Copy images and volumes from Podman's or Docker's store on this machine",
        load: async () => (await import('./commands/system-import.ts')).systemImport,
      },
      info,
      migrate: { summary: 'Begin anew with the ids of this user', load: async () => (await import('./commands/reset.ts')).migrate },
      prune: { summary: 'Remove what is not used', load: async () => (await import('./commands/prune.ts')).systemPrune },
      reset: { summary: 'Remove everything', load: async () => (await import('./commands/reset.ts')).reset },
    },
  },
  trash: {
    summary: 'Bring back what was removed',
    commands: {
      empty: { summary: 'Delete it for good', load: async () => (await import('./commands/trash.ts')).trashEmpty },
      list: { summary: 'List what was removed', load: async () => (await import('./commands/trash.ts')).trashList, alias: true },
      ls: { summary: 'List what was removed', load: async () => (await import('./commands/trash.ts')).trashList },
      restore: { summary: 'Bring something back', load: async () => (await import('./commands/trash.ts')).trashRestore },
    },
  },
  volume: {
    summary: 'Manage volumes',
    commands: {
      create: { summary: 'Make a volume', load: async () => (await import('./commands/volume.ts')).volumeCreate },
      exists: { summary: 'Tell whether there is such a volume', load: async () => (await import('./commands/volume.ts')).volumeExists },
      inspect: { summary: 'Show all that is known about volumes', load: async () => (await import('./commands/volume.ts')).volumeInspect },
      list: { ...volumeList, alias: true },
      ls: volumeList,
      prune: { summary: 'Remove volumes that nobody uses', load: async () => (await import('./commands/prune.ts')).volumePrune },
      remove: { ...volumeRemove, alias: true },
      rm: volumeRemove,
    },
  },
};

/** Podman's commands that Selkie has not yet: refused by name instead of "did you mean". */
export const notYet: ReadonlySet<string> = new Set([
  ...[
    'artifact',
    'auto-update',
    'build',
    'compose',
    'cp',
    'farm',
    'generate',
    'healthcheck',

    'init',
  ],
  ...['kube', 'machine', 'network', 'pause', 'play', 'pod', 'quadlet', 'secret'],
  ...['unpause', 'update'],
  ...['container checkpoint', 'container cleanup', 'container clone', 'container cp'],
  ...['container init', 'container pause', 'container restore', 'container runlabel'],
  ...['container unpause', 'container update', 'image build'],
  ...['system connection'],
  ...[
    'system renumber',

    'system service',
    'volume export',
    'volume import',
    'volume mount',
  ],
  ...['volume reload', 'volume unmount'],
]);
