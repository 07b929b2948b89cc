import { createHash } from 'node:crypto';
import { EngineError } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { System } from '../../system/system.ts';
import type { Download } from '../content/content.ts';
import { type PullSource, isDigest } from '../reference/reference.ts';
import { type CredentialLookup, authFilePaths, findCredentials, parseCredentials } from './auth-file.ts';
import { type Limits, defaultLimits, largestConfigBytes, largestManifestBytes } from './limits.ts';
import { type RepositoryWriter, createRepositoryWriter } from './repository-writer.ts';
import { TransientError, withRetries } from './retry.ts';
import { Session, type SessionResponse } from './session.ts';
import { fetchFile } from './file-fetch.ts';
import { Transport } from './transport.ts';

export interface RegistryClientOptions {
  readonly system: System;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** user:password instead of what is configured. */
  readonly credentials?: string;
  readonly authFile?: string;
  readonly certDirectory?: string;
  /** registries.conf credential-helpers. */
  readonly credentialHelpers?: readonly string[];
  readonly limits?: Partial<Limits>;
  /** Told before each pause of a request that is no download. */
  readonly onRetry?: (message: string) => void;
}

export interface FetchedManifest {
  readonly bytes: Buffer;
  /** Of the bytes. */
  readonly digest: Digest;
  /** As the server calls it; may be empty. */
  readonly contentType: string;
}

export interface DownloadOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (doneBytes: number) => void;
  readonly onRetry?: (message: string) => void;
}

/** For one operation: its connections and tokens end with it. */
export interface RegistryClient extends AsyncDisposable {
  /** By tag or digest. `not-found`, `unauthorized`, `denied`, `unavailable`, `digest-mismatch`, `limit-exceeded`, … */
  manifest(source: PullSource, tagOrDigest: string, signal?: AbortSignal): Promise<FetchedManifest>;
  /** Of what a tag points to now, without fetching it. */
  manifestDigest(source: PullSource, tagOrDigest: string, signal?: AbortSignal): Promise<Digest>;
  /** A small blob, whole and verified. */
  config(source: PullSource, digest: Digest, sizeBytes: number, signal?: AbortSignal): Promise<Buffer>;
  /** Goes on where the download stands, again after every break, until it is complete and verified. */
  download(source: PullSource, download: Download, options: DownloadOptions): Promise<void>;
  /** Any file by its address, without credentials: undefined when it is not there. `limit-exceeded` when it is longer. */
  file(url: URL, largestBytes: number, signal?: AbortSignal): Promise<Buffer | undefined>;
  /** To push there. `mountFrom`: further repositories of the registry whose blobs may be taken over. */
  writer(target: PullSource, mountFrom: readonly string[]): Promise<RepositoryWriter>;
}

/** Every kind of manifest: also those that are refused later by name, so that the refusal can name them. */
const accept = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
  'application/vnd.docker.distribution.manifest.v1+json',
].join(', ');

/** Less than this before a connection breaks again counts as no progress. */
const progressBytes = 64 * 1024;

function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}

function mismatch(what: string, registry: string, got: string): EngineError {
  return new EngineError('digest-mismatch', `${what} of registry ${registry} has other content than its digest says (${got})`, {
    fix: 'Try again; if it stays so, the registry or a proxy before it damages data.',
  });
}

class HttpRegistryClient implements RegistryClient {
  readonly #options: RegistryClientOptions;
  readonly #limits: Limits;
  readonly #transport: Transport;
  readonly #sessions = new Map<string, Promise<Session>>();

  constructor(options: RegistryClientOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#transport = new Transport(this.#limits, {
      certDirectory: options.certDirectory,
      homeDirectory: options.system.identity.homeDirectory,
      environment: options.environment,
    });
  }

  manifest(source: PullSource, tagOrDigest: string, signal?: AbortSignal): Promise<FetchedManifest> {
    const what = `manifest ${tagOrDigest} of ${source.registry}/${source.repository}`;
    return this.#retrying(signal, async () => {
      const { response } = await this.#request(source, 'GET', `manifests/${tagOrDigest}`, { accept }, what, signal);
      const bytes = await response.read(largestManifestBytes, what);
      const digest = digestOf(bytes);
      const expected = isDigest(tagOrDigest) ? tagOrDigest : (response.headers['docker-content-digest'] ?? '');
      if (isDigest(expected) && expected !== digest) throw mismatch(what, source.registry, digest);
      return { bytes, digest, contentType: (response.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '' };
    });
  }

  async manifestDigest(source: PullSource, tagOrDigest: string, signal?: AbortSignal): Promise<Digest> {
    const what = `manifest ${tagOrDigest} of ${source.registry}/${source.repository}`;
    const digest = await this.#retrying(signal, async () => {
      const { response } = await this.#request(source, 'HEAD', `manifests/${tagOrDigest}`, { accept }, what, signal);
      await response.discard();
      return response.headers['docker-content-digest'] ?? '';
    });
    return isDigest(digest) ? digest : (await this.manifest(source, tagOrDigest, signal)).digest;
  }

  config(source: PullSource, digest: Digest, sizeBytes: number, signal?: AbortSignal): Promise<Buffer> {
    const what = `configuration ${digest} of ${source.registry}/${source.repository}`;
    if (sizeBytes > largestConfigBytes) throw new EngineError('limit-exceeded', `${what} is larger than ${largestConfigBytes} bytes`);
    return this.#retrying(signal, async () => {
      const { response } = await this.#request(source, 'GET', `blobs/${digest}`, {}, what, signal);
      const bytes = await response.read(Math.max(sizeBytes, 1), what);
      const actual = digestOf(bytes);
      if (actual !== digest) throw mismatch(what, source.registry, actual);
      return bytes;
    });
  }

  async download(source: PullSource, download: Download, options: DownloadOptions): Promise<void> {
    let before = download.offsetBytes;
    const progressed = (): boolean => {
      const more = download.offsetBytes - before >= progressBytes;
      before = download.offsetBytes;
      return more;
    };
    const retry = { limits: this.#limits, signal: options.signal, onRetry: options.onRetry, progressed };
    await withRetries(retry, () => this.#downloadOnce(source, download, options));
    await download.finish();
  }

  async writer(target: PullSource, mountFrom: readonly string[]): Promise<RepositoryWriter> {
    const scopes = [`repository:${target.repository}:pull,push`, ...mountFrom.map((repository) => `repository:${repository}:pull`)];
    const session = await this.#openSession(target, scopes.join(' '));
    return createRepositoryWriter({ session, target, limits: this.#limits, onRetry: this.#options.onRetry });
  }

  file(url: URL, largestBytes: number, signal?: AbortSignal): Promise<Buffer | undefined> {
    return this.#retrying(signal, () => fetchFile(this.#transport, url, largestBytes, signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  async #downloadOnce(source: PullSource, download: Download, options: DownloadOptions): Promise<void> {
    const { digest, sizeBytes } = download;
    if (download.offsetBytes === sizeBytes) return;
    const start = download.offsetBytes;
    const what = `layer ${digest} of ${source.registry}/${source.repository}`;
    const headers: Record<string, string> = start === 0 ? {} : { range: `bytes=${start}-` };
    const answer = await this.#request(source, 'GET', `blobs/${digest}`, headers, what, options.signal);
    const skip = await this.#positionOf(answer, download, what);
    await this.#copy(answer, download, skip, options);
    if (download.offsetBytes < sizeBytes)
      throw new TransientError(new EngineError('corrupt', `${what} ended after ${download.offsetBytes} of ${sizeBytes} bytes`));
  }

  /** How many bytes of the answer are here already: a server without ranges sends all from the beginning. */
  async #positionOf({ response }: SessionResponse, download: Download, what: string): Promise<number> {
    const { offsetBytes, sizeBytes } = download;
    const length = response.headers['content-length'];
    if (response.status === 206) {
      const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers['content-range'] ?? '');
      const total = range?.[2] ?? '*';
      if (Number(range?.[1]) === offsetBytes && (total === '*' || Number(total) === sizeBytes)) return 0;
      await response.discard();
      throw new EngineError('digest-mismatch', `${what}: the registry sent another part than was asked for`);
    }
    if (response.status === 200) {
      if (length === undefined || Number(length) === sizeBytes) return offsetBytes;
      response.body.destroy();
      throw new EngineError('digest-mismatch', `${what} has ${length} bytes in the registry, ${sizeBytes} in its manifest`);
    }
    await response.discard();
    throw new EngineError('digest-mismatch', `${what} is shorter in the registry than its manifest says (${sizeBytes} bytes)`);
  }

  async #copy({ response, request }: SessionResponse, download: Download, skipBytes: number, options: DownloadOptions): Promise<void> {
    let skip = skipBytes;
    const chunks = response.body as AsyncIterable<Buffer>;
    const iterator = chunks[Symbol.asyncIterator]();
    try {
      for (;;) {
        // Only what the connection throws is a network error; what the download throws is its own.
        const next = await iterator.next().catch((error: unknown) => {
          throw this.#transport.toBodyError(error, request);
        });
        if (next.done === true) return;
        const chunk = next.value.subarray(Math.min(skip, next.value.length));
        skip -= next.value.length - chunk.length;
        if (chunk.length > 0) await download.write(chunk);
        options.onProgress?.(download.offsetBytes);
      }
    } finally {
      response.body.destroy();
    }
  }

  #retrying<T>(signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
    return withRetries({ limits: this.#limits, signal, onRetry: this.#options.onRetry }, attempt);
  }

  async #request(
    source: PullSource,
    method: 'GET' | 'HEAD',
    path: string,
    headers: Readonly<Record<string, string>>,
    what: string,
    signal: AbortSignal | undefined,
  ): Promise<SessionResponse> {
    const session = await this.#session(source);
    return session.request({ method, path, headers, what, signal });
  }

  #session(source: PullSource): Promise<Session> {
    const key = `${source.registry}/${source.repository} ${String(source.insecure)}`;
    let session = this.#sessions.get(key);
    if (!session) {
      session = this.#openSession(source);
      this.#sessions.set(key, session);
    }
    return session;
  }

  async #openSession(source: PullSource, scope?: string): Promise<Session> {
    const { system, environment } = this.#options;
    const lookup: CredentialLookup = {
      system,
      environment,
      authFile: this.#options.authFile,
      helpers: this.#options.credentialHelpers ?? [],
    };
    const credentials =
      this.#options.credentials === undefined
        ? await findCredentials(lookup, source.registry, source.repository)
        : parseCredentials(this.#options.credentials);
    const nowMs = (): number => system.clock.nowMs();
    return new Session({ transport: this.#transport, source, credentials, authFiles: authFilePaths(lookup).paths, nowMs, scope });
  }
}

export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  return new HttpRegistryClient(options);
}
