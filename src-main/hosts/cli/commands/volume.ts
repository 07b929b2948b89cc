import { EngineError, isEngineError } from '../../../base/errors.ts';
import type { VolumeSummary } from '../../../contract/volume.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { trashFlags } from '../options/trash.ts';
import { parseFilters, parseKeyValues } from '../options/values.ts';
import { print, printLines } from '../output/print.ts';
import { compileRows, isJsonFormat, renderReport } from '../output/report.ts';
import { toJson } from '../output/template/template.ts';
import { volumeHeadings, volumeJson } from '../output/volume-row.ts';
import { removalExitCode, reportFailures } from '../targets.ts';

export const volumeCreate = command({
  name: 'volume create',
  usage: '[options] [NAME]',
  description: 'Make a volume; without a name it gets a random one.',
  examples: ['volume create data', 'volume create --label app=shop data'],
  flags: flagTable({
    driver: { kind: 'string', short: 'd', help: 'local', default: 'local' },
    ignore: { kind: 'bool', help: 'No error when there is such a volume already' },
    label: { kind: 'strings', short: 'l', word: 'key=value', help: 'Set a label' },
  }),
  unsupported: { opt: 'there are plain local volumes only', o: 'there are plain local volumes only', uid: '', gid: '' },
  arguments: [0, 1],
  async run({ flags, positionals: [name] }, context) {
    if (flags.driver !== undefined && flags.driver !== 'local')
      throw new EngineError('unsupported', `volume driver ${flags.driver} is not supported yet`, { fix: 'there is local' });
    const api = await context.engine();
    try {
      const volume = await api.volume.create({ ...(name === undefined ? {} : { name }), labels: parseKeyValues(flags.label, 'label') });
      await print(`${volume.name}\n`);
    } catch (error) {
      if (flags.ignore !== true || !isEngineError(error, 'already-exists') || name === undefined) throw error;
      await print(`${name}\n`);
    }
    return 0;
  },
});

/** Podman's keys: name (contains), label, driver, dangling, scope. Several of one key: any; of different keys: all. */
export function filterVolumes(volumes: readonly VolumeSummary[], filters: readonly { key: string; value: string }[]): VolumeSummary[] {
  const keys = [...new Set(filters.map((filter) => filter.key))];
  return volumes.filter((volume) =>
    keys.every((key) => filters.filter((filter) => filter.key === key).some((filter) => volumeFits(volume, key, filter.value))),
  );
}

function volumeFits(volume: VolumeSummary, key: string, value: string): boolean {
  switch (key) {
    case 'name':
      return volume.name.includes(value);
    case 'driver':
      return volume.driver === value;
    case 'scope':
      return value === 'local';
    case 'dangling':
      if (value !== 'true' && value !== 'false')
        throw new EngineError('invalid-argument', `"${value}" is not a valid value for the "dangling" filter`);
      return (volume.usedBy.length === 0) === (value === 'true');
    case 'label': {
      const [name = '', ...rest] = value.split('=');
      return Object.hasOwn(volume.labels, name) && (rest.length === 0 || volume.labels[name] === rest.join('='));
    }
    default:
      throw new EngineError('invalid-argument', `"${key}" is an invalid volume filter`, {
        fix: 'there are name, label, driver, dangling and scope',
      });
  }
}

export const volumeList = command({
  name: 'volume ls',
  usage: '[options]',
  description: 'List volumes.',
  examples: ['volume ls', 'volume ls --filter dangling=true'],
  flags: flagTable({
    filter: { kind: 'array', short: 'f', word: 'key=value', help: 'Show only those that fit' },
    format: { kind: 'string', help: 'json, a Go template, or a table of fields' },
    noheading: { kind: 'bool', help: 'Print no headings' },
    quiet: { kind: 'bool', short: 'q', help: 'Print names only' },
  }),
  arguments: [0, 0],
  async run({ flags }, context) {
    const api = await context.engine();
    const volumes = filterVolumes(await api.volume.list({}), parseFilters(flags.filter)).sort((a, b) => (a.name < b.name ? -1 : 1));
    if (flags.quiet === true && flags.format === undefined) await printLines(volumes.map((volume) => volume.name));
    else if (isJsonFormat(flags.format)) await print(`${toJson(volumes.map(volumeJson), 2)}\n`);
    else {
      const format = flags.format ?? 'table {{.Driver}} {{.Name}}';
      const rows = volumes.map(volumeJson);
      // Without any there is not even a heading, as in Podman.
      if (rows.length > 0)
        await print(renderReport({ name: 'ls', rows, format, headings: volumeHeadings, noHeading: flags.noheading === true }));
    }
    return 0;
  },
});

export const volumeInspect = command({
  name: 'volume inspect',
  usage: '[options] VOLUME [VOLUME...]',
  description: 'Show all that is known about volumes.',
  examples: ['volume inspect data'],
  flags: flagTable({
    all: { kind: 'bool', short: 'a', help: 'All volumes' },
    format: { kind: 'string', short: 'f', help: 'json, or a Go template', default: 'json' },
  }),
  arguments: [0, Infinity],
  async run({ flags, positionals }, context) {
    if (flags.all !== true && positionals.length === 0) throw new EngineError('invalid-argument', 'no names or ids specified');
    const api = await context.engine();
    const found: VolumeSummary[] = flags.all === true ? await api.volume.list({}) : [];
    const failures: unknown[] = [];
    for (const volume of positionals) {
      await api.volume.inspect({ volume }).then(
        (summary) => found.push(summary),
        (error: unknown) => failures.push(error),
      );
    }
    const rows = found.map(volumeJson);
    if (flags.format === undefined || isJsonFormat(flags.format)) await print(`${toJson(rows, 5)}\n`);
    else await print(compileRows('inspect', flags.format).execute(rows));
    return reportFailures(failures, context);
  },
});

export const volumeRemove = command({
  name: 'volume rm',
  usage: '[options] VOLUME [VOLUME...]',
  description: 'Remove volumes that no container uses.',
  examples: ['volume rm data', 'volume rm --all'],
  flags: flagTable({
    all: { kind: 'bool', short: 'a', help: 'All volumes that no container uses' },
    force: { kind: 'bool', short: 'f', help: 'With the containers that use it; no error when there is none' },
    time: { kind: 'uint', short: 't', word: 'seconds', help: 'Seconds from the stop signal to SIGKILL', default: '10' },
    ...trashFlags,
  }),
  arguments: [0, Infinity],
  async run({ flags, positionals }, context) {
    if (flags.all !== true && positionals.length === 0)
      throw new EngineError('invalid-argument', 'choose at least one volume or use --all');
    const api = await context.engine();
    const force = flags.force === true;
    const names = flags.all === true ? (await api.volume.list({})).map((volume) => volume.name) : positionals;
    const failures: unknown[] = [];
    for (const volume of names) {
      const options = { force, trash: flags['no-trash'] !== true, ...(flags.time === undefined ? {} : { timeoutSeconds: flags.time }) };
      await api.volume.remove({ volume, ...options }).then(
        (removed) => print(`${removed.name}\n`),
        (error: unknown) => {
          if (!(force && isEngineError(error, 'not-found'))) failures.push(error);
        },
      );
    }
    return reportFailures(failures, context, removalExitCode);
  },
});

export const volumeExists = command({
  name: 'volume exists',
  usage: 'VOLUME',
  description: 'Exit with 0 when there is such a volume, with 1 when there is none.',
  examples: ['volume exists data'],
  flags: {},
  arguments: [1, 1],
  async run({ positionals: [volume = ''] }, context) {
    const api = await context.engine();
    return (await api.volume.list({})).some((candidate) => candidate.name === volume) ? 0 : 1;
  },
});
