/** Small files of another program's store. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import * as v from 'valibot';
import { EngineError } from '../../base/errors.ts';
import { errnoOf, toEngineError } from '../../system/errno.ts';

/** A store of ten thousand images has an index of some ten megabytes. */
const largestBytes = 256 * 1024 * 1024;

/** Undefined when it is not there. Errors: `denied`, `limit-exceeded`. */
export function readDocument(path: string): Buffer | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile()) throw new EngineError('corrupt', `${path} is no file`);
      if (stats.size > largestBytes) throw new EngineError('limit-exceeded', `${path} has more than ${String(largestBytes)} bytes`);
      return readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw toEngineError(error, 'read', path);
  }
}

/** As `readDocument`, read as JSON of that shape. `corrupt` names the file and the place in it. */
export function readJson<S extends v.GenericSchema>(path: string, shape: S): v.InferOutput<S> | undefined {
  const bytes = readDocument(path);
  if (bytes === undefined) return undefined;
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new EngineError('corrupt', `${path} is not JSON`, { cause: error });
  }
  const parsed = v.safeParse(shape, document);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new EngineError('corrupt', `${path} is malformed: ${v.getDotPath(issue) ?? 'the document'}: ${issue.message.slice(0, 120)}`);
}
