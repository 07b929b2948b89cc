import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { System } from '../../system/system.ts';
import { errnoOf, toEngineError } from '../../system/errno.ts';

export interface BlobStore {
  /** Durable and idempotent. */
  put(bytes: Uint8Array): Digest;
  has(digest: Digest): boolean;
  /** Undefined when it is not there; `corrupt` when it is not what it was. */
  find(digest: Digest): Buffer | undefined;
  /** As find, but `not-found` when it is not there. */
  get(digest: Digest): Buffer;
  /** Idempotent. */
  remove(digest: Digest): void;
  list(): Digest[];
}

function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw toEngineError(error, 'read', path);
  }
}

export function createBlobStore(options: {
  readonly graphRoot: string;
  readonly system: System;
  /** Graph roots of stores that are only read: what is not here is looked for there. */
  readonly additional?: () => readonly string[];
}): BlobStore {
  const directory = join(options.graphRoot, 'content/blobs/sha256');
  const pathOf = (digest: Digest): string => join(directory, digest.slice('sha256:'.length));

  const elsewhere = (digest: Digest): string | undefined =>
    options
      .additional?.()
      .map((graphRoot) => join(graphRoot, 'content/blobs/sha256', digest.slice('sha256:'.length)))
      .find((path) => existsSync(path));

  const find = (digest: Digest): Buffer | undefined => {
    let bytes = read(pathOf(digest));
    if (bytes === undefined) {
      const path = elsewhere(digest);
      bytes = path === undefined ? undefined : read(path);
    }
    if (bytes !== undefined && digestOf(bytes) !== digest)
      throw new EngineError('corrupt', `blob ${digest} in ${directory} is damaged`, { fix: 'Pull or load the image again.' });
    return bytes;
  };

  return {
    put(bytes) {
      const digest = digestOf(bytes);
      try {
        if (read(pathOf(digest))?.equals(bytes) === true) return digest;
        options.system.files.ensureDirectory(directory, 0o700);
        options.system.files.writeDurably(pathOf(digest), bytes, { mode: 0o600 });
      } catch (error) {
        throw toEngineError(error, 'write the blob', digest);
      }
      return digest;
    },
    has: (digest) => existsSync(pathOf(digest)) || elsewhere(digest) !== undefined,
    find,
    get(digest) {
      const bytes = find(digest);
      if (bytes === undefined) throw new EngineError('not-found', `blob ${digest} is not in ${directory}`);
      return bytes;
    },
    remove(digest) {
      try {
        rmSync(pathOf(digest), { force: true });
      } catch (error) {
        throw toEngineError(error, 'remove the blob', digest);
      }
    },
    list() {
      try {
        return readdirSync(directory)
          .filter((name) => /^[0-9a-f]{64}$/.test(name))
          .map((name) => `sha256:${name}` as Digest);
      } catch {
        return [];
      }
    },
  };
}
