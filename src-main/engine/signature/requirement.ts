/** The requirements of containers-policy.json(5) that ask for a signature. */
import { readFileSync, statSync } from 'node:fs';
import * as v from 'valibot';
import { EngineError, messageOf } from '../../base/errors.ts';
import { type SignedIdentity, signedIdentity } from './identity.ts';

export interface KeyFile {
  /** For messages: its path, or where it stands in the policy. */
  readonly name: string;
  readonly bytes: Buffer;
}

export interface SignatureRequirement {
  readonly type: 'signedBy' | 'sigstoreSigned';
  readonly identity: SignedIdentity;
  /** Read at the moment of use. `denied` for one that cannot be read. */
  keys(): readonly KeyFile[];
}

export const signatureTypes: ReadonlySet<string> = new Set(['signedBy', 'sigstoreSigned', 'signedBaseLayer']);

const largestKeyBytes = 4 * 1024 * 1024;
const paths = v.pipe(v.array(v.string()), v.nonEmpty('no key'));
const data = v.pipe(v.string(), v.base64('no base64'));
const identity = v.optional(signedIdentity, { type: 'matchRepoDigestOrExact' });

const keySources = {
  keyPath: v.optional(v.string()),
  keyPaths: v.optional(paths),
  keyData: v.optional(data),
};

const signedBy = v.strictObject({ type: v.literal('signedBy'), keyType: v.string(), ...keySources, signedIdentity: identity });

const sigstoreSigned = v.strictObject({
  type: v.literal('sigstoreSigned'),
  ...keySources,
  keyDatas: v.optional(v.pipe(v.array(data), v.nonEmpty('no key'))),
  fulcio: v.optional(v.unknown()),
  pki: v.optional(v.unknown()),
  rekorPublicKeyPath: v.optional(v.unknown()),
  rekorPublicKeyPaths: v.optional(v.unknown()),
  rekorPublicKeyData: v.optional(v.unknown()),
  rekorPublicKeyDatas: v.optional(v.unknown()),
  signedIdentity: identity,
});

const cannot = {
  fulcio: 'certificates of a Fulcio authority cannot be verified by this version',
  pki: 'certificates of an own authority (pki) cannot be verified by this version',
  rekorPublicKeyPath: 'entries of a Rekor log cannot be verified by this version',
  rekorPublicKeyPaths: 'entries of a Rekor log cannot be verified by this version',
  rekorPublicKeyData: 'entries of a Rekor log cannot be verified by this version',
  rekorPublicKeyDatas: 'entries of a Rekor log cannot be verified by this version',
} as const;

/** Errors: `corrupt` (malformed), `unsupported` (named). */
export function parseSignatureRequirement(document: { readonly type: string }): SignatureRequirement {
  if (document.type === 'signedBaseLayer')
    throw new EngineError('unsupported', 'signatures of base layers cannot be verified by this version, nor by any other tool');
  const parsed = v.safeParse(v.variant('type', [signedBy, sigstoreSigned]), document);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new EngineError(
      'corrupt',
      `${document.type} is malformed: ${v.getDotPath(issue) ?? 'the object'}: ${issue.message.slice(0, 120)}`,
    );
  }
  const requirement = parsed.output;
  if (requirement.type === 'signedBy') checkKeyType(requirement.keyType);
  else for (const [name, why] of Object.entries(cannot)) if (Object.hasOwn(requirement, name)) throw new EngineError('unsupported', why);
  const sources = sourcesOf(requirement);
  return { type: requirement.type, identity: requirement.signedIdentity, keys: () => sources.map((read) => read()) };
}

function checkKeyType(keyType: string): void {
  if (keyType === 'GPGKeys') return;
  if (['signedByGPGKeys', 'X509Certificates', 'signedByX509CAs'].includes(keyType))
    throw new EngineError('unsupported', `keys of the type ${keyType} cannot be used by any tool; GPGKeys can`);
  throw new EngineError('corrupt', `signedBy has the key type ${JSON.stringify(keyType.slice(0, 80))}, which is not known`);
}

function sourcesOf(requirement: v.InferOutput<typeof signedBy> | v.InferOutput<typeof sigstoreSigned>): (() => KeyFile)[] {
  const datas = requirement.type === 'sigstoreSigned' ? requirement.keyDatas : undefined;
  const given = [requirement.keyPath, requirement.keyPaths, requirement.keyData, datas].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw new EngineError('corrupt', `${requirement.type} needs exactly one of keyPath, keyPaths, keyData${datas ? ', keyDatas' : ''}`);
  const files = requirement.keyPaths ?? (requirement.keyPath === undefined ? [] : [requirement.keyPath]);
  const inline = datas ?? (requirement.keyData === undefined ? [] : [requirement.keyData]);
  return [
    ...files.map((path) => () => readKey(path)),
    ...inline.map((text, index) => () => ({ name: `key ${String(index + 1)} in the policy`, bytes: Buffer.from(text, 'base64') })),
  ];
}

function readKey(path: string): KeyFile {
  try {
    const { size } = statSync(path);
    if (size > largestKeyBytes) throw new Error(`it is larger than ${String(largestKeyBytes)} bytes`);
    return { name: path, bytes: readFileSync(path) };
  } catch (error) {
    throw new EngineError('denied', `cannot read the key ${path}: ${messageOf(error)}`, {
      fix: `Put the key there, or change the policy.`,
      cause: error,
    });
  }
}
