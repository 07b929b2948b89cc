/** Where signatures of a repository lie: containers-registries.d(5). Read at the moment of use. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { EngineError, messageOf } from '../../base/errors.ts';
import { errnoOf } from '../../system/system.ts';
import type { Digest } from '../../contract/ids.ts';
import { type Reference, formatReference, repositoryName } from '../reference/reference.ts';

export interface TrustFolders {
  readonly homeDirectory: string;
  /** Without root the usual place is in the home. */
  readonly rootless: boolean;
  /** Default /etc. */
  readonly systemDirectory?: string;
  /** Instead of the usual folders. */
  readonly registriesDirectory?: string;
}

export interface SignaturePlaces {
  /** file:, http: or https:, without a slash at its end. */
  readonly lookaside: URL;
  /** Where new ones are written; only file: can be. */
  readonly staging: URL;
  readonly useAttachments: boolean;
  /** The lookaside as it stands in registries.d; undefined: the usual one. */
  readonly configured: string | undefined;
}

const namespace = v.nullish(
  v.looseObject({
    lookaside: v.nullish(v.string()),
    'lookaside-staging': v.nullish(v.string()),
    // Their names until 2022.
    sigstore: v.nullish(v.string()),
    'sigstore-staging': v.nullish(v.string()),
    'use-sigstore-attachments': v.nullish(v.boolean()),
  }),
);
type Namespace = v.InferOutput<typeof namespace>;
const configuration = v.nullish(v.looseObject({ 'default-docker': namespace, docker: v.nullish(v.record(v.string(), namespace)) }));

interface Merged {
  readonly fallback: Namespace;
  readonly scopes: ReadonlyMap<string, Namespace>;
}

const largestFileBytes = 1024 * 1024;

function namesIn(folder: string): string[] | undefined {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw new EngineError('denied', `cannot read the folder ${folder}: ${messageOf(error)}`, { cause: error });
  }
}

function malformed(path: string, why: string, cause?: unknown): EngineError {
  return new EngineError('corrupt', `${path}: ${why}`, { fix: `Correct ${path}.`, ...(cause === undefined ? {} : { cause }) });
}

async function readFile(path: string): Promise<v.InferOutput<typeof configuration>> {
  const { parse } = await import('yaml');
  let document: unknown;
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > largestFileBytes) throw new Error(`it is larger than ${String(largestFileBytes)} bytes`);
    document = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw malformed(path, messageOf(error).split('\n')[0] ?? '', error);
  }
  const parsed = v.safeParse(configuration, document);
  if (!parsed.success) throw malformed(path, `${v.getDotPath(parsed.issues[0]) ?? 'the file'}: ${parsed.issues[0].message}`);
  return parsed.output;
}

/** Files may not say two things about one scope: which of them would win is nobody's guess. */
async function merge(folder: string, names: readonly string[]): Promise<Merged> {
  const scopes = new Map<string, Namespace>();
  const origins = new Map<string, string>();
  let fallback: Namespace;
  for (const name of names) {
    const path = join(folder, name);
    const file = await readFile(path);
    const own = [...Object.entries(file?.docker ?? {}), ...(file?.['default-docker'] ? [['', file['default-docker']] as const] : [])];
    for (const [scope, value] of own) {
      const before = origins.get(scope);
      const what = scope === '' ? 'default-docker' : `docker.${scope}`;
      if (before !== undefined) throw malformed(path, `${what} is defined in ${before}, too`);
      origins.set(scope, path);
      if (scope === '') fallback = value;
      else scopes.set(scope, value);
    }
  }
  return { fallback, scopes };
}

function scopesOf(reference: Reference): string[] {
  const parts = repositoryName(reference).split('/');
  const namespaces = parts.map((_part, index) => parts.slice(0, parts.length - index).join('/'));
  const labels = (parts[0] ?? '').replace(/:\d+$/, '').split('.');
  const wildcards = labels.slice(1).map((_label, index) => `*.${labels.slice(index + 1).join('.')}`);
  return [formatReference(reference), ...namespaces, ...wildcards];
}

function toUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['file:', 'http:', 'https:'].includes(url.protocol))
    throw new EngineError(
      'corrupt',
      `registries.d names ${JSON.stringify(text.slice(0, 200))}, which is no file:, http: or https: address`,
    );
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

function usualPlace({ homeDirectory, rootless }: TrustFolders): string {
  return rootless ? `file://${join(homeDirectory, '.local/share/containers/sigstore')}` : 'file:///var/lib/containers/sigstore';
}

/** Errors: `corrupt` (a file that is malformed, named), `denied`. */
export async function signaturePlaces(reference: Reference, folders: TrustFolders): Promise<SignaturePlaces> {
  const { homeDirectory, systemDirectory = '/etc', registriesDirectory } = folders;
  const own = join(homeDirectory, '.config/containers/registries.d');
  const folder = registriesDirectory ?? (namesIn(own) ? own : join(systemDirectory, 'containers/registries.d'));
  const { fallback, scopes } = await merge(folder, namesIn(folder) ?? []);
  const applicable = [...scopesOf(reference).map((scope) => scopes.get(scope)), fallback];
  const first = <T>(pick: (one: NonNullable<Namespace>) => T | null | undefined): T | undefined => {
    for (const one of applicable) {
      const value = one ? pick(one) : undefined;
      if (value !== undefined && value !== null && value !== '') return value;
    }
    return undefined;
  };
  const configured = first((one) => one.lookaside ?? one.sigstore);
  const staging =
    first((one) => one['lookaside-staging'] ?? one['sigstore-staging'] ?? one.lookaside ?? one.sigstore) ?? usualPlace(folders);
  return {
    lookaside: toUrl(configured ?? usualPlace(folders)),
    staging: toUrl(staging),
    useAttachments: first((one) => one['use-sigstore-attachments']) ?? false,
    configured,
  };
}

/** Of a manifest's signatures below the base: a path for file:, an address otherwise. */
export function lookasidePath(base: URL, repository: string, digest: Digest): { readonly path: string } | { readonly url: URL } {
  const below = `${repository}@${digest.replace(':', '=')}`;
  if (base.protocol === 'file:') return { path: join(fileURLToPath(base), below) };
  const url = new URL(base);
  url.pathname += `/${below}`;
  return { url };
}
