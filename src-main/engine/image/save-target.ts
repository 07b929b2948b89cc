/** Where saved images go: a tar or a folder, visible when it is whole and not before. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import { toEngineError } from '../../system/errno.ts';
import { ArchiveFile } from './archive-file.ts';
import { chunksOf } from './archive.ts';
import type { ImageContext } from './context.ts';
import { makeNamelessFile } from './nameless-file.ts';

export interface PlacedBlob {
  readonly digest: Digest;
  readonly size: number;
}

/** Disposing without `finish` leaves nothing. */
export interface SaveTarget extends AsyncDisposable {
  readonly path: string;
  /** Whether there is a member of that name already. */
  has(name: string): boolean;
  /**
   * Under a name that its digest gives. The same content twice is there once.
   * @param known its digest, where whoever makes the chunks checks it: then it is not made once more
   */
  put(chunks: AsyncIterable<Uint8Array>, nameOf: (digest: Digest) => string, known?: Digest): Promise<PlacedBlob>;
  finish(): Promise<void>;
}

let serial = 0;

/** Beside the final one, so that a rename does it. */
function temporaryPath(path: string): string {
  serial += 1;
  return join(dirname(path), `.${basename(path)}.${String(process.pid)}-${String(serial)}`);
}

/** Hashes and counts what is written. */
async function copy(
  chunks: AsyncIterable<Uint8Array>,
  known: Digest | undefined,
  write: (chunk: Uint8Array) => Promise<void>,
): Promise<PlacedBlob> {
  const hash = known === undefined ? createHash('sha256') : undefined;
  let size = 0;
  for await (const chunk of chunks) {
    hash?.update(chunk);
    size += chunk.length;
    await write(chunk);
  }
  return { digest: known ?? (`sha256:${hash?.digest('hex') ?? ''}` as Digest), size };
}

function checkPath(path: string): void {
  if (!isAbsolute(path)) throw new EngineError('invalid-argument', `${path} is not an absolute path`, { details: { field: 'path' } });
}

class TarTarget implements SaveTarget {
  readonly path: string;
  protected readonly file: FileHandle;
  readonly #archive: ArchiveFile;
  readonly #names = new Set<string>();

  constructor(path: string, file: FileHandle) {
    this.path = path;
    this.file = file;
    this.#archive = new ArchiveFile(file);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  async put(chunks: AsyncIterable<Uint8Array>, nameOf: (digest: Digest) => string, known?: Digest): Promise<PlacedBlob> {
    return guarded(this.path, async () => {
      this.#archive.begin();
      const blob = await copy(chunks, known, (chunk) => this.#archive.write(chunk));
      const name = nameOf(blob.digest);
      if (this.#names.has(name)) this.#archive.drop();
      else await this.#archive.end(name);
      this.#names.add(name);
      return blob;
    });
  }

  async finish(): Promise<void> {
    await guarded(this.path, () => this.#archive.finish());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file.close();
  }
}

class PlacedTarTarget extends TarTarget {
  readonly #temporary: string;

  constructor(path: string, temporary: string, file: FileHandle) {
    super(path, file);
    this.#temporary = temporary;
  }

  override async finish(): Promise<void> {
    await super.finish();
    await guarded(this.path, () => rename(this.#temporary, this.path));
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    rmSync(this.#temporary, { force: true });
  }
}

class SpoolTarTarget extends TarTarget implements SpoolTarget {
  async content(): Promise<{ readonly sizeBytes: number; readonly chunks: AsyncIterable<Uint8Array<ArrayBuffer>> }> {
    const sizeBytes = (await this.file.stat()).size;
    return { sizeBytes, chunks: chunksOf(this.file.fd, 0, sizeBytes) };
  }
}

/** It has no place, and is read once it is finished. */
export interface SpoolTarget extends SaveTarget {
  content(): Promise<{ readonly sizeBytes: number; readonly chunks: AsyncIterable<Uint8Array<ArrayBuffer>> }>;
}

/** Errors: `disk-full`, `denied`, about the folder of the store where it lies. */
export async function openSpoolTarget({ downloads: { directory }, system }: ImageContext): Promise<SpoolTarget> {
  system.files.ensureDirectory(directory, 0o700);
  return new SpoolTarTarget(`the archive in ${directory}`, await makeNamelessFile(directory, 'save'));
}

/** Errors: `invalid-argument`, `not-found` and `denied` for the folder it is to be in, `already-exists` for anything but a file. */
export async function openTarTarget(path: string): Promise<SaveTarget> {
  checkPath(path);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found && !found.isFile()) throw new EngineError('already-exists', `${path} is there and is no file`, { details: { field: 'path' } });
  const temporary = temporaryPath(path);
  return guarded(path, async () => new PlacedTarTarget(path, temporary, await open(temporary, 'wx', 0o666)));
}

/** What may be there already: a folder of the same kind is added to, or replaced, as Podman does; anything else that is not empty stays. */
export type FolderKind = 'layout' | 'directory';

type Placing = 'new' | 'replace' | 'add';

class FolderTarget implements SaveTarget {
  readonly path: string;
  readonly #folder: string;
  readonly #placing: Placing;
  readonly #partials = new Set<string>();

  constructor(path: string, folder: string, placing: Placing) {
    this.path = path;
    this.#folder = folder;
    this.#placing = placing;
  }

  has(name: string): boolean {
    return existsSync(join(this.#folder, name));
  }

  async put(chunks: AsyncIterable<Uint8Array>, nameOf: (digest: Digest) => string, known?: Digest): Promise<PlacedBlob> {
    const partial = temporaryPath(join(this.#folder, 'partial'));
    this.#partials.add(partial);
    return guarded(this.path, async () => {
      await using file = await open(partial, 'wx', 0o666);
      const blob = await copy(chunks, known, async (chunk) => {
        for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done)).bytesWritten;
      });
      const final = join(this.#folder, nameOf(blob.digest));
      await mkdir(dirname(final), { recursive: true });
      await rename(partial, final);
      this.#partials.delete(partial);
      return blob;
    });
  }

  async finish(): Promise<void> {
    await guarded(this.path, () => {
      if (this.#placing === 'replace') {
        const old = temporaryPath(this.path);
        renameSync(this.path, old);
        renameSync(this.#folder, this.path);
        rmSync(old, { recursive: true, force: true });
      } else if (this.#placing === 'new') renameSync(this.#folder, this.path);
      return Promise.resolve();
    });
  }

  /** Blobs that were added to a layout stay when it fails: its index does not name them. */
  [Symbol.asyncDispose](): Promise<void> {
    if (this.#placing === 'add') for (const partial of this.#partials) rmSync(partial, { force: true });
    else rmSync(this.#folder, { recursive: true, force: true });
    return Promise.resolve();
  }
}

function isOfKind(path: string, kind: FolderKind): boolean {
  if (kind === 'layout') return existsSync(join(path, 'oci-layout')) && existsSync(join(path, 'index.json'));
  try {
    return readFileSync(join(path, 'version'), 'utf8').startsWith('Directory Transport Version: ');
  } catch {
    return false;
  }
}

/** Errors: as {@link openTarTarget}; `already-exists` for a folder that is not empty and not of that kind. */
export async function openFolderTarget(path: string, kind: FolderKind): Promise<SaveTarget> {
  checkPath(path);
  const found = statSync(path, { throwIfNoEntry: false });
  const full = found?.isDirectory() === true && readdirSync(path).length > 0;
  if (found && (!found.isDirectory() || (full && !isOfKind(path, kind))))
    throw new EngineError('already-exists', `${path} is there and is not empty`, {
      fix: 'Give a folder that is empty or does not exist.',
      details: { field: 'path' },
    });
  if (full && kind === 'layout') return new FolderTarget(path, path, 'add');
  const folder = temporaryPath(path);
  return guarded(path, () => {
    mkdirSync(folder);
    return Promise.resolve(new FolderTarget(path, folder, full ? 'replace' : 'new'));
  });
}

async function guarded<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toEngineError(error, 'write', path);
  }
}
