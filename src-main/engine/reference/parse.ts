import type { Digest } from '../../contract/ids.ts';
import { EngineError } from '../../base/errors.ts';

/** Normalised: `registry` is never empty, `repository` has its `library/`. */
export interface Reference {
  /** host[:port] */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;
}

// The grammar of distribution/reference: path components are lower-case alphanumerics with ., _, __ or dashes between them.
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`);
const hostLabel = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const registryPattern = new RegExp(`^(?:${hostLabel}(?:\\.${hostLabel})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;
const anyDigestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

const maximumNameLength = 255;
const defaultRegistry = 'docker.io';
const defaultNamespace = 'library/';

export function isDigest(text: string): text is Digest {
  return digestPattern.test(text);
}

function invalid(text: string, why: string, fix?: string): EngineError {
  return new EngineError('invalid-argument', `invalid image name ${JSON.stringify(text)}: ${why}`, {
    ...(fix === undefined ? {} : { fix }),
    details: { field: 'reference' },
  });
}

/** Whether the part before the first slash is a registry by the rule of docker and podman. */
function namesRegistry(first: string): boolean {
  return first.includes('.') || first.includes(':') || first === 'localhost' || first !== first.toLowerCase();
}

/** Whether a name says no registry. Its syntax is not checked. */
export function isShortName(text: string): boolean {
  const slash = text.indexOf('/');
  return slash === -1 || !namesRegistry(text.slice(0, slash));
}

function splitDigest(text: string): { readonly rest: string; readonly digest: Digest | undefined } {
  const at = text.indexOf('@');
  if (at === -1) return { rest: text, digest: undefined };
  const digest = text.slice(at + 1);
  if (isDigest(digest)) return { rest: text.slice(0, at), digest };
  if (!digest.startsWith('sha256:') && anyDigestPattern.test(digest))
    throw new EngineError('unsupported', `image name ${JSON.stringify(text)} has a digest of a kind other than sha256`);
  throw invalid(text, 'a digest is sha256: and 64 lower-case hexadecimal digits');
}

function splitTag(text: string, rest: string): { readonly name: string; readonly tag: string | undefined } {
  const colon = rest.lastIndexOf(':');
  if (colon === -1 || rest.indexOf('/', colon) !== -1) return { name: rest, tag: undefined };
  const tag = rest.slice(colon + 1);
  if (!tagPattern.test(tag))
    throw invalid(text, `${JSON.stringify(tag)} is not a tag`, 'Use letters, digits, "_", "." and "-", at most 128.');
  return { name: rest.slice(0, colon), tag };
}

function checkRepository(text: string, repository: string): void {
  if (repositoryPattern.test(repository)) return;
  if (repositoryPattern.test(repository.toLowerCase()))
    throw invalid(text, 'repository name must be lowercase', `Write ${text.toLowerCase()}.`);
  throw invalid(text, repository === '' ? 'it has no repository name' : 'it has characters that no repository name has');
}

/**
 * Parses and normalises; an unqualified name becomes one of docker.io. A missing tag stays missing, see {@link withDefaultTag}.
 * Errors: `invalid-argument`; `unsupported` for digests other than sha256.
 */
export function parseReference(text: string): Reference {
  if (text === '') throw invalid(text, 'it is empty');
  if (/^[0-9a-f]{64}$/.test(text))
    throw invalid(text, 'it looks like an image id', 'Give a name; ids name only images that are here already.');
  const transport = /^(?:docker:\/\/|https?:\/\/)/.exec(text)?.[0];
  if (transport !== undefined && transport !== 'docker://')
    throw invalid(text, 'it is a URL', `Leave out ${transport}: ${text.slice(transport.length)}`);
  const { rest, digest } = splitDigest(transport === undefined ? text : text.slice(transport.length));
  const { name, tag } = splitTag(text, rest);

  const slash = name.indexOf('/');
  const qualified = slash !== -1 && namesRegistry(name.slice(0, slash));
  let registry = qualified ? name.slice(0, slash) : defaultRegistry;
  let repository = qualified ? name.slice(slash + 1) : name;
  if (registry === 'index.docker.io') registry = defaultRegistry;
  // Foo/bar: the upper case alone makes Foo a host by distribution's rule, but nobody means that.
  if (qualified && !/[.:]/.test(registry) && registry.toLowerCase() !== registry) checkRepository(text, name);
  if (!registryPattern.test(registry)) throw invalid(text, `${JSON.stringify(registry)} is not the name of a registry`);
  if (registry === defaultRegistry && repository !== '' && !repository.includes('/')) repository = defaultNamespace + repository;
  checkRepository(text, repository);
  if (registry.length + 1 + repository.length > maximumNameLength)
    throw invalid(text.slice(0, 40), `it is longer than ${maximumNameLength} characters`);
  return { registry, repository, tag, digest };
}

export function repositoryName(reference: Reference): string {
  return `${reference.registry}/${reference.repository}`;
}

export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return repositoryName(reference) + tag + digest;
}

/** `latest` when there is neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? withTag(reference, 'latest') : reference;
}

/** name:tag@digest means name@digest: the digest says all. */
export function withoutTagIfDigested(reference: Reference): Reference {
  return reference.digest === undefined ? reference : { ...reference, tag: undefined };
}

export function withTag(reference: Reference, tag: string | undefined): Reference {
  return { ...reference, tag };
}

export function withDigest(reference: Reference, digest: Digest): Reference {
  return { ...reference, tag: undefined, digest };
}
