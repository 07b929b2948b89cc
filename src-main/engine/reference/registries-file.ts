/** registries.conf, version 2 (containers-registries.conf(5)): one file read and checked. */
import { readFileSync } from 'node:fs';
import { TomlError, parse } from 'smol-toml';
import * as v from 'valibot';
import { EngineError, messageOf } from '../../base/errors.ts';

const pullFromMirror = v.picklist(['all', 'digest-only', 'tag-only']);

const mirror = v.object({
  location: v.pipe(v.string(), v.nonEmpty()),
  insecure: v.optional(v.boolean(), false),
  'pull-from-mirror': v.optional(pullFromMirror, 'all'),
});

const registry = v.object({
  prefix: v.optional(v.string(), ''),
  location: v.optional(v.string(), ''),
  insecure: v.optional(v.boolean(), false),
  blocked: v.optional(v.boolean(), false),
  'mirror-by-digest-only': v.optional(v.boolean(), false),
  mirror: v.optional(v.array(mirror), []),
});

const registriesFile = v.object({
  'unqualified-search-registries': v.optional(v.array(v.string())),
  'short-name-mode': v.optional(v.picklist(['', 'disabled', 'permissive', 'enforcing'])),
  'credential-helpers': v.optional(v.array(v.string())),
  registry: v.optional(v.array(registry), []),
  aliases: v.optional(v.record(v.string(), v.string()), {}),
});

export type RegistriesFile = v.InferOutput<typeof registriesFile>;
export type RegistryTable = v.InferOutput<typeof registry>;

/** Neither scheme nor trailing slash: people write both, Podman refuses the first and forgives the second. */
function checkLocation(path: string, value: string): string {
  if (value.includes('://'))
    throw new EngineError('corrupt', `${path}: ${JSON.stringify(value)} is a URL`, { fix: 'Write host[:port][/path] without a scheme.' });
  return value.replace(/\/+$/, '');
}

function checkTable(path: string, table: RegistryTable): RegistryTable {
  const prefix = checkLocation(path, table.prefix === '' ? table.location : table.prefix);
  const location = checkLocation(path, table.location);
  if (prefix === '') throw new EngineError('corrupt', `${path}: a [[registry]] has neither prefix nor location`);
  if (prefix.startsWith('*') && !prefix.startsWith('*.'))
    throw new EngineError('corrupt', `${path}: prefix ${JSON.stringify(prefix)}: a wildcard is "*." and the rest of a host name`);
  return {
    ...table,
    prefix,
    location: location === '' && !prefix.startsWith('*.') ? prefix : location,
    mirror: table.mirror.map((one) => ({ ...one, location: checkLocation(path, one.location) })),
  };
}

/** Undefined when there is no such file. Errors: `corrupt` with file and line, `denied` when it cannot be read. */
export function readRegistriesFile(path: string): RegistriesFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw new EngineError('denied', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = messageOf(error.message.split('\n')[0]);
    throw new EngineError('corrupt', `${path}:${error.line}:${error.column}: ${reason}`, {
      fix: `Correct line ${error.line} of ${path}.`,
      cause: error,
    });
  }
  if (typeof document === 'object' && document !== null && 'registries' in document)
    throw new EngineError('unsupported', `${path}: [registries.*] tables are the old format of registries.conf`, {
      fix: 'Use unqualified-search-registries and [[registry]] (man containers-registries.conf).',
    });
  const parsed = v.safeParse(registriesFile, document);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw new EngineError('corrupt', `${path}: ${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`, { fix: `Correct ${path}.` });
  }
  return { ...parsed.output, registry: parsed.output.registry.map((table) => checkTable(path, table)) };
}
