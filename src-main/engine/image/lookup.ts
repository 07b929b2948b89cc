/** Podman's rules for what a person means by a name: an exact name or an id, then full names that a short one may stand for, then any registry. */
import { EngineError } from '../../base/errors.ts';
import type { ImageId } from '../../contract/ids.ts';
import {
  type Reference,
  type Registries,
  formatReference,
  isShortName,
  parseReference,
  parseTransport,
  repositoryName,
  withDefaultTag,
} from '../reference/reference.ts';
import type { ImageRecord, ImageTable } from '../state/state.ts';
import type { ResolvedImage } from './image.ts';
import type { Platform } from './manifest.ts';
import { bestFor, hostPlatform } from './platform.ts';

function findById(images: ImageTable, text: string): { readonly record?: ImageRecord; readonly candidates: readonly ImageRecord[] } {
  const id = text.startsWith('sha256:') ? text.slice('sha256:'.length) : text;
  if (!/^[0-9a-f]{1,64}$/.test(id)) return { candidates: [] };
  const candidates = id.length === 64 ? [images.find(id as ImageId)].filter((one) => one !== undefined) : images.findByIdPrefix(id);
  const [only] = candidates;
  return candidates.length === 1 && only ? { record: only, candidates } : { candidates };
}

function findReference(images: ImageTable, reference: Reference): ImageRecord | undefined {
  if (reference.digest === undefined) return images.findByName(formatReference(reference));
  const digested = formatReference({ ...reference, tag: undefined });
  return images
    .list()
    .find(
      (record) =>
        record.repoDigests.includes(digested) ||
        (record.manifestDigest === reference.digest &&
          record.names.some((name) => repositoryName(parseReference(name)) === repositoryName(reference))),
    );
}

/** `foo/bar` means any registry's …/foo/bar with the same tag. */
function findBySuffix(images: ImageTable, text: string): ResolvedImage | undefined {
  if (!isShortName(text)) return undefined;
  let wanted: Reference;
  try {
    wanted = withDefaultTag(parseReference(`localhost/${text}`));
  } catch {
    return undefined;
  }
  for (const record of images.list()) {
    for (const name of wanted.digest === undefined ? record.names : record.repoDigests) {
      const known = parseReference(name);
      const sameName = `/${repositoryName(known)}`.endsWith(`/${wanted.repository}`);
      if (sameName && (wanted.digest === undefined ? known.tag === wanted.tag : known.digest === wanted.digest)) return { record, name };
    }
  }
  return undefined;
}

/** An image, or a list of images. Undefined when there is none; `ambiguous` when the beginning of an id fits several and no name fits. */
export function findRecord(images: ImageTable, registries: Registries, name: string): ResolvedImage | undefined {
  const found = findPlainly(images, registries, name);
  // A name that looks like a transport may still be one: `tag app oci:1` makes localhost/oci:1.
  if (found) return found;
  if (!name.startsWith('containers-storage:')) return undefined;
  const transport = parseTransport(name);
  return transport?.transport === 'containers-storage' ? findPlainly(images, registries, transport.name) : undefined;
}

function findPlainly(images: ImageTable, registries: Registries, text: string): ResolvedImage | undefined {
  const exact = images.findByName(text);
  if (exact) return { record: exact, name: text };
  const byId = findById(images, text);
  if (byId.record) return { record: byId.record, name: byId.record.id };
  if (text.startsWith('sha256:')) {
    const byDigest = images.list().find((record) => record.manifestDigest === text);
    if (byDigest) return { record: byDigest, name: byDigest.id };
  }
  for (const candidate of registries.localCandidates(text)) {
    const record = findReference(images, candidate);
    if (record) return { record, name: formatReference(candidate) };
  }
  const bySuffix = findBySuffix(images, text);
  if (bySuffix) return bySuffix;
  if (byId.candidates.length > 1)
    throw new EngineError('ambiguous', `image id ${JSON.stringify(text)} is ambiguous: ${String(byId.candidates.length)} images begin so`, {
      fix: 'Give more digits.',
      details: { candidates: byId.candidates.map(({ id }) => id) },
    });
  return undefined;
}

/** As findRecord; of a list that image in the store which fits this machine, or `wanted`: undefined when none does. */
export function findImage(images: ImageTable, registries: Registries, text: string, wanted?: Platform): ResolvedImage | undefined {
  const found = findRecord(images, registries, text);
  if (!found?.record.list) return found;
  const record = instanceFor(images, found.record, wanted ?? hostPlatform());
  return record && { record, name: found.name };
}

function instanceFor(images: ImageTable, { list }: ImageRecord, wanted: Platform): ImageRecord | undefined {
  const here = (list?.instances ?? []).flatMap(({ image, platform }) => {
    const record = image && images.find(image.id);
    return record ? [{ record, platform }] : [];
  });
  return bestFor(here, wanted)?.record;
}

/** As findImage, but `not-found`; a name that cannot be one is said so. */
export function resolveImage(images: ImageTable, registries: Registries, text: string): ResolvedImage {
  const found = findImage(images, registries, text);
  if (found) return found;
  if (findRecord(images, registries, text))
    throw new EngineError('not-found', `${text} is a list, and none of its images that are in the store is for this machine`, {
      fix: `Look what it names: selkie manifest inspect ${text}`,
    });
  throw unknownImage(text);
}

/** As findRecord, but `not-found`. */
export function resolveRecord(images: ImageTable, registries: Registries, text: string): ResolvedImage {
  const found = findRecord(images, registries, text);
  if (found) return found;
  throw unknownImage(text);
}

function unknownImage(text: string): EngineError {
  const transport = parseTransport(text)?.transport ?? 'docker';
  if (transport !== 'docker' && transport !== 'containers-storage')
    return new EngineError('invalid-argument', `unsupported transport ${JSON.stringify(transport)} for looking up local images`, {
      fix: `Bring it into the store first: selkie pull ${text}`,
    });
  if (!/^(?:sha256:)?[0-9a-f]{1,64}$/.test(text)) parseReference(text.replace(/^containers-storage:(?:\[[^\]]*\])?/, ''));
  return new EngineError('not-found', `${text}: image not known`, { fix: `See the images that are here, or pull it: selkie pull ${text}` });
}

/** A name to give to an image: without a registry it is localhost's (Podman's tag). `invalid-argument` for digests. */
export function nameToGive(text: string): string {
  const reference = parseReference(isShortName(text) ? `localhost/${text}` : text);
  if (reference.digest !== undefined)
    throw new EngineError('invalid-argument', `${JSON.stringify(text)} cannot be a tag: it has a digest`, { details: { field: 'names' } });
  return formatReference(withDefaultTag(reference));
}

/** Which of an image's names a person means. `not-found`. */
export function nameToTake(record: ImageRecord, registries: Registries, text: string): string {
  if (record.names.includes(text)) return text;
  parseReference(text);
  const found = registries
    .localCandidates(text)
    .map(formatReference)
    .find((name) => record.names.includes(name));
  if (found !== undefined) return found;
  throw new EngineError('not-found', `${text}: tag not known for image ${record.id.slice(0, 12)}`, { details: { names: record.names } });
}
