import { EngineError } from '../../../base/errors.ts';
import type { DiskUsage } from '../../../contract/system.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { humanDuration, humanSize, shortId } from '../output/human.ts';
import { splitName } from '../output/image-row.ts';
import { print } from '../output/print.ts';
import { headingsOf, isJsonFormat, renderReport } from '../output/report.ts';
import { struct, toJson, type GoStruct } from '../output/template/template.ts';

interface Total {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly size: number;
  readonly reclaimable: number;
}

function sum(items: readonly number[]): number {
  return items.reduce((total, item) => total + item, 0);
}

export function usageTotals(usage: DiskUsage): Total[] {
  const { images, containers, volumes, reclaimable, trash } = usage;
  const count = (total: number, active: number) => ({ total, active });
  const running = containers.filter(({ state }) => state === 'running' || state === 'paused' || state === 'stopping');
  return [
    {
      type: 'Images',
      ...count(images.length, images.filter((image) => image.containers > 0).length),
      size: usage.imageBytes,
      reclaimable: reclaimable.imageBytes,
    },
    {
      type: 'Containers',
      ...count(containers.length, running.length),
      size: sum(containers.map(({ sizeBytes }) => sizeBytes)),
      reclaimable: reclaimable.containerBytes,
    },
    {
      type: 'Local Volumes',
      ...count(volumes.length, volumes.filter(({ links }) => links > 0).length),
      size: sum(volumes.map(({ sizeBytes }) => sizeBytes)),
      reclaimable: reclaimable.volumeBytes,
    },
    // Podman has none: said only when there is something.
    ...(trash.entries > 0 ? [{ type: 'Trash', ...count(trash.entries, 0), size: trash.bytes, reclaimable: trash.bytes }] : []),
  ];
}

function totalRow(total: Total): GoStruct {
  const percent = total.size > 0 ? Math.round((total.reclaimable / total.size) * 100) : 0;
  return struct('*system.dfSummary', {
    Type: total.type,
    Total: total.total,
    Active: total.active,
    Size: humanSize(total.size),
    RawSize: total.size,
    Reclaimable: `${humanSize(total.reclaimable)} (${percent}%)`,
    RawReclaimable: total.reclaimable,
  });
}

const headings = headingsOf(['Type', 'Total', 'Active', 'Size', 'Reclaimable']);

function table(title: string, columns: readonly string[], rows: readonly GoStruct[]): string {
  const names = columns.map((column) => column.replace(/ /g, ''));
  return `${title} space usage:\n\n${renderReport({
    name: 'df',
    rows,
    format: `table ${names.map((name) => `{{.${name}}}`).join(' ')}`,
    headings: new Map(columns.map((column) => [column.replace(/ /g, ''), column])),
  })}`;
}

function verboseText(usage: DiskUsage, nowMs: number): string {
  const images = usage.images.flatMap((image) =>
    (image.names.length === 0 ? ['<none>:<none>'] : image.names).map((name) => {
      const { repository, tag } = splitName(name);
      return {
        REPOSITORY: repository,
        TAG: tag,
        IMAGEID: shortId(image.id),
        CREATED: humanDuration(nowMs - image.createdAt),
        SIZE: humanSize(image.sizeBytes),
        SHAREDSIZE: humanSize(image.sharedBytes),
        UNIQUESIZE: humanSize(image.uniqueBytes),
        CONTAINERS: image.containers,
      };
    }),
  );
  const containers = usage.containers.map((container) => ({
    CONTAINERID: shortId(container.id),
    IMAGE: container.image,
    COMMAND: container.command,
    LOCALVOLUMES: container.volumes,
    SIZE: humanSize(container.sizeBytes),
    CREATED: humanDuration(nowMs - container.createdAt),
    STATUS: container.state,
    NAMES: container.name,
  }));
  const volumes = usage.volumes.map((volume) => ({ VOLUMENAME: volume.name, LINKS: volume.links, SIZE: humanSize(volume.sizeBytes) }));
  return [
    table('Images', ['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE', 'SHARED SIZE', 'UNIQUE SIZE', 'CONTAINERS'], images),
    table('Containers', ['CONTAINER ID', 'IMAGE', 'COMMAND', 'LOCAL VOLUMES', 'SIZE', 'CREATED', 'STATUS', 'NAMES'], containers),
    table('Local Volumes', ['VOLUME NAME', 'LINKS', 'SIZE'], volumes),
    ...(usage.trash.entries > 0 ? [`Trash: ${usage.trash.entries} things, ${humanSize(usage.trash.bytes)} (selkie trash ls)\n`] : []),
  ].join('\n');
}

export const df = command({
  name: 'system df',
  usage: '[options]',
  description: 'Show what uses the disk, and what could be freed.',
  examples: ['system df', 'system df -v'],
  flags: flagTable({
    format: { kind: 'string', help: 'json, a Go template, or a table of fields' },
    verbose: { kind: 'bool', short: 'v', help: 'Show each object' },
  }),
  arguments: [0, 0],
  async run({ flags }, context) {
    if (flags.verbose === true && flags.format !== undefined)
      throw new EngineError('invalid-argument', 'cannot combine --format and --verbose flags');
    const api = await context.engine();
    const usage = await api.system.diskUsage({}, { signal: context.signal });
    if (flags.verbose === true) await print(verboseText(usage, Date.now()));
    else if (isJsonFormat(flags.format)) await print(`${toJson(usageTotals(usage).map(totalRow), 2)}\n`);
    else {
      const format = flags.format ?? 'table {{.Type}} {{.Total}} {{.Active}} {{.Size}} {{.Reclaimable}}';
      await print(renderReport({ name: 'df', rows: usageTotals(usage).map(totalRow), format, headings }));
    }
    return 0;
  },
});
