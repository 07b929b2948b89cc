/**
 * What containers/storage and Docker keep of a layer's tar beside its files (github.com/vbatts/tar-split, tar/storage): gzip of JSON lines in the
 * order of the tar. An entry of type 2 has raw bytes (headers, padding); one of type 1 stands for the content of a file, of `size` bytes, with
 * its CRC-64; one without a size stands for nothing. Names that are not UTF-8 are in `name_raw`.
 */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import * as v from 'valibot';
import { EngineError, isEngineError, messageOf } from '../../base/errors.ts';
import { errnoOf } from '../../system/errno.ts';

export type TarPart =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'file'; readonly name: Buffer; readonly sizeBytes: number; readonly checksum: Buffer };

/** Headers of one entry, as base64: a pax header has at most a megabyte, see the layer room's limits. */
const longestLine = 16 * 1024 * 1024;
const chunkBytes = 1 << 18;
const fileType = 1;
const segmentType = 2;

const base64 = v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]*={0,2}$/, 'not base64'));
const entry = v.object({
  type: v.picklist([fileType, segmentType]),
  name: v.nullish(v.string(), ''),
  name_raw: v.nullish(base64, ''),
  size: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER)), 0),
  payload: v.nullish(base64, ''),
});

/** Undefined for an entry that stands for nothing. Errors: `corrupt`. */
export function parseTarSplitLine(line: string): TarPart | undefined {
  let document: unknown;
  try {
    document = JSON.parse(line);
  } catch (error) {
    throw new EngineError('corrupt', 'its tar-split data has a line that is not JSON', { cause: error });
  }
  const parsed = v.safeParse(entry, document);
  if (!parsed.success)
    throw new EngineError(
      'corrupt',
      `its tar-split data is malformed: ${v.getDotPath(parsed.issues[0]) ?? 'a line'}: ${parsed.issues[0].message.slice(0, 120)}`,
    );
  const { type, name, name_raw: raw, size, payload } = parsed.output;
  const bytes = Buffer.from(payload, 'base64');
  if (type === segmentType) return bytes.length === 0 ? undefined : { kind: 'bytes', bytes };
  if (size === 0) return undefined;
  return { kind: 'file', name: raw === '' ? Buffer.from(name) : Buffer.from(raw, 'base64'), sizeBytes: size, checksum: bytes };
}

/**
 * The parts of the tar, in its order. Errors: `not-found` when there is no such file, `corrupt` when it is damaged or cut off, `limit-exceeded`.
 * @param path of a `.tar-split.gz` or `tar-split.json.gz`
 */
export async function* readTarSplit(path: string): AsyncGenerator<TarPart> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of decompressed(path)) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      const line = Buffer.concat([...rest, chunk.subarray(from, end)]);
      [rest, restBytes, from] = [[], 0, end + 1];
      const part = line.length === 0 ? undefined : parseTarSplitLine(line.toString('utf8'));
      if (part) yield part;
    }
    rest.push(chunk.subarray(from));
    restBytes += chunk.length - from;
    if (restBytes > longestLine)
      throw new EngineError('limit-exceeded', `its tar-split data has a line of more than ${String(longestLine)} bytes`);
  }
  const last = restBytes === 0 ? undefined : parseTarSplitLine(Buffer.concat(rest).toString('utf8'));
  if (last) yield last;
}

/** Of the whole tar. */
export async function tarBytesOf(path: string): Promise<number> {
  let total = 0;
  for await (const part of readTarSplit(path)) total += part.kind === 'bytes' ? part.bytes.length : part.sizeBytes;
  return total;
}

async function* decompressed(path: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: chunkBytes });
  // Its errors come out of the last stream, whose reader is told.
  pipeline(createReadStream(path, { highWaterMark: chunkBytes }), gunzip, () => undefined);
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    if (isEngineError(error)) throw error;
    const errno = errnoOf(error);
    if (errno === 'ENOENT')
      throw new EngineError('not-found', 'it has no tar-split data, so that its archive cannot be put together again');
    if (errno === 'EACCES' || errno === 'EPERM') throw new EngineError('denied', `its tar-split data cannot be read: ${messageOf(error)}`);
    throw new EngineError('corrupt', `its tar-split data is damaged: ${messageOf(error)}`, { cause: error });
  } finally {
    gunzip.destroy();
  }
}
