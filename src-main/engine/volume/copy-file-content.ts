import { closeSync, constants, copyFileSync, ftruncateSync, openSync, readSync, writeSync, type BigIntStats } from 'node:fs';
import { copyFile } from 'node:fs/promises';

/** Above it the copy goes to a thread of the pool instead of stopping the event loop. */
const largeBytes = 1 << 20;
const chunkBytes = 1 << 20;
const flags = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;

/** A regular file; holes stay holes, so that a file of a terabyte that takes a page takes a page again. */
export async function copyFileContent(from: Buffer, to: string, stats: BigIntStats): Promise<void> {
  if (stats.blocks * 512n < stats.size) await copySparse(from, to, Number(stats.size));
  else if (stats.size > largeBytes) await copyFile(from, to, flags);
  else copyFileSync(from, to, flags);
}

async function copySparse(from: Buffer, to: string, size: number): Promise<void> {
  const source = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const target = openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      ftruncateSync(target, size);
      const buffer = Buffer.alloc(chunkBytes);
      const zeros = Buffer.alloc(chunkBytes);
      for (let offset = 0; offset < size; ) {
        const length = readSync(source, buffer, 0, chunkBytes, offset);
        if (length === 0) return;
        if (buffer.compare(zeros, 0, length, 0, length) !== 0) writeSync(target, buffer, 0, length, offset);
        offset += length;
        // One chunk a turn.
        await new Promise((done) => setImmediate(done));
      }
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}
