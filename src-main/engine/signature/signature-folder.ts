/** signature-1, signature-2, … in a folder: of a lookaside, and of a dir: image. */
import { closeSync, constants, fstatSync, openSync, readSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import { errnoOf, type System } from '../../system/system.ts';
import { formatSignature, type ImageSignature, largestSignatureBytes, mostSignatures, parseSignature } from './format.ts';
import type { FoundSignature } from './verify.ts';

/** Up to the first number that is not there. */
export function readFolder(folder: string): FoundSignature[] {
  const found: FoundSignature[] = [];
  for (let number = 1; number <= mostSignatures; number++) {
    const path = join(folder, `signature-${String(number)}`);
    const bytes = readBounded(path);
    if (!bytes) return found;
    found.push({ where: path, read: () => parseSignature(bytes) });
  }
  return found;
}

/** One byte more than is allowed, at most: enough to be refused. Nothing there, or no plain file: undefined. */
function readBounded(path: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw new EngineError('denied', `cannot read the signature ${path}: ${errnoOf(error) ?? 'unknown error'}`, { cause: error });
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return undefined;
    const bytes = Buffer.alloc(Math.min(stat.size, largestSignatureBytes + 1));
    let done = 0;
    for (let read = -1; done < bytes.length && read !== 0; done += read) read = readSync(fd, bytes, done, bytes.length - done, done);
    return bytes.subarray(0, done);
  } finally {
    closeSync(fd);
  }
}

/** Beside those that there are; answers the path. Errors: `limit-exceeded`. */
export function addToFolder(system: System, folder: string, signature: ImageSignature): string {
  system.files.ensureDirectory(folder, 0o755);
  const numbers = readdirSync(folder).flatMap((name) => /^signature-(\d{1,6})$/.exec(name)?.[1] ?? []);
  const next = Math.max(0, ...numbers.map(Number)) + 1;
  if (next > mostSignatures)
    throw new EngineError('limit-exceeded', `${folder} has ${String(mostSignatures)} signatures, and no reader would look at more`, {
      fix: 'Remove old ones.',
    });
  const path = join(folder, `signature-${String(next)}`);
  system.files.writeDurably(path, formatSignature(signature), { mode: 0o644 });
  return path;
}
