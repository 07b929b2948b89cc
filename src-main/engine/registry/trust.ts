/** policy.json as `image trust` shows and changes it. */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import * as v from 'valibot';
import { EngineError, isEngineError, messageOf } from '../../base/errors.ts';
import { toEngineError } from '../../system/errno.ts';
import type { System } from '../../system/system.ts';
import { parseReference } from '../reference/reference.ts';
import { keyIdentities, signaturePlaces } from '../signature/signature.ts';
import { dockerScopes, policyCandidates } from './policy.ts';

/** One requirement of one scope. */
export interface TrustLine {
  /** `all` of the default, `repository` of docker, else the transport's name. */
  readonly transport: string;
  /** The scope; `default`. */
  readonly name: string;
  /** accept, reject, signed, or the requirement's own word. */
  readonly type: string;
  /** Of the keys; `N/A` where keys have none. */
  readonly identities: string;
  /** The lookaside that registries.d names for it. */
  readonly store: string;
}

interface TrustFiles {
  readonly system: System;
  /** Instead of the usual one. */
  readonly policyFile?: string | undefined;
  /** Instead of the usual registries.d. */
  readonly registriesDirectory?: string | undefined;
}

type Document = Record<string, unknown>;
const words: Readonly<Record<string, string>> = { insecureAcceptAnything: 'accept', signedBy: 'signed' };
const requirements = v.array(
  v.looseObject({ type: v.string(), keyPath: v.optional(v.string()), keyPaths: v.optional(v.array(v.string())) }),
);
type Requirement = v.InferOutput<typeof requirements>[number];
const policyFile = v.looseObject({
  default: v.optional(requirements, []),
  transports: v.optional(v.record(v.string(), v.record(v.string(), requirements)), {}),
});

/** The one that is in force: the user's, else the system's, whether or not it is there. */
export function policyPath({ system, policyFile: given }: TrustFiles): string {
  if (given !== undefined) return resolve(given);
  const { user, system: systemWide } = policyCandidates({ homeDirectory: system.identity.homeDirectory });
  return existsSync(user) ? user : systemWide;
}

function read(path: string): { readonly text: string; readonly policy: v.InferOutput<typeof policyFile> } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw toEngineError(error, 'open', path);
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new EngineError('corrupt', `the policy ${path} is not JSON: ${messageOf(error)}`, { fix: `Correct ${path}.`, cause: error });
  }
  const parsed = v.safeParse(policyFile, document);
  if (!parsed.success)
    throw new EngineError('corrupt', `the policy ${path}: ${v.getDotPath(parsed.issues[0]) ?? 'the file'}: ${parsed.issues[0].message}`, {
      fix: `Correct ${path}.`,
    });
  return { text, policy: parsed.output };
}

/** `registry`: only the scope that decides about that name. Errors: `not-found`, `corrupt`, `denied`. */
export async function readTrust(
  files: TrustFiles,
  registry: string | undefined,
): Promise<{ readonly path: string; readonly raw: string; readonly lines: readonly TrustLine[] }> {
  const path = policyPath(files);
  const { text, policy } = read(path);
  const scopes: [transport: string, scope: string, Requirement[]][] = [['all', 'default', policy.default]];
  for (const [transport, entries] of Object.entries(policy.transports).sort(byName))
    for (const [scope, entry] of Object.entries(entries).sort(byName)) scopes.push([transport, scope, entry]);
  const wanted = registry === undefined ? undefined : decidingScope(registry, new Set(Object.keys(policy.transports['docker'] ?? {})));
  const lines: TrustLine[] = [];
  for (const [transport, name, entry] of scopes) {
    if (wanted && (wanted.transport !== transport || wanted.scope !== name)) continue;
    for (const one of entry) lines.push(await toLine(files, transport, name, one));
  }
  return { path, raw: text, lines };
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function decidingScope(name: string, known: ReadonlySet<string>): { readonly transport: string; readonly scope: string } {
  const repository = name.replace(/^docker:\/\//, '');
  const scope = [...dockerScopes(repository, repository.replace(/[@].*$/, '').replace(/:[^/:]*$/, '')), ''].find((one) => known.has(one));
  return scope === undefined ? { transport: 'all', scope: 'default' } : { transport: 'docker', scope };
}

async function toLine(files: TrustFiles, transport: string, name: string, one: Requirement): Promise<TrustLine> {
  const type = words[one.type] ?? one.type;
  const line = { transport: transport === 'docker' ? 'repository' : transport, name, type, identities: '', store: '' };
  if (one.type !== 'signedBy' && one.type !== 'sigstoreSigned') return line;
  const keys = one.keyPaths ?? (one.keyPath === undefined ? [] : [one.keyPath]);
  const identities =
    one.type === 'sigstoreSigned' ? ['N/A'] : (await Promise.all(keys.map((key) => keyIdentities(files.system, key)))).flat();
  return { ...line, identities: identities.join(', '), store: transport === 'docker' ? await storeOf(files, name) : '' };
}

/** Scopes are also hosts and wildcards, which are no names of images: those have no store of their own to tell. */
async function storeOf({ system, registriesDirectory }: TrustFiles, scope: string): Promise<string> {
  try {
    const reference = parseReference(scope.includes('/') ? scope : `${scope}/x`);
    const { configured } = await signaturePlaces(reference, {
      ...system.identity,
      ...(registriesDirectory === undefined ? {} : { registriesDirectory }),
    });
    return configured ?? '';
  } catch (error) {
    if (isEngineError(error, 'invalid-argument')) return '';
    throw error;
  }
}

export interface TrustChange {
  /** A scope of docker: a registry, a namespace, a repository, a name with tag; or `default`. */
  readonly scope: string;
  readonly type: 'accept' | 'reject' | 'signedBy' | 'sigstoreSigned';
  /** Absolute paths of public keys; each becomes a requirement of its own, as in Podman. */
  readonly keys: readonly string[];
}

/**
 * Replaces what the policy says about one scope; all else stays, also what is not known here. Atomic. Answers the file. Errors:
 * `invalid-argument`, `not-found` (a key, the policy), `corrupt`, `denied`.
 */
export function setTrust(files: TrustFiles, { scope, type, keys }: TrustChange): string {
  const signed = type === 'signedBy' || type === 'sigstoreSigned';
  if (signed && keys.length === 0)
    throw new EngineError('invalid-argument', `at least one public key must be defined for type '${type}'`, { details: { field: 'keys' } });
  if (!signed && keys.length > 0) throw new EngineError('invalid-argument', `keys are for signatures; the type '${type}' asks for none`);
  for (const key of keys) requireKey(key);
  const path = policyPath(files);
  const document = startingDocument(path, scope);
  const entry = signed
    ? keys.map((keyPath) => (type === 'signedBy' ? { type, keyType: 'GPGKeys', keyPath } : { type, keyPath }))
    : [{ type: type === 'accept' ? 'insecureAcceptAnything' : 'reject' }];
  if (scope === 'default') document['default'] = entry;
  else {
    const transports = member(document, 'transports');
    member(transports, 'docker')[scope] = entry;
  }
  write(files.system, path, document);
  return path;
}

function requireKey(path: string): void {
  try {
    if (!statSync(path).isFile())
      throw new EngineError('invalid-argument', `the public key ${path} is no file`, { details: { field: 'keys' } });
  } catch (error) {
    throw isEngineError(error) ? error : toEngineError(error, 'use', `the public key ${path}`);
  }
}

function startingDocument(path: string, scope: string): Document {
  if (existsSync(path)) {
    const { text } = read(path);
    return JSON.parse(text) as Document;
  }
  if (scope === 'default') return {};
  throw new EngineError('not-found', `there is no policy ${path} yet, and it needs a default first`, {
    fix: 'selkie image trust set -t reject default (or -t accept)',
  });
}

function member(document: Document, name: string): Document {
  const before = document[name];
  if (typeof before === 'object' && before !== null) return before as Document;
  const made: Document = {};
  document[name] = made;
  return made;
}

/** Through symlinks: /etc/containers is one on some systems. */
function write(system: System, path: string, document: Document): void {
  const target = existsSync(path) ? realpathSync(path) : path;
  const mode = existsSync(target) ? statSync(target).mode & 0o777 : 0o644;
  try {
    system.files.writeDurably(target, `${JSON.stringify(document, undefined, 4)}\n`, { mode });
  } catch (error) {
    if (!isEngineError(error, 'denied')) throw error;
    const own = policyCandidates({ homeDirectory: system.identity.homeDirectory }).user;
    throw new EngineError('denied', error.message, { fix: `Copy the policy to ${own} and change that, or do this as root.`, cause: error });
  }
}
