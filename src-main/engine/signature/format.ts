/** One signature as a file has it: containers/image's internal format for all kinds but the oldest. */
import * as v from 'valibot';
import { EngineError } from '../../base/errors.ts';

export type ImageSignature =
  | { readonly kind: 'simple'; readonly bytes: Buffer }
  | {
      readonly kind: 'sigstore';
      readonly mimeType: string;
      readonly payload: Buffer;
      readonly annotations: Readonly<Record<string, string>>;
    };

/** A real one has some hundred bytes; containers/image takes as much. */
export const largestSignatureBytes = 4 * 1024 * 1024;
/** Of one manifest. */
export const mostSignatures = 128;

const sigstoreMark = Buffer.from('\0sigstore-json\n', 'latin1');
const sigstoreFile = v.object({
  mimeType: v.string(),
  payload: v.pipe(v.string(), v.base64()),
  annotations: v.nullish(v.record(v.string(), v.string()), {}),
});

/** Errors: `limit-exceeded`, `corrupt`, `unsupported` (a kind that is not known). */
export function parseSignature(bytes: Buffer): ImageSignature {
  if (bytes.length > largestSignatureBytes)
    throw new EngineError('limit-exceeded', `it is larger than ${String(largestSignatureBytes)} bytes`);
  const [first] = bytes;
  if (first === undefined) throw new EngineError('corrupt', 'it is empty');
  // RFC 4880, 4.2: the first bit of an OpenPGP packet is set, which no text and no other format here has.
  if (first >= 0x80) return { kind: 'simple', bytes };
  if (bytes.subarray(0, sigstoreMark.length).equals(sigstoreMark)) return parseSigstoreFile(bytes.subarray(sigstoreMark.length));
  if (first === 0) throw new EngineError('unsupported', 'it is a signature of a kind that is not known');
  throw new EngineError('corrupt', first === 0x3c ? 'it is a web page (HTML), no signature' : 'it is no signature');
}

function parseSigstoreFile(bytes: Buffer): ImageSignature {
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new EngineError('corrupt', 'its sigstore form is not JSON', { cause: error });
  }
  const parsed = v.safeParse(sigstoreFile, document);
  if (!parsed.success) throw new EngineError('corrupt', `its sigstore form is malformed: ${v.getDotPath(parsed.issues[0]) ?? 'no object'}`);
  const { mimeType, payload, annotations } = parsed.output;
  return { kind: 'sigstore', mimeType, payload: Buffer.from(payload, 'base64'), annotations };
}

export function formatSignature(signature: ImageSignature): Buffer {
  if (signature.kind === 'simple') return signature.bytes;
  const { mimeType, payload, annotations } = signature;
  return Buffer.concat([sigstoreMark, Buffer.from(JSON.stringify({ mimeType, payload: payload.toString('base64'), annotations }))]);
}
