import { closeSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { EngineError } from '../../base/errors.ts';
import { toFsPath } from './byte-name.ts';
import { blockBytes, encodeBlock, operation, operationBytes, recipeMagic } from './recipe-format.ts';
import type { RecipeFiles } from './recipe-format.ts';

/** No honest archive has so many entries that it replaces itself; all are remembered until the end. */
const maxMoves = 500_000;

interface Move {
  readonly path: Buffer;
  readonly at: number;
}

interface Piece {
  readonly offset: number;
  length: number;
  checksum: number;
}

/** Writes the recipe of a layer while it is unpacked; see recipe-format.ts. Synchronous. */
export class RecipeWriter {
  readonly #files: RecipeFiles;
  readonly #countBytes: (bytes: number) => void;
  readonly #descriptor: number;
  readonly #block = Buffer.allocUnsafe(blockBytes);
  readonly #moves: Move[] = [];
  #filled = 0;
  /** Where the length of the last operation stands, when that is one of bytes that may grow. */
  #openBytes = -1;
  #position = 0;
  /** Operations of kind `file`. */
  #fileCount = 0;
  #path: Buffer | undefined;
  #pathWritten = false;
  #piece: Piece | undefined;
  #closed = false;

  /** @param countBytes is told what is about to be written to the disk, and throws when it has no room */
  constructor(files: RecipeFiles, countBytes: (bytes: number) => void) {
    this.#files = files;
    this.#countBytes = countBytes;
    this.#descriptor = openSync(files.recipe, 'wx', 0o600);
    this.#write(recipeMagic);
  }

  /** Part of the archive that is in no file. */
  bytes(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#openBytes < 0) {
        this.#room(operationBytes * 2);
        this.#block[this.#filled] = operation.bytes;
        this.#openBytes = this.#filled + 1;
        this.#block.writeUInt32LE(0, this.#openBytes);
        this.#filled += 5;
      }
      const size = Math.min(chunk.length - at, blockBytes - this.#filled);
      chunk.copy(this.#block, this.#filled, at, at + size);
      this.#block.writeUInt32LE(this.#block.readUInt32LE(this.#openBytes) + size, this.#openBytes);
      this.#filled += size;
      at += size;
      if (this.#filled === blockBytes) this.#flush();
    }
  }

  /** What follows as `data` is the content of this file, by its path in the diff directory. */
  beginFile(path: string): void {
    this.#path = Buffer.from(toFsPath(path));
    this.#pathWritten = false;
  }

  data(chunk: Buffer, position: number): void {
    const piece = this.#piece;
    if (piece && piece.offset + piece.length === position) {
      piece.length += chunk.length;
      piece.checksum = crc32(chunk, piece.checksum);
      return;
    }
    this.#endPiece();
    this.#piece = { offset: position, length: chunk.length, checksum: crc32(chunk) };
  }

  endFile(): void {
    this.#endPiece();
    this.#path = undefined;
  }

  /** Takes away what the archive replaces, and remembers where to. */
  moveAway(path: string, absolute: string): void {
    if (this.#moves.length >= maxMoves)
      throw new EngineError('limit-exceeded', `the layer replaces more than ${String(maxMoves)} of its own entries`);
    if (this.#moves.length === 0) mkdirSync(this.#files.kept, { mode: 0o700 });
    renameSync(toFsPath(absolute), `${this.#files.kept}/${String(this.#moves.length)}`);
    this.#moves.push({ path: Buffer.from(toFsPath(path)), at: this.#fileCount });
  }

  finish(): void {
    this.#flush();
    this.#writeEnd();
    const movesAt = this.#position;
    for (const { path, at } of this.#moves) {
      this.#room(path.length + operationBytes);
      this.#putPath(path);
      this.#block.writeUInt32LE(at, this.#filled);
      this.#filled += 4;
    }
    this.#flush();
    this.#writeEnd();
    const footer = Buffer.alloc(8);
    footer.writeBigUInt64LE(BigInt(movesAt));
    this.#write(footer);
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#descriptor);
  }

  #endPiece(): void {
    const piece = this.#piece;
    const path = this.#path;
    this.#piece = undefined;
    if (!piece || !path) return;
    this.#room((this.#pathWritten ? 0 : path.length) + operationBytes);
    this.#block[this.#filled] = this.#pathWritten ? operation.piece : operation.file;
    this.#filled += 1;
    if (!this.#pathWritten) {
      this.#putPath(path);
      this.#fileCount += 1;
      this.#pathWritten = true;
    }
    this.#filled = this.#block.writeUIntLE(piece.offset, this.#filled, 6);
    this.#filled = this.#block.writeUIntLE(piece.length, this.#filled, 6);
    this.#filled = this.#block.writeUInt32LE(piece.checksum, this.#filled);
    this.#openBytes = -1;
  }

  #putPath(path: Buffer): void {
    this.#filled = this.#block.writeUInt16LE(path.length, this.#filled);
    this.#filled += path.copy(this.#block, this.#filled);
  }

  #room(bytes: number): void {
    if (this.#filled + bytes > blockBytes) this.#flush();
  }

  #flush(): void {
    if (this.#filled > 0) this.#write(encodeBlock(this.#block.subarray(0, this.#filled)));
    this.#filled = 0;
    this.#openBytes = -1;
  }

  #writeEnd(): void {
    this.#write(Buffer.alloc(4));
  }

  #write(bytes: Buffer): void {
    this.#countBytes(bytes.length);
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#descriptor, bytes, done);
    this.#position += bytes.length;
  }
}
