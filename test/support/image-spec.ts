/**
 * The OCI image specification 1.1 as schemas: the tables of properties of descriptor.md, manifest.md, image-index.md, image-layout.md, config.md, each
 * property that is there having to be of its type, REQUIRED ones having to be there. For what Selkie writes: what it is allowed to ignore in others'
 * documents has no place in its own, so keys that the specification does not name are refused but where it says that there may be more.
 */
import * as v from 'valibot';

const algorithms: Readonly<Record<string, RegExp>> = { sha256: /^[a-f0-9]{64}$/, sha512: /^[a-f0-9]{128}$/ };

/** descriptor.md, "Digests": algorithm and encoded part; of the registered ones the length is fixed. */
const digest = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/),
  v.check((text) => {
    const [algorithm = '', encoded = ''] = text.split(':');
    return algorithms[algorithm]?.test(encoded) ?? true;
  }, 'a digest of another length than its algorithm has'),
);

/** RFC 6838, section 4.2. */
const mediaType = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/));
const uri = v.pipe(v.string(), v.url());
const annotations = v.record(v.pipe(v.string(), v.minLength(1)), v.string());
const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** image-index.md, "platform". */
const platform = v.strictObject({
  architecture: v.string(),
  os: v.string(),
  'os.version': v.optional(v.string()),
  'os.features': v.optional(v.array(v.string())),
  variant: v.optional(v.string()),
  features: v.optional(v.array(v.string())),
});

const descriptorEntries = {
  mediaType,
  digest,
  size,
  urls: v.optional(v.array(uri)),
  annotations: v.optional(annotations),
  data: v.optional(v.pipe(v.string(), v.base64())),
  artifactType: v.optional(mediaType),
};

export const descriptor = v.strictObject(descriptorEntries);
const platformDescriptor = v.strictObject({ ...descriptorEntries, platform: v.optional(platform) });

const layerTypes = [
  'application/vnd.oci.image.layer.v1.tar',
  'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.oci.image.layer.v1.tar+zstd',
  'application/vnd.oci.image.layer.nondistributable.v1.tar',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
];

/** manifest.md, "Image Manifest Property Descriptions", of an image that can be run. */
export const imageManifest = v.strictObject({
  schemaVersion: v.literal(2),
  mediaType: v.literal('application/vnd.oci.image.manifest.v1+json'),
  artifactType: v.optional(mediaType),
  config: v.strictObject({ ...descriptorEntries, mediaType: v.literal('application/vnd.oci.image.config.v1+json') }),
  layers: v.pipe(v.array(v.strictObject({ ...descriptorEntries, mediaType: v.picklist(layerTypes) })), v.minLength(1)),
  subject: v.optional(descriptor),
  annotations: v.optional(annotations),
});

/** image-index.md; the index.json of a layout may leave its media type out. */
export const imageIndex = v.strictObject({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.literal('application/vnd.oci.image.index.v1+json')),
  artifactType: v.optional(mediaType),
  manifests: v.array(platformDescriptor),
  subject: v.optional(descriptor),
  annotations: v.optional(annotations),
});

/** image-layout.md, "oci-layout file". */
export const imageLayout = v.strictObject({ imageLayoutVersion: v.literal('1.0.0') });

/** RFC 3339, section 5.6. */
const time = v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/));
/** Go writes null for a list or a map that is empty; the schema allows it where the text says that the value may be empty. */
const setOf = v.nullish(v.record(v.string(), v.strictObject({})));

/** config.md, "Properties". Extensible: Docker and Podman have keys of their own in it. */
export const imageConfig = v.looseObject({
  created: v.optional(time),
  author: v.optional(v.string()),
  architecture: v.string(),
  os: v.string(),
  'os.version': v.optional(v.string()),
  'os.features': v.optional(v.array(v.string())),
  variant: v.optional(v.string()),
  config: v.nullish(
    v.looseObject({
      User: v.optional(v.string()),
      ExposedPorts: v.pipe(
        setOf,
        v.check(
          (ports) => Object.keys(ports ?? {}).every((port) => /^\d+(?:-\d+)?(?:\/(?:tcp|udp|sctp))?$/.test(port)),
          'a port that is none',
        ),
      ),
      Env: v.nullish(v.array(v.pipe(v.string(), v.regex(/^[^=]+=.*$/s)))),
      Entrypoint: v.nullish(v.array(v.string())),
      Cmd: v.nullish(v.array(v.string())),
      Volumes: setOf,
      WorkingDir: v.optional(v.string()),
      Labels: v.nullish(v.record(v.string(), v.string())),
      StopSignal: v.optional(v.pipe(v.string(), v.regex(/^(?:SIG[A-Z0-9+-]+|\d+)$/))),
      ArgsEscaped: v.optional(v.boolean()),
    }),
  ),
  rootfs: v.strictObject({ type: v.literal('layers'), diff_ids: v.array(digest) }),
  history: v.nullish(
    v.array(
      v.strictObject({
        created: v.optional(time),
        author: v.optional(v.string()),
        created_by: v.optional(v.string()),
        comment: v.optional(v.string()),
        empty_layer: v.optional(v.boolean()),
      }),
    ),
  ),
});

/** What is wrong with a document, with where; empty: nothing. */
export function violations(schema: v.GenericSchema, document: unknown): string[] {
  const parsed = v.safeParse(schema, document);
  return parsed.success ? [] : parsed.issues.map((issue) => `${v.getDotPath(issue) ?? '(the document)'}: ${issue.message}`);
}
