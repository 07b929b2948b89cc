/** What is signed: containers-signature(5), "The critical object". */
import * as v from 'valibot';
import { EngineError } from '../../base/errors.ts';
import { type Digest, digest } from '../../contract/ids.ts';
import type { ImageSignature } from './format.ts';

export interface Payload {
  readonly digest: Digest;
  /** The name that was signed, as it stands there. */
  readonly reference: string;
}

const types: Readonly<Record<ImageSignature['kind'], string>> = {
  simple: 'atomic container signature',
  sigstore: 'cosign container image signature',
};

/** Unknown keys are refused: they may be conditions that a later version has to obey. */
const payload = v.strictObject({
  critical: v.strictObject({
    type: v.string(),
    image: v.strictObject({ 'docker-manifest-digest': digest }),
    identity: v.strictObject({ 'docker-reference': v.string() }),
  }),
  optional: v.nullish(v.record(v.string(), v.unknown())),
});

/** Of bytes whose signature is good. Errors: `corrupt`. */
export function parsePayload(bytes: Uint8Array, kind: ImageSignature['kind']): Payload {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new EngineError('corrupt', 'what it signs is not JSON', { cause: error });
  }
  const parsed = v.safeParse(payload, document);
  if (!parsed.success) throw new EngineError('corrupt', `what it signs is malformed: ${v.getDotPath(parsed.issues[0]) ?? 'no object'}`);
  const { critical } = parsed.output;
  if (critical.type !== types[kind])
    throw new EngineError('corrupt', `what it signs is of the type ${JSON.stringify(critical.type.slice(0, 80))}, not ${types[kind]}`);
  return { digest: critical.image['docker-manifest-digest'], reference: critical.identity['docker-reference'] };
}

/** `timestampSeconds` since 1970. */
export function makePayload(kind: ImageSignature['kind'], signed: Payload, creator: string, timestampSeconds: number): Buffer {
  return Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': signed.reference },
        image: { 'docker-manifest-digest': signed.digest },
        type: types[kind],
      },
      optional: { creator, timestamp: timestampSeconds },
    }),
  );
}
