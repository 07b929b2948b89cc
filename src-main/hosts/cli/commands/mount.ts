import { EngineError, isEngineError } from '../../../base/errors.ts';
import type { EngineClient } from '../../../contract/engine.ts';
import type { MountedObject } from '../../../contract/image.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { flagTable } from '../options/flags.ts';
import { shortId } from '../output/human.ts';
import { print, printLines } from '../output/print.ts';
import { alignColumns } from '../output/table.ts';
import { toJson } from '../output/template/template.ts';
import { latest, reportFailures } from '../targets.ts';

/** What is mounted is seen in the namespaces of the engine alone: who is not there would get a path to an empty folder. */
async function requireNamespaces(name: string, context: Context): Promise<void> {
  const { isOutsideOfSandbox } = await import('../../../launch/launch.ts');
  if (!isOutsideOfSandbox()) return;
  const where = process.getuid?.() === 0 ? 'outside of its mount namespace' : 'in rootless mode';
  throw new EngineError('unsupported', `cannot run command "selkie ${name}" ${where}, must execute \`selkie unshare\` first`, {
    fix: `run: selkie unshare selkie ${context.commandLine.slice(1).join(' ')}`,
  });
}

interface Kind {
  readonly noun: 'container' | 'image';
  readonly all: (api: EngineClient) => Promise<readonly string[]>;
  readonly mount: (api: EngineClient, name: string) => Promise<MountedObject>;
  readonly unmount: (api: EngineClient, name: string, force: boolean) => Promise<{ readonly id: string; readonly wasMounted: boolean }>;
  readonly mounted: (api: EngineClient) => Promise<readonly MountedObject[]>;
}

const containers: Kind = {
  noun: 'container',
  all: async (api) => (await api.container.list({ all: true })).map(({ id }) => id),
  mount: (api, container) => api.container.mount({ container }),
  unmount: (api, container, force) => api.container.unmount({ container, force }),
  mounted: (api) => api.container.mounted({}),
};

const images: Kind = {
  noun: 'image',
  all: async (api) => (await api.image.list({})).map(({ id }) => id),
  mount: (api, image) => api.image.mount({ image }),
  unmount: (api, image, force) => api.image.unmount({ image, force }),
  mounted: (api) => api.image.mounted({}),
};

interface MountFlags {
  readonly all?: boolean | undefined;
  readonly format?: string | undefined;
  readonly latest?: boolean | undefined;
  readonly 'no-trunc'?: boolean | undefined;
}

function mountPage(name: string, { noun }: Kind) {
  return {
    name,
    usage: `[options] [${noun.toUpperCase()}...]`,
    description: `Mount the file systems of ${noun}s and show where; without a name list what is mounted.`,
    examples: [`${name} ${noun === 'image' ? 'alpine' : 'web'}`, `${name} --all`, name],
    arguments: [0, Infinity] as const,
  };
}

const mountFlags = flagTable({
  all: { kind: 'bool', short: 'a', help: 'All of them' },
  format: { kind: 'string', help: 'json' },
});

const latestFlag = flagTable({ latest: { kind: 'bool', short: 'l', help: 'The newest container' } });

async function runMount(name: string, kind: Kind, flags: MountFlags, positionals: readonly string[], context: Context): Promise<number> {
  await requireNamespaces(name, context);
  if (flags.format !== undefined && flags.format !== 'json')
    throw new EngineError('invalid-argument', `unknown --format argument: ${JSON.stringify(flags.format)}`);
  checkTargets(flags, positionals);
  const api = await context.engine();
  const names = flags.all === true ? await kind.all(api) : flags.latest === true ? [(await latest(api)).id] : positionals;
  if (names.length > 0 || flags.all === true) return mountEach(names, (each) => kind.mount(api, each), context);
  const mounted = await kind.mounted(api);
  const reports = mounted.map((each) => toReport(kind, each));
  await print(flags.format === 'json' ? `${toJson(reports, 1)}\n` : toTable(kind, mounted, flags['no-trunc'] === true));
  return 0;
}

function checkTargets(flags: Pick<MountFlags, 'all' | 'latest'>, positionals: readonly string[]): void {
  if (flags.all === true && (positionals.length > 0 || flags.latest === true))
    throw new EngineError('invalid-argument', 'when using the --all switch, you may not pass any container names or IDs');
  if (flags.latest === true && positionals.length > 0)
    throw new EngineError('invalid-argument', '--latest and containers cannot be used together');
}

async function mountEach(names: readonly string[], mount: (name: string) => Promise<MountedObject>, context: Context): Promise<number> {
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      await print(`${(await mount(name)).path}\n`);
    } catch (error) {
      failures.push(error);
    }
  }
  return reportFailures(failures, context);
}

function toTable({ noun }: Kind, mounted: readonly MountedObject[], whole: boolean): string {
  const title = ({ id, names }: MountedObject): string => (noun === 'container' ? (whole ? id : shortId(id)) : (names[0] ?? id));
  return alignColumns(mounted.map((each) => `${title(each)}\t${each.path}\n`).join(''));
}

/** As Podman's, whose keys are not all of one case. */
function toReport({ noun }: Kind, { id, names, digest, path }: MountedObject): object {
  const named = noun === 'container' ? { Names: names } : { Names: digest === undefined ? [] : [digest], Repositories: names };
  return { id, ...named, mountpoint: path };
}

interface UnmountFlags {
  readonly all?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly latest?: boolean | undefined;
}

function unmountPage(name: string, { noun }: Kind) {
  return {
    name,
    usage: `[options] ${noun.toUpperCase()} [${noun.toUpperCase()}...]`,
    description: `Take back a mount of ${noun}s' file systems; the last one who asked for it takes it away. A container that runs keeps its own.`,
    examples: [`${name} ${noun === 'image' ? 'alpine' : 'web'}`, `${name} --all`],
    arguments: [0, Infinity] as const,
  };
}

const unmountFlags = flagTable({
  all: { kind: 'bool', short: 'a', help: 'All that are mounted' },
  force: { kind: 'bool', short: 'f', help: 'However many have asked for the mount' },
});

async function runUnmount(
  name: string,
  kind: Kind,
  flags: UnmountFlags,
  positionals: readonly string[],
  context: Context,
): Promise<number> {
  await requireNamespaces(name, context);
  checkTargets(flags, positionals);
  const all = flags.all === true;
  const api = await context.engine();
  const names = all ? (await kind.mounted(api)).map(({ id }) => id) : flags.latest === true ? [(await latest(api)).id] : positionals;
  if (names.length === 0 && !all) throw new EngineError('invalid-argument', 'you must provide at least one name or id');
  const failures: unknown[] = [];
  const done: string[] = [];
  for (const each of names) {
    try {
      const { id, wasMounted } = await kind.unmount(api, each, flags.force === true);
      // Podman shows what it was given; of images the id, and of those only what was mounted.
      if (wasMounted || (kind.noun === 'container' && !all)) done.push(kind.noun === 'container' ? each : id);
    } catch (error) {
      if (!all || !isEngineError(error, 'not-found')) failures.push(error);
    }
  }
  await printLines(done);
  return reportFailures(failures, context);
}

export const mount = command({
  ...mountPage('mount', containers),
  flags: { ...mountFlags, ...latestFlag, ...flagTable({ 'no-trunc': { kind: 'bool', help: 'Show whole ids' } }) },
  run: ({ flags, positionals }, context) => runMount('mount', containers, flags, positionals, context),
});

export const imageMount = command({
  ...mountPage('image mount', images),
  flags: mountFlags,
  run: ({ flags, positionals }, context) => runMount('image mount', images, flags, positionals, context),
});

export const unmount = command({
  ...unmountPage('unmount', containers),
  flags: { ...unmountFlags, ...latestFlag },
  run: ({ flags, positionals }, context) => runUnmount('unmount', containers, flags, positionals, context),
});

export const imageUnmount = command({
  ...unmountPage('image unmount', images),
  flags: unmountFlags,
  run: ({ flags, positionals }, context) => runUnmount('image unmount', images, flags, positionals, context),
});
