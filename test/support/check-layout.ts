/** Whether what was written is what the OCI image specification says: documents, and what they name, byte for byte. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { imageConfig, imageIndex, imageLayout, imageManifest, violations } from './image-spec.ts';

interface Described {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

interface Manifest {
  readonly config: Described;
  readonly layers: readonly Described[];
}

/** Of whoever keeps blobs: a layout, or a registry's storage. */
export type BlobPath = (digest: string) => string;

async function digestOf(stream: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}

function opened(path: string, mediaType: string): Readable {
  const file = createReadStream(path);
  if (mediaType.endsWith('+gzip')) return file.pipe(createGunzip());
  return mediaType.endsWith('+zstd') ? file.pipe(createZstdDecompress()) : file;
}

async function checkBlob({ digest, size }: Described, pathOf: BlobPath): Promise<string[]> {
  const path = pathOf(digest);
  if (!existsSync(path)) return [`${digest} is named and not there`];
  const found: string[] = [];
  if (statSync(path).size !== size) found.push(`${digest} has ${String(statSync(path).size)} bytes, not ${String(size)}`);
  if ((await digestOf(createReadStream(path))) !== digest) found.push(`${digest} has another content`);
  return found;
}

/** An image manifest or an index, with all that is below it; answers what is wrong. */
export async function checkManifest(bytes: Buffer, pathOf: BlobPath): Promise<string[]> {
  const document = JSON.parse(bytes.toString()) as { readonly manifests?: readonly Described[] } & Partial<Manifest>;
  if (document.manifests !== undefined) {
    const found = violations(imageIndex, document);
    for (const entry of document.manifests) {
      const problems = await checkBlob(entry, pathOf);
      found.push(...problems, ...(problems.length > 0 ? [] : await checkManifest(readFileSync(pathOf(entry.digest)), pathOf)));
    }
    return found;
  }
  const found = violations(imageManifest, document);
  if (found.length > 0) return found;
  const { config, layers } = document as Manifest;
  for (const one of [config, ...layers]) found.push(...(await checkBlob(one, pathOf)));
  if (found.length > 0) return found;
  const content = JSON.parse(readFileSync(pathOf(config.digest), 'utf8')) as { readonly rootfs: { readonly diff_ids: readonly string[] } };
  found.push(...violations(imageConfig, content));
  const diffIds = await Promise.all(layers.map(({ digest, mediaType }) => digestOf(opened(pathOf(digest), mediaType))));
  if (JSON.stringify(diffIds) !== JSON.stringify(content.rootfs.diff_ids))
    found.push(`the layers of ${config.digest} are not what it says`);
  return found;
}

/** image-layout.md: the folder, its two files, and every blob that they lead to. */
export async function checkLayout(directory: string): Promise<string[]> {
  const read = (name: string): unknown => JSON.parse(readFileSync(join(directory, name), 'utf8'));
  const pathOf: BlobPath = (digest) => join(directory, 'blobs', digest.replace(':', '/'));
  const others = readdirSync(directory).filter((name) => !['blobs', 'index.json', 'oci-layout'].includes(name));
  return [
    ...others.map((name) => `${name} has no place in a layout`),
    ...violations(imageLayout, read('oci-layout')),
    ...violations(imageIndex, read('index.json')),
    ...(await checkManifest(readFileSync(join(directory, 'index.json')), pathOf)),
  ];
}
