/** Images made for tests: real tars, real digests. */
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import tar from 'tar-stream';
import type { Digest, ImageId } from '../../../src-main/contract/ids.ts';

export interface Blob {
  readonly digest: Digest;
  readonly bytes: Buffer;
}

export interface TestImage {
  readonly id: ImageId;
  readonly config: Blob;
  readonly manifest: Blob & { readonly mediaType: string };
  readonly layers: readonly (Blob & { readonly diffId: Digest; readonly tar: Buffer })[];
}

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}

export function blob(bytes: Buffer): Blob {
  return { digest: digestOf(bytes), bytes };
}

export async function makeTar(files: Readonly<Record<string, string | Buffer | { readonly link: string }>>): Promise<Buffer> {
  const pack = tar.pack();
  const mtime = new Date(1_700_000_000_000);
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === 'object' && 'link' in content) pack.entry({ name, type: 'symlink', linkname: content.link, mtime });
    else pack.entry({ name, mode: 0o644, mtime }, content);
  }
  pack.finalize();
  return buffer(pack);
}

/** Bytes that no compressor makes smaller, the same every time. */
export function noise(bytes: number, seed: string): Buffer {
  const parts: Buffer[] = [];
  let last = createHash('sha512').update(seed).digest();
  for (let size = 0; size < bytes; size += last.length) {
    parts.push(last);
    last = createHash('sha512').update(last).digest();
  }
  return Buffer.concat(parts).subarray(0, bytes);
}

export interface ImageOptions {
  readonly docker?: boolean;
  readonly compression?: 'gzip' | 'zstd' | 'none';
  readonly architecture?: string;
  readonly variant?: string;
  readonly extra?: object;
}

function compress(tarBytes: Buffer, compression: ImageOptions['compression']): Buffer {
  if (compression === 'none') return tarBytes;
  return compression === 'zstd' ? zstdCompressSync(tarBytes) : gzipSync(tarBytes, { level: 1 });
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
export const hostArchitecture = architectures[process.arch] ?? process.arch;

export function makeImage(tars: readonly Buffer[], options: ImageOptions = {}): TestImage {
  const { docker = false, compression = 'gzip', architecture = hostArchitecture, variant, extra = {} } = options;
  const layers = tars.map((bytes) => ({ ...blob(compress(bytes, compression)), diffId: digestOf(bytes), tar: bytes }));
  const config = blob(
    Buffer.from(
      JSON.stringify({
        architecture,
        ...(variant === undefined ? {} : { variant }),
        os: 'linux',
        created: '2024-01-02T03:04:05Z',
        config: { Cmd: ['/bin/true'], Env: null, Labels: { test: 'yes' } },
        rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
        history: null,
        ...extra,
      }),
    ),
  );
  const suffix = compression === 'none' ? '' : compression;
  const layerType = docker
    ? `application/vnd.docker.image.rootfs.diff.tar.${suffix}`
    : `application/vnd.oci.image.layer.v1.tar${suffix === '' ? '' : `+${suffix}`}`;
  const mediaType = docker ? 'application/vnd.docker.distribution.manifest.v2+json' : 'application/vnd.oci.image.manifest.v1+json';
  const configType = docker ? 'application/vnd.docker.container.image.v1+json' : 'application/vnd.oci.image.config.v1+json';
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: { mediaType: configType, digest: config.digest, size: config.bytes.length },
      layers: layers.map(({ digest, bytes }) => ({ mediaType: layerType, digest, size: bytes.length })),
    }),
  );
  return { id: config.digest.slice('sha256:'.length) as ImageId, config, manifest: { ...blob(manifest), mediaType }, layers };
}

export function makeIndex(
  images: readonly { readonly image: TestImage; readonly platform: object }[],
): Blob & { readonly mediaType: string } {
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const manifests = images.map(({ image: { manifest }, platform }) => ({
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.bytes.length,
    platform,
  }));
  return { ...blob(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }))), mediaType };
}
