/** A list as `manifest inspect` prints it: in the shape of Docker's lists, with what only OCI indexes have. */
import type { ManifestDetail, ManifestInstance } from '../../../contract/manifest.ts';

const some = (key: string, value: object): object => (Object.keys(value).length === 0 ? {} : { [key]: value });
const word = (key: string, value: string): object => (value === '' ? {} : { [key]: value });

export function manifestJson(detail: ManifestDetail): string {
  // A registry's own document: nothing is added or left out, only the lines are broken.
  if (detail.kind === 'remote') return JSON.stringify(JSON.parse(detail.document), undefined, 4);
  const document = {
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.list.v2+json',
    manifests: detail.instances.map(instanceJson),
    ...some('annotations', detail.annotations),
  };
  return JSON.stringify(document, undefined, 4);
}

function instanceJson({ mediaType, sizeBytes, digest, annotations, ...platform }: ManifestInstance): object {
  return {
    mediaType,
    size: sizeBytes,
    digest,
    platform: {
      architecture: platform.architecture,
      os: platform.os,
      ...word('os.version', platform.osVersion),
      ...some('os.features', platform.osFeatures),
      ...word('variant', platform.variant),
      ...some('features', platform.features),
    },
    ...some('annotations', annotations),
  };
}
