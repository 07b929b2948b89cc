/** Whether a signature for one name is good for what is pulled: containers-policy.json(5), signedIdentity. */
import * as v from 'valibot';
import { EngineError, isEngineError } from '../../base/errors.ts';
import { type Reference, formatReference, parseReference, repositoryName } from '../reference/reference.ts';

// host[:port], with or without a path; no tag and no digest.
const prefix = v.pipe(v.string(), v.regex(/^[a-zA-Z0-9.-]+(?::\d+)?(?:\/[a-z0-9._-]+)*$/, 'no host or repository'));

export const signedIdentity = v.variant('type', [
  v.strictObject({ type: v.literal('matchExact') }),
  v.strictObject({ type: v.literal('matchRepoDigestOrExact') }),
  v.strictObject({ type: v.literal('matchRepository') }),
  v.strictObject({ type: v.literal('exactReference'), dockerReference: v.string() }),
  v.strictObject({ type: v.literal('exactRepository'), dockerRepository: v.string() }),
  v.strictObject({ type: v.literal('remapIdentity'), prefix, signedPrefix: prefix }),
]);
export type SignedIdentity = v.InferOutput<typeof signedIdentity>;

function parse(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (isEngineError(error)) return undefined;
    throw error;
  }
}

function isNameOnly({ tag, digest }: Reference): boolean {
  return tag === undefined && digest === undefined;
}

function isSame(a: Reference, b: Reference): boolean {
  return !isNameOnly(a) && formatReference(a) === formatReference(b);
}

/** What was asked for by tag has to be signed by that tag; by digest, anything of the repository will do: the digest is compared anyhow. */
function isSameOrDigested(intended: Reference, signed: Reference): boolean {
  if (intended.tag !== undefined) return isSame(intended, signed);
  return intended.digest !== undefined && repositoryName(intended) === repositoryName(signed);
}

function remap(intended: Reference, from: string, to: string): Reference {
  const text = formatReference(intended);
  const matches = text === from || (text.startsWith(from) && '/:@'.includes(text.charAt(from.length)));
  return matches ? parseReference(to + text.slice(from.length)) : intended;
}

/** @param intended undefined where a transport knows no names (dir, oci): only the exact… rules can be met then */
export function acceptsIdentity(rule: SignedIdentity, intended: Reference | undefined, signedName: string): boolean {
  const signed = parse(signedName);
  if (!signed) return false;
  switch (rule.type) {
    case 'exactReference':
      return isSame(parseGiven(rule.dockerReference), signed);
    case 'exactRepository':
      return repositoryName(parseGiven(rule.dockerRepository)) === repositoryName(signed);
    default:
      return intended !== undefined && acceptsIntended(rule, intended, signed);
  }
}

function acceptsIntended(
  rule: Exclude<SignedIdentity, { readonly type: 'exactReference' | 'exactRepository' }>,
  intended: Reference,
  signed: Reference,
): boolean {
  switch (rule.type) {
    case 'matchExact':
      return isSame(intended, signed);
    case 'matchRepoDigestOrExact':
      return isSameOrDigested(intended, signed);
    case 'matchRepository':
      return repositoryName(intended) === repositoryName(signed);
    case 'remapIdentity':
      return isSameOrDigested(remap(intended, rule.prefix, rule.signedPrefix), signed);
  }
}

function parseGiven(text: string): Reference {
  const reference = parse(text);
  if (!reference) throw new EngineError('corrupt', `the policy names ${JSON.stringify(text)}, which is no name of an image`);
  return reference;
}
