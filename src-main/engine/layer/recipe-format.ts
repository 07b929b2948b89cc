/**
 * A recipe is what it takes, besides the files of a diff directory, to put a layer's tar stream together again byte for byte: headers,
 * padding and whatever else is no file's content, and where each file's content belongs. tar-split keeps the same for containers/storage.
 *
 *   SNAPSHOT/recipe   8 bytes of magic, blocks of operations, an empty block, blocks of moves, an empty block, 8 bytes: where the moves begin
 *   SNAPSHOT/kept/N   what was moved away by move N: entries that the same archive replaced later, whose content it still has to give
 *
 * A block is its compressed length (32 bits, little endian, as all numbers) and a zstd frame. Operations do not cross blocks:
 *   1 length:4 bytes                                    as they are
 *   2 length:2 path offset:6 length:6 crc32:4           so much of the file at that path, from that offset on; the checksum is of all of it
 *   3 offset:6 length:6 crc32:4                         the same of the file of the last operation 2: sparse files have several pieces
 * A move is `length:2 path at:4`: after so many operations 2 that path, with all below it, was moved into kept/.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';

export const recipeMagic = Buffer.from('selkieR1', 'latin1');

export const operation = { bytes: 1, file: 2, piece: 3 } as const;

/** Uncompressed; large enough that zstd sees how headers resemble each other. */
export const blockBytes = 512 * 1024;
/** What an operation takes besides bytes and path. */
export const operationBytes = 32;

export interface RecipeFiles {
  readonly recipe: string;
  readonly kept: string;
}

/** Beside the diff directory: it comes and goes with its snapshot. */
export function recipeFilesIn(snapshotDirectory: string): RecipeFiles {
  return { recipe: join(snapshotDirectory, 'recipe'), kept: join(snapshotDirectory, 'kept') };
}

/** With its length in front. Level 1: headers compress well anyhow, and the unpacking waits for it. */
export function encodeBlock(bytes: Buffer): Buffer {
  const frame = zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 } });
  const block = Buffer.allocUnsafe(4 + frame.length);
  block.writeUInt32LE(frame.length, 0);
  frame.copy(block, 4);
  return block;
}

/** `corrupt` when it is no whole frame. */
export function decodeBlock(frame: Buffer): Buffer {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: blockBytes });
  } catch (error) {
    throw damagedRecipe(error);
  }
}

export function damagedRecipe(cause?: unknown): EngineError {
  return new EngineError('corrupt', 'its recipe is damaged', cause === undefined ? {} : { cause });
}
