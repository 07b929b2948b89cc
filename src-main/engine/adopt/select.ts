import { EngineError } from '../../base/errors.ts';
import type { ImportRequest } from '../../contract/adopt.ts';
import { isShortName, parseReference, repositoryName, withDefaultTag, formatReference } from '../reference/reference.ts';
import type { ForeignImage, ForeignStore, ForeignVolume } from './foreign-store.ts';

export interface Selection {
  readonly images: readonly ForeignImage[];
  readonly volumes: readonly ForeignVolume[];
}

/** What of a store is asked for. Errors: `not-found` for a name that nothing there has, `unsupported` for volumes of Docker. */
export function select(store: ForeignStore, request: ImportRequest): Selection {
  const { names } = request;
  const images = request.images ? store.images : [];
  const volumes = request.volumes ? store.volumes : [];
  // Without a name it is a step of a build, or was replaced: whoever wants it knows its id.
  if (names.length === 0) return { images: images.filter((image) => image.names.length > 0 || image.repoDigests.length > 0), volumes };
  for (const name of names)
    if (!images.some((image) => isCalled(image, name)) && !volumes.some((volume) => volume.name === name))
      throw new EngineError('not-found', `${store.root} has no ${nouns(request)} ${JSON.stringify(name)}`, { details: { field: 'names' } });
  return {
    images: images.filter((image) => names.some((name) => isCalled(image, name))),
    volumes: volumes.filter(({ name }) => names.includes(name)),
  };
}

function nouns({ images, volumes }: ImportRequest): string {
  return images && volumes ? 'image and no volume' : images ? 'image' : 'volume';
}

/** As a person would call it: by id or its beginning, by full name, or by a short one that stands for any registry's. */
function isCalled({ id, names, repoDigests }: ForeignImage, text: string): boolean {
  const hex = text.replace(/^sha256:/, '');
  if (/^[0-9a-f]{4,64}$/.test(hex) && id.startsWith(hex)) return true;
  try {
    const wanted = withDefaultTag(parseReference(text));
    if ([...names, ...repoDigests].includes(formatReference(wanted))) return true;
    if (!isShortName(text)) return false;
    const suffix = `/${withDefaultTag(parseReference(`localhost/${text}`)).repository}`;
    return [...names, ...repoDigests]
      .map(parseReference)
      .some((known) => `/${repositoryName(known)}`.endsWith(suffix) && known.tag === wanted.tag && known.digest === wanted.digest);
  } catch {
    return false;
  }
}
