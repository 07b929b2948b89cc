import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { EngineError } from '../../base/errors.ts';
import { errnoOf, toEngineError } from '../../system/errno.ts';
import { decodeName, showName } from './byte-name.ts';
import { blockBytes, damagedRecipe, decodeBlock, operation, recipeMagic } from './recipe-format.ts';
import type { RecipeFiles } from './recipe-format.ts';
import { RecipeMoves } from './recipe-moves.ts';

/** Of what is yielded. */
const chunkBytes = 1024 * 1024;
/** zstd makes a block that does not compress larger by far less. */
const maxFrameBytes = 2 * blockBytes;
const footerBytes = 8;

interface Piece {
  readonly offset: number;
  readonly length: number;
  readonly checksum: number;
}

/**
 * Puts a layer's tar stream together again; see recipe-format.ts. Synchronous. `corrupt` when the recipe or a file is not what it was,
 * naming the file.
 */
export class RecipeReader implements Disposable {
  readonly #files: RecipeFiles;
  readonly #diffDirectory: string;
  readonly #recipe: number;
  readonly #moves = new RecipeMoves();
  #fileCount = 0;
  /** Its bytes as latin1: a key that loses nothing. */
  #path = '';
  #content: number | undefined;
  #chunk = Buffer.allocUnsafeSlow(chunkBytes);
  #filled = 0;

  constructor(files: RecipeFiles, diffDirectory: string) {
    this.#files = files;
    this.#diffDirectory = diffDirectory;
    this.#recipe = openSync(files.recipe, 'r');
  }

  /** Pieces of up to 1 MiB, each with memory of its own. */
  *chunks(): Generator<Buffer<ArrayBuffer>> {
    try {
      this.#readMoves();
      for (const block of this.#blocks(recipeMagic.length)) yield* this.#perform(block);
      if (this.#filled > 0) yield this.#take();
    } catch (error) {
      // What Buffer says of a number that lies behind the block's end.
      throw error instanceof RangeError ? damagedRecipe(error) : error;
    }
  }

  [Symbol.dispose](): void {
    this.#closeContent();
    closeSync(this.#recipe);
  }

  *#perform(block: Buffer): Generator<Buffer<ArrayBuffer>> {
    for (let at = 0; at < block.length; ) {
      const kind = block.readUInt8(at);
      at += 1;
      if (kind === operation.bytes) {
        const end = at + 4 + block.readUInt32LE(at);
        if (end > block.length) throw damagedRecipe();
        yield* this.#copy(block.subarray(at + 4, end));
        at = end;
        continue;
      }
      if (kind === operation.file) {
        const end = at + 2 + block.readUInt16LE(at);
        this.#beginFile(block.toString('latin1', at + 2, end));
        at = end;
      } else if (kind !== operation.piece) throw damagedRecipe();
      yield* this.#read({ offset: block.readUIntLE(at, 6), length: block.readUIntLE(at + 6, 6), checksum: block.readUInt32LE(at + 12) });
      at += 16;
    }
  }

  *#copy(bytes: Buffer): Generator<Buffer<ArrayBuffer>> {
    for (let at = 0; at < bytes.length; ) {
      const size = Math.min(bytes.length - at, chunkBytes - this.#filled);
      bytes.copy(this.#chunk, this.#filled, at, at + size);
      this.#filled += size;
      at += size;
      if (this.#filled === chunkBytes) yield this.#take();
    }
  }

  *#read({ offset, length, checksum }: Piece): Generator<Buffer<ArrayBuffer>> {
    const content = this.#content ?? this.#openContent();
    let actual = 0;
    for (let done = 0; done < length; ) {
      const wanted = Math.min(length - done, chunkBytes - this.#filled);
      const size = this.#guard(() => readSync(content, this.#chunk, this.#filled, wanted, offset + done));
      if (size === 0) throw this.#changed('it is shorter than it was');
      actual = crc32(this.#chunk.subarray(this.#filled, this.#filled + size), actual);
      this.#filled += size;
      done += size;
      if (this.#filled < chunkBytes) continue;
      // Before it is handed on, as far as that can be told.
      if (done === length && actual !== checksum) throw this.#changed('its content is another');
      yield this.#take();
    }
    if (actual !== checksum) throw this.#changed('its content is another');
  }

  #take(): Buffer<ArrayBuffer> {
    const full = this.#chunk.subarray(0, this.#filled);
    this.#chunk = Buffer.allocUnsafeSlow(chunkBytes);
    this.#filled = 0;
    return full;
  }

  #beginFile(path: string): void {
    // No file has such a name, and to ask for it would be an error of ours.
    if (path.includes('\0')) throw damagedRecipe();
    this.#closeContent();
    this.#path = path;
    this.#fileCount += 1;
  }

  #openContent(): number {
    const moved = this.#moves.find(this.#path, this.#fileCount - 1);
    const path = moved === undefined ? `${latin1(this.#diffDirectory)}/${this.#path}` : `${latin1(this.#files.kept)}/${moved}`;
    // A fifo in its place would wait for ever.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const descriptor = this.#guard(() => openSync(Buffer.from(path, 'latin1'), flags));
    this.#content = descriptor;
    if (!fstatSync(descriptor).isFile()) throw this.#changed('it is no file any more');
    return descriptor;
  }

  #closeContent(): void {
    if (this.#content !== undefined) closeSync(this.#content);
    this.#content = undefined;
  }

  #guard<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT' || errno === 'ENOTDIR') throw this.#changed('it is gone');
      if (errno === 'ELOOP' || errno === 'EISDIR' || errno === 'ENXIO') throw this.#changed('it is no file any more');
      throw toEngineError(error, 'read', this.#shownPath());
    }
  }

  #changed(why: string): EngineError {
    return new EngineError('corrupt', `its file ${this.#shownPath()} was changed on the disk: ${why}`, {
      details: { file: decodeName(Buffer.from(this.#path, 'latin1')) },
    });
  }

  #shownPath(): string {
    return showName(decodeName(Buffer.from(this.#path, 'latin1')));
  }

  #readMoves(): void {
    const head = this.#bytesAt(0, recipeMagic.length);
    if (!head.equals(recipeMagic)) throw damagedRecipe();
    const size = fstatSync(this.#recipe).size;
    const movesAt = Number(this.#bytesAt(size - footerBytes, footerBytes).readBigUInt64LE());
    for (const block of this.#blocks(movesAt))
      for (let at = 0; at < block.length; ) {
        const end = at + 2 + block.readUInt16LE(at);
        this.#moves.add(block.toString('latin1', at + 2, end), block.readUInt32LE(end));
        at = end + 4;
      }
  }

  *#blocks(start: number): Generator<Buffer> {
    for (let at = start; ; ) {
      const length = this.#bytesAt(at, 4).readUInt32LE();
      if (length === 0) return;
      if (length > maxFrameBytes) throw damagedRecipe();
      yield decodeBlock(this.#bytesAt(at + 4, length));
      at += 4 + length;
    }
  }

  #bytesAt(position: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let done = 0; done < length; ) {
      const size = position < 0 ? 0 : readSync(this.#recipe, bytes, done, length - done, position + done);
      if (size === 0) throw damagedRecipe();
      done += size;
    }
    return bytes;
  }
}

function latin1(path: string): string {
  return Buffer.from(path).toString('latin1');
}
