import * as v from 'valibot';

/** 64 lower-case hexadecimal digits, as Podman's container and image ids. */
const hex64 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'not a full id'));

export const containerId = v.pipe(hex64, v.brand('ContainerId'));
export type ContainerId = v.InferOutput<typeof containerId>;

/** The hexadecimal part of the digest of the image's configuration. */
export const imageId = v.pipe(hex64, v.brand('ImageId'));
export type ImageId = v.InferOutput<typeof imageId>;

/** `sha256:…`, OCI image-spec descriptor.md#digests. */
export const digest = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, 'not a sha256 digest'), v.brand('Digest'));
export type Digest = v.InferOutput<typeof digest>;

/** What a person types for an object: a name, a full id, or the beginning of an id. */
export const nameOrId = v.pipe(v.string(), v.nonEmpty('a name or an id is needed'), v.maxLength(1024));

/** Milliseconds since 1970. */
export const timestampMs = v.number();

/** Podman's rule for names of containers, volumes and networks: [a-zA-Z0-9][a-zA-Z0-9_.-]* */
export const objectName = v.pipe(
  v.string(),
  v.maxLength(255),
  v.regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, 'names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*'),
);
