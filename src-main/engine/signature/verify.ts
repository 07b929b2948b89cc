/** One requirement of a policy against the signatures that there are. */
import { EngineError, isEngineError, messageOf } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { System } from '../../system/system.ts';
import type { Reference } from '../reference/reference.ts';
import type { ImageSignature } from './format.ts';
import { openKeyring } from './gpg.ts';
import { acceptsIdentity } from './identity.ts';
import { type Payload, parsePayload } from './payload.ts';
import type { SignatureRequirement } from './requirement.ts';
import { parsePublicKeys, verifySigstore } from './sigstore.ts';

export interface FoundSignature {
  /** Where it lies, for messages. */
  readonly where: string;
  /** `corrupt`, `limit-exceeded`, `unsupported` for one that is none. */
  readonly read: () => ImageSignature;
}

export interface SignedObject {
  /** Of the manifest that is taken. */
  readonly digest: Digest;
  /** As it was asked for; undefined where the transport knows no names. */
  readonly reference: Reference | undefined;
  readonly signatures: readonly FoundSignature[];
}

interface Verifier extends AsyncDisposable {
  readonly kind: ImageSignature['kind'];
  /** What was signed, by a key of the requirement. Throws `denied` otherwise. */
  verify(signature: ImageSignature): Promise<Uint8Array>;
}

async function openVerifier(requirement: SignatureRequirement, system: System, signal: AbortSignal | undefined): Promise<Verifier> {
  if (requirement.type === 'signedBy') {
    const keyring = await openKeyring(system, requirement.keys(), signal);
    return {
      kind: 'simple',
      verify: (signature) => keyring.verify(signature.kind === 'simple' ? signature.bytes : Buffer.alloc(0)),
      [Symbol.asyncDispose]: () => keyring[Symbol.asyncDispose](),
    };
  }
  const keys = parsePublicKeys(requirement.keys());
  return {
    kind: 'sigstore',
    verify: async (signature) => Promise.resolve(verifySigstore(signature, keys)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Resolves when one signature is good. Throws `denied` with the reason of each, `missing-tool` (gpg), `cancelled`. */
export async function verifyRequirement(
  requirement: SignatureRequirement,
  object: SignedObject,
  system: System,
  signal?: AbortSignal,
): Promise<void> {
  await using verifier = await openVerifier(requirement, system, signal);
  const reasons: string[] = [];
  for (const { where, read } of object.signatures) {
    try {
      const signature = read();
      if (signature.kind !== verifier.kind) {
        reasons.push(`${where}: it is of the other kind (${signature.kind} signing)`);
        continue;
      }
      checkPayload(parsePayload(await verifier.verify(signature), signature.kind), requirement, object);
      return;
    } catch (error) {
      if (!isEngineError(error) || error.code === 'cancelled' || error.code === 'missing-tool') throw error;
      reasons.push(`${where}: ${messageOf(error)}`);
    }
  }
  throw new EngineError('denied', reasons.length === 0 ? 'it has no signature' : shorten(reasons));
}

const mostReasons = 4;

function shorten(reasons: readonly string[]): string {
  const rest = reasons.length - mostReasons;
  const shown = reasons.slice(0, mostReasons).join('; ');
  return rest > 0 ? `${shown}; and ${String(rest)} more` : shown;
}

function checkPayload(payload: Payload, { identity }: SignatureRequirement, { digest, reference }: SignedObject): void {
  if (payload.digest !== digest) throw new EngineError('denied', `it is for another manifest (${payload.digest}, not ${digest})`);
  if (!acceptsIdentity(identity, reference, payload.reference))
    throw new EngineError('denied', `it is for another name (${JSON.stringify(payload.reference.slice(0, 200))}, by ${identity.type})`);
}
