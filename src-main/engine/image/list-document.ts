/** The documents of a list: an OCI index (image-spec image-index.md) or Docker's manifest list (distribution, manifest-v2-2.md). */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { EngineError } from '../../base/errors.ts';
import { type Digest, digest } from '../../contract/ids.ts';
import type { ImageList, ListInstance, ListPlatform } from '../state/state.ts';
import { describeIssue, parseJson, parseManifest } from './manifest.ts';
import { mediaType } from './media-type.ts';

export type ListKind = 'oci' | 'docker';

export interface BuiltList {
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly mediaType: string;
}

const text = v.nullish(v.string(), '');
const texts = v.nullish(v.array(v.string()), []);
const size = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const entry = v.object({
  mediaType: text,
  digest,
  size,
  annotations: v.nullish(v.record(v.string(), v.string()), {}),
  platform: v.nullish(
    v.object({ architecture: text, os: text, 'os.version': text, 'os.features': texts, variant: text, features: texts }),
    {},
  ),
});
const index = v.object({ manifests: v.array(entry), annotations: v.nullish(v.record(v.string(), v.string()), {}) });

export type ListEntry = Omit<ListInstance, 'image' | 'source'>;

/** What its documents say. */
export interface ListContent {
  readonly annotations: ImageList['annotations'];
  readonly instances: readonly ListEntry[];
}

/** More than anybody has; a registry's largest document holds no more. */
const mostInstances = 10_000;

/** What a list that is not ours names. Errors: `corrupt`, `unsupported` (a list of lists), `limit-exceeded`. */
export function parseList(
  bytes: Uint8Array,
  contentType: string,
  what: string,
): { readonly entries: ListEntry[]; readonly annotations: ImageList['annotations'] } {
  if (parseManifest(bytes, contentType, what).kind !== 'index') throw new EngineError('unsupported', `${what} is an image, not a list`);
  const parsed = v.safeParse(index, parseJson(bytes, what));
  if (!parsed.success) throw new EngineError('corrupt', `${what} is malformed: ${describeIssue(parsed.issues[0])}`);
  const { manifests, annotations } = parsed.output;
  if (manifests.length > mostInstances)
    throw new EngineError('limit-exceeded', `${what} names ${String(manifests.length)} images; ${String(mostInstances)} are possible`);
  const nested = manifests.find(({ mediaType: type }) => type === mediaType.ociIndex || type === mediaType.dockerList);
  if (nested) throw new EngineError('unsupported', `${what} is a list of lists (${nested.digest})`);
  const entries = manifests.map(({ platform, ...rest }) => ({
    ...rest,
    platform: {
      architecture: platform.architecture,
      os: platform.os,
      osVersion: platform['os.version'],
      osFeatures: platform['os.features'],
      variant: platform.variant,
      features: platform.features,
    },
  }));
  return { entries, annotations };
}

const some = (key: string, value: object): object => (Object.keys(value).length === 0 ? {} : { [key]: value });
const word = (key: string, value: string): object => (value === '' ? {} : { [key]: value });

/** In the order in which Go programs write it, so that equal lists have equal digests. */
function platformOf({ architecture, os, osVersion, osFeatures, variant, features }: ListPlatform, kind: ListKind): object {
  return {
    architecture,
    os,
    ...word('os.version', osVersion),
    ...some('os.features', osFeatures),
    ...word('variant', variant),
    // The OCI's platform has no field for them.
    ...(kind === 'docker' ? some('features', features) : {}),
  };
}

function ociEntry({ mediaType: type, digest: id, size: bytes, annotations, platform }: ListEntry): object {
  return { mediaType: type, digest: id, size: bytes, ...some('annotations', annotations), platform: platformOf(platform, 'oci') };
}

function dockerEntry({ mediaType: type, digest: id, size: bytes, platform }: ListEntry): object {
  return { mediaType: type, size: bytes, digest: id, platform: platformOf(platform, 'docker') };
}

/** What only one of the forms can say decides; else OCI's, and Docker's for an empty list. */
export function preferredKind({ annotations, instances }: ListContent): ListKind {
  if (Object.keys(annotations).length > 0 || instances.some((one) => Object.keys(one.annotations).length > 0)) return 'oci';
  if (instances.some(({ platform }) => platform.features.length > 0)) return 'docker';
  return instances.length === 0 ? 'docker' : 'oci';
}

/** Docker's form has no annotations. */
export function buildList(list: ListContent, kind: ListKind): BuiltList {
  const type = kind === 'oci' ? mediaType.ociIndex : mediaType.dockerList;
  const document = {
    schemaVersion: 2,
    mediaType: type,
    manifests: list.instances.map(kind === 'oci' ? ociEntry : dockerEntry),
    ...(kind === 'oci' ? some('annotations', list.annotations) : {}),
  };
  const bytes = Buffer.from(JSON.stringify(document));
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest, mediaType: type };
}
