import { EngineError } from '../../../base/errors.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { parseFilters } from '../options/values.ts';
import { shortId } from '../output/human.ts';
import { imageHeadings, imageJson, imageNames, imageRow, type ImageName } from '../output/image-row.ts';
import { print, printLines } from '../output/print.ts';
import { isJsonFormat, renderReport } from '../output/report.ts';
import { toJson } from '../output/template/template.ts';

type Compare = (a: ImageName, b: ImageName) => number;

function by(key: (name: ImageName) => string | number): Compare {
  return (a, b) => {
    const [left, right] = [key(a), key(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  };
}

const orders: Readonly<Record<string, Compare>> = {
  repository: by((name) => `${name.repository}:${name.tag}`),
  size: by((name) => name.image.sizeBytes),
  tag: by((name) => name.tag),
  // The newest first.
  created: by((name) => -name.image.createdAt),
  id: by((name) => name.image.id),
};

export function sortImages(names: readonly ImageName[], key: string): ImageName[] {
  const order = Object.hasOwn(orders, key) ? orders[key] : undefined;
  if (!order)
    throw new EngineError('invalid-argument', `"${key}" is not a valid field for sorting. Choose from: ${Object.keys(orders).join(', ')}`);
  return [...names].sort(order);
}

export const images = command({
  name: 'images',
  usage: '[options] [IMAGE]',
  description: 'List the images in the local store.',
  examples: ['images', 'images --filter dangling=true', "images --format 'table {{.ID}} {{.Repository}} {{.Tag}}'"],
  flags: flagTable({
    all: { kind: 'bool', short: 'a', help: 'With intermediate images' },
    digests: { kind: 'bool', help: 'Show digests' },
    filter: { kind: 'array', short: 'f', word: 'key=value', help: 'Show only those that fit' },
    format: { kind: 'string', help: 'json, a Go template, or a table of fields' },
    'no-trunc': { kind: 'bool', help: 'Show everything in full length' },
    noheading: { kind: 'bool', short: 'n', help: 'Print no headings' },
    quiet: { kind: 'bool', short: 'q', help: 'Print ids only' },
    sort: { kind: 'string', help: 'Sort by created, id, repository, size or tag', default: 'created' },
  }),
  unsupported: { history: '' },
  arguments: [0, 1],
  async run({ flags, positionals: [reference] }, context) {
    const sort = flags.sort ?? 'created';
    sortImages([], sort);
    if (flags.quiet === true && flags.format !== undefined)
      throw new EngineError('invalid-argument', 'quiet and format are mutually exclusive');
    const filters = [...parseFilters(flags.filter), ...(reference === undefined ? [] : [{ key: 'reference', value: reference }])];
    const api = await context.engine();
    const found = await api.image.list({ all: flags.all === true, filters }, { signal: context.signal });
    const names = sortImages(found.flatMap(imageNames), sort);
    const noTruncate = flags['no-trunc'] === true;
    if (flags.quiet === true) {
      const ids = new Set(names.map(({ image }) => (noTruncate ? `sha256:${image.id}` : shortId(image.id))));
      await printLines([...ids]);
    } else if (isJsonFormat(flags.format)) {
      const distinct = [...new Set(names.map((name) => name.image))];
      await print(`${toJson(distinct.map(imageJson), 4)}\n`);
    } else {
      const nowMs = Date.now();
      const digest = flags.digests === true ? '{{.Digest}} ' : '';
      // A column that only they have a reason to see who have such images.
      const readOnly = found.some((image) => image.readOnly === true) ? ' {{.ReadOnly}}' : '';
      await print(
        renderReport({
          name: 'images',
          rows: names.map((name) => imageRow(name, { nowMs, noTruncate })),
          format: flags.format ?? `table {{.Repository}} {{.Tag}} ${digest}{{.ID}} {{.CreatedSince}} {{.Size}}${readOnly}`,
          headings: imageHeadings,
          noHeading: flags.noheading === true,
        }),
      );
    }
    return 0;
  },
});
