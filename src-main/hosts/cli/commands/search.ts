import { EngineError } from '../../../base/errors.ts';
import type { SearchResult } from '../../../contract/registry.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { credentialFlags, registryAccess, tlsFlags } from '../options/registry-access.ts';
import { print, warn } from '../output/print.ts';
import { headingsOf, isJsonFormat, renderReport } from '../output/report.ts';
import { struct, toJson, type GoStruct } from '../output/template/template.ts';

/** So much of a description is shown. */
const descriptionLength = 44;

export function searchRow(result: SearchResult, noTruncate: boolean): GoStruct {
  const text = result.description.replaceAll('\n', ' ');
  const long = !noTruncate && text.length > descriptionLength;
  return struct('entities.ImageSearchReport', {
    Index: result.index,
    Name: result.name,
    Description: long ? `${text.slice(0, descriptionLength)}...` : text,
    Stars: result.stars,
    Official: result.official ? '[OK]' : '',
    Automated: result.automated ? '[OK]' : '',
    Tag: result.tag,
  });
}

function tagsJson(results: readonly SearchResult[]): string {
  const names = [...new Set(results.map(({ name }) => name))];
  return toJson(
    names.map((name) =>
      struct('images.listEntryTag', { Name: name, Tags: results.filter((result) => result.name === name).map(({ tag }) => tag) }),
    ),
    4,
  );
}

export const search = command({
  name: 'search',
  usage: '[options] TERM',
  description: 'Search registries for images. REGISTRY/TERM searches one, TERM alone all of unqualified-search-registries.',
  examples: ['search registry.example.com/web', 'search --list-tags docker.io/library/alpine', 'search --filter stars=10 --limit 5 httpd'],
  flags: flagTable({
    ...credentialFlags,
    ...tlsFlags,
    compatible: { kind: 'bool', help: 'Show stars, official and automated (Docker compatibility)' },
    filter: { kind: 'strings', short: 'f', word: 'key=value', help: 'Show only those that fit: stars, is-official, is-automated' },
    format: { kind: 'string', help: 'json, a Go template, or a table of fields' },
    limit: { kind: 'int', help: 'So many results of each registry (25 when it is not given)' },
    'list-tags': { kind: 'bool', help: 'List the tags of the repository TERM' },
    'no-trunc': { kind: 'bool', help: 'Show descriptions in full length' },
  }),
  arguments: [1, 1],
  async run({ flags, positionals: [term = ''] }, context) {
    if (term === '') throw new EngineError('invalid-argument', 'search requires a term');
    if (flags.limit !== undefined && flags.limit < 0) throw new EngineError('invalid-argument', `--limit ${flags.limit} is negative`);
    const listTags = flags['list-tags'] === true;
    const filters = flags.filter.map((text) => {
      const [key = '', ...value] = text.split('=');
      return { key, value: value.join('=') };
    });
    const api = await context.engine();
    const { results, warnings } = await api.registry.search(
      { ...registryAccess(flags, context), term, limit: flags.limit ?? 0, listTags, filters },
      { signal: context.signal },
    );
    for (const warning of warnings) await warn(`Warning: ${warning}`);
    const json = isJsonFormat(flags.format);
    if (json && listTags) await print(`${tagsJson(results)}\n`);
    const rows = results.map((result) => searchRow(result, flags['no-trunc'] === true));
    if (json) return listTags ? 0 : (await print(`${toJson(rows, 4)}\n`), 0);
    if (rows.length === 0) return 0;
    const docker = flags.compatible === true ? ' {{.Stars}} {{.Official}} {{.Automated}}' : '';
    const format = flags.format ?? (listTags ? 'table {{.Name}} {{.Tag}}' : `table {{.Name}} {{.Description}}${docker}`);
    await print(
      renderReport({
        name: 'search',
        rows,
        format,
        headings: headingsOf(['Index', 'Name', 'Description', 'Stars', 'Official', 'Automated', 'Tag']),
      }),
    );
    return 0;
  },
});
