/** sigstore signatures by key: a payload and, in an annotation, its bare signature, as cosign makes them. */
import { type KeyObject, createPublicKey, sign, verify } from 'node:crypto';
import { EngineError } from '../../base/errors.ts';
import type { ImageSignature } from './format.ts';
import type { KeyFile } from './requirement.ts';

export const sigstoreMimeType = 'application/vnd.dev.cosign.simplesigning.v1+json';
export const signatureAnnotation = 'dev.cosignproject.cosign/signature';

const smallestRsaBits = 2048;

/** Errors: `denied` for one that is no key, or not of a kind that is known. */
export function parsePublicKeys(files: readonly KeyFile[]): KeyObject[] {
  return files.map(({ name, bytes }) => {
    const text = bytes.toString('utf8');
    // A private key would be taken, too: but whoever names one here has published it.
    if (!text.includes('-----BEGIN PUBLIC KEY-----'))
      throw new EngineError('denied', `${name} is no public key in PEM`, {
        fix: 'Give a file that begins with -----BEGIN PUBLIC KEY-----.',
      });
    try {
      return checkKey(createPublicKey(text), name);
    } catch (error) {
      if (error instanceof EngineError) throw error;
      throw new EngineError('denied', `${name} is no whole public key`, { cause: error });
    }
  });
}

export function checkKey(key: KeyObject, name: string): KeyObject {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519' || type === 'ec') return key;
  if (type === 'rsa' && (details?.modulusLength ?? 0) >= smallestRsaBits) return key;
  throw new EngineError(
    'denied',
    `${name} is a key of a kind that is not taken (${type ?? 'unknown'}): ECDSA, RSA of 2048 bits, Ed25519 are`,
  );
}

/** Ed25519 hashes by itself. */
function hashOf(key: KeyObject): string | null {
  return key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
}

/** The payload, when one of the keys has signed it. Errors: `denied`, `corrupt`. */
export function verifySigstore(signature: ImageSignature, keys: readonly KeyObject[]): Buffer {
  if (signature.kind !== 'sigstore' || signature.mimeType !== sigstoreMimeType)
    throw new EngineError('corrupt', 'it is no sigstore signature of an image');
  const { payload, annotations } = signature;
  const text = annotations[signatureAnnotation];
  if (text === undefined) throw new EngineError('corrupt', `it lacks its annotation ${signatureAnnotation}`);
  const bare = Buffer.from(text, 'base64');
  if (keys.some((key) => verify(hashOf(key), payload, key, bare))) return payload;
  throw new EngineError('denied', 'it is by another key, or its payload was changed');
}

export function signSigstore(payload: Buffer, key: KeyObject): ImageSignature {
  const annotations = { [signatureAnnotation]: sign(hashOf(key), payload, key).toString('base64') };
  return { kind: 'sigstore', mimeType: sigstoreMimeType, payload, annotations };
}
