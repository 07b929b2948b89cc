import { createHash } from 'node:crypto';
import { isEngineError } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import { type PullSource, isDigest } from '../reference/reference.ts';
import type { Limits } from './limits.ts';
import { withRetries } from './retry.ts';
import type { Session, SessionRequest, SessionResponse } from './session.ts';
import { type UploadRequest, type UploadedBlob, Upload } from './upload.ts';

export interface BlobThere {
  readonly sizeBytes: number;
  /** The first bytes tell how it is compressed. */
  readonly head: Buffer;
}

/** One repository of a registry, to be pushed to. Each request is tried again as the limits say. */
export interface RepositoryWriter {
  /** Whether it has the blob, and how large it is. */
  sizeOf(digest: Digest, signal?: AbortSignal): Promise<number | undefined>;
  /** The same with its beginning. */
  find(digest: Digest, signal?: AbortSignal): Promise<BlobThere | undefined>;
  /** Takes a blob over from another repository; false when the registry would not. */
  mount(digest: Digest, from: string, signal?: AbortSignal): Promise<boolean>;
  /** Sends a blob whose digest is known only when all of it was made; goes on where a break left it. */
  upload(request: UploadRequest): Promise<UploadedBlob>;
  /** Of what the tag points to. */
  manifestDigest(tag: string, signal?: AbortSignal): Promise<Digest | undefined>;
  /** `details.status` of an error is 400 or 415 when the registry does not take manifests of this kind. */
  putManifest(tag: string, manifest: { readonly bytes: Uint8Array; readonly mediaType: string }, signal?: AbortSignal): Promise<Digest>;
}

export interface RepositoryWriterOptions {
  readonly session: Session;
  readonly target: PullSource;
  readonly limits: Limits;
  readonly onRetry: ((message: string) => void) | undefined;
}

const headBytes = 4;
/** A registry converts what is not accepted, and tells the digest of that. */
const everyKind = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');

class HttpRepositoryWriter implements RepositoryWriter {
  readonly #options: RepositoryWriterOptions;
  readonly #place: string;

  constructor(options: RepositoryWriterOptions) {
    this.#options = options;
    this.#place = `${options.target.registry}/${options.target.repository}`;
  }

  sizeOf(digest: Digest, signal?: AbortSignal): Promise<number | undefined> {
    return ifFound(async () => {
      const { response } = await this.#request({
        method: 'HEAD',
        path: `blobs/${digest}`,
        what: `blob ${digest} of ${this.#place}`,
        signal,
      });
      await response.discard();
      const length = response.headers['content-length'];
      return length === undefined ? undefined : Number(length);
    });
  }

  find(digest: Digest, signal?: AbortSignal): Promise<BlobThere | undefined> {
    const what = `blob ${digest} of ${this.#place}`;
    return ifFound(async () => {
      const headers = { range: `bytes=0-${String(headBytes - 1)}` };
      const { response } = await this.#request({ method: 'GET', path: `blobs/${digest}`, headers, what, signal });
      try {
        const total = /\/(\d+)$/.exec(response.headers['content-range'] ?? '')?.[1] ?? response.headers['content-length'];
        const head = response.status === 206 ? await response.read(headBytes, what) : await firstBytes(response.body);
        return total === undefined || head.length < headBytes ? undefined : { sizeBytes: Number(total), head };
      } finally {
        // A registry without ranges sends all of it.
        response.body.destroy();
      }
    });
  }

  async mount(digest: Digest, from: string, signal?: AbortSignal): Promise<boolean> {
    const what = `taking blob ${digest} over from ${from} to ${this.#place}`;
    const query = new URLSearchParams({ mount: digest, from });
    try {
      const { response } = await this.#request({ method: 'POST', path: `blobs/uploads/?${query.toString()}`, what, signal });
      await response.discard();
      return response.status === 201;
    } catch (error) {
      // It is a favour: the blob can be sent as well.
      if (isEngineError(error) && ['not-found', 'denied', 'unauthorized', 'unavailable'].includes(error.code)) return false;
      throw error;
    }
  }

  upload(request: UploadRequest): Promise<UploadedBlob> {
    const { session, limits } = this.#options;
    return new Upload({ session, limits, place: this.#place, request, sizeOf: (digest) => this.sizeOf(digest, request.signal) }).run();
  }

  manifestDigest(tag: string, signal?: AbortSignal): Promise<Digest | undefined> {
    return ifFound(async () => {
      const headers = { accept: everyKind };
      const what = `manifest ${tag} of ${this.#place}`;
      const { response } = await this.#request({ method: 'HEAD', path: `manifests/${tag}`, headers, what, signal });
      await response.discard();
      const digest = response.headers['docker-content-digest'] ?? '';
      return isDigest(digest) ? digest : undefined;
    });
  }

  async putManifest(
    tag: string,
    { bytes, mediaType }: { readonly bytes: Uint8Array; readonly mediaType: string },
    signal?: AbortSignal,
  ): Promise<Digest> {
    const what = `manifest ${tag} for ${this.#place}`;
    const headers = { 'content-type': mediaType };
    const { response } = await this.#request({ method: 'PUT', path: `manifests/${tag}`, headers, body: bytes, what, signal });
    await response.discard();
    return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
  }

  #request(
    request: Omit<SessionRequest, 'headers' | 'signal'> & {
      readonly headers?: Readonly<Record<string, string>>;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<SessionResponse> {
    const { session, limits, onRetry } = this.#options;
    return withRetries({ limits, signal: request.signal, onRetry }, () => session.request({ headers: {}, ...request }));
  }
}

async function ifFound<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isEngineError(error, 'not-found')) return undefined;
    throw error;
  }
}

async function firstBytes(body: AsyncIterable<unknown>): Promise<Buffer> {
  let head = Buffer.alloc(0);
  for await (const chunk of body) {
    head = Buffer.concat([head, chunk as Buffer]);
    if (head.length >= headBytes) break;
  }
  return head.subarray(0, headBytes);
}

export function createRepositoryWriter(options: RepositoryWriterOptions): RepositoryWriter {
  return new HttpRepositoryWriter(options);
}
