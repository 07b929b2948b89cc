/** containers-policy.json(5): what may come into the store at all, and what signatures it needs for that. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { EngineError, isEngineError, messageOf } from '../../base/errors.ts';
import type { System } from '../../system/system.ts';
import {
  type SignatureRequirement,
  type SignedObject,
  parseSignatureRequirement,
  signatureTypes,
  verifyRequirement,
} from '../signature/signature.ts';

/** What is about to come in, in the policy's terms. */
export interface PolicyScope {
  readonly transport: 'docker' | 'docker-archive' | 'oci' | 'oci-archive' | 'dir' | 'tarball' | 'containers-storage' | 'docker-daemon';
  /** Most specific first, without the transport's default "". */
  readonly scopes: readonly string[];
  /** For messages. */
  readonly name: string;
  /** It came with the product: a host without a policy takes it all the same. */
  readonly own?: boolean;
}

export interface PolicyFiles {
  readonly homeDirectory: string;
  readonly systemDirectory?: string;
}

const requirement = v.looseObject({ type: v.string() });
const requirements = v.pipe(v.array(requirement), v.nonEmpty('an empty list of requirements'));
const policyFile = v.object({
  default: requirements,
  transports: v.optional(v.record(v.string(), v.record(v.string(), requirements)), {}),
});
type PolicyFile = v.InferOutput<typeof policyFile>;

/** Scopes of the docker transport: the reference, its repository, each namespace, the host, then wildcards of its domain. */
export function dockerScopes(reference: string, repositoryName: string): string[] {
  const parts = repositoryName.split('/');
  const namespaces = parts.map((_part, index) => parts.slice(0, parts.length - index).join('/'));
  const labels = (parts[0] ?? '').replace(/:[0-9]+$/, '').split('.');
  const wildcards = labels.slice(1).map((_label, index) => `*.${labels.slice(index + 1).join('.')}`);
  return [reference, ...namespaces, ...wildcards];
}

/** Scopes of the oci transports: the path and each folder above it, without the root. */
export function pathScopes(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return parts.map((_part, index) => `/${parts.slice(0, parts.length - index).join('/')}`);
}

/** Whether or not they are there; the user's decides where both are. */
export function policyCandidates(files: PolicyFiles): { readonly user: string; readonly system: string } {
  return {
    user: join(files.homeDirectory, '.config/containers/policy.json'),
    system: join(files.systemDirectory ?? '/etc', 'containers/policy.json'),
  };
}

function readPolicy(files: PolicyFiles): { readonly path: string; readonly policy: PolicyFile } | undefined {
  const { user, system } = policyCandidates(files);
  for (const path of [user, system]) {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) continue;
      throw new EngineError('denied', `cannot read the policy ${path}: ${messageOf(error)}`, { cause: error });
    }
    let document: unknown;
    try {
      document = JSON.parse(text);
    } catch (error) {
      throw new EngineError('corrupt', `the policy ${path} is not JSON: ${messageOf(error)}`, { fix: `Correct ${path}.`, cause: error });
    }
    const parsed = v.safeParse(policyFile, document);
    if (!parsed.success) {
      const issue = parsed.issues[0];
      throw new EngineError('corrupt', `the policy ${path}: ${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`, {
        fix: `Correct ${path}.`,
      });
    }
    return { path, policy: parsed.output };
  }
  return undefined;
}

/** What Debian's package has, and what a person who wants no signatures would write. */
const acceptsAll = '{"default":[{"type":"insecureAcceptAnything"}]}';

function noPolicy(scope: PolicyScope, files: PolicyFiles): EngineError {
  const { user, system } = policyCandidates(files);
  const fix =
    `install the package golang-github-containers-common (containers-common on other distributions than Debian and Ubuntu), ` +
    `or write ${user} yourself; to accept every image: ${acceptsAll}`;
  return new EngineError(
    'denied',
    `${scope.name} is refused: no policy says which images to trust: open ${system}: no such file or directory`,
    {
      fix,
      details: { files: [user, system] },
    },
  );
}

/** What is still to be shown; without requirements it may come in. */
export interface PolicyDecision {
  readonly requirements: readonly SignatureRequirement[];
  /** The policy's file and the scope, for messages. */
  readonly where: string;
}

/**
 * Throws `denied` when it is rejected, as Podman does also where there is no policy at all; requirements that cannot be verified are refused by
 * name. Needs neither network nor keys.
 */
export function decidePolicy(scope: PolicyScope, files: PolicyFiles): PolicyDecision {
  const found = readPolicy(files);
  if (!found) {
    if (scope.own === true) return { requirements: [], where: '' };
    throw noPolicy(scope, files);
  }
  const { path, policy } = found;
  const transport = policy.transports[scope.transport] ?? {};
  const matched = [...scope.scopes, ''].find((one) => Object.hasOwn(transport, one));
  const applicable = matched === undefined ? policy.default : (transport[matched] ?? policy.default);
  const where = `${path} (${matched === undefined ? 'by default' : `for ${scope.transport}:${matched}`})`;
  if (applicable.some(({ type }) => type === 'reject'))
    throw new EngineError('denied', `${scope.name} is rejected by the policy ${where}`, {
      fix: `Change ${path}, or use another image.`,
      details: refusal(where, 'reject', 'rejected'),
    });
  const requirements = applicable
    .filter(({ type }) => type !== 'insecureAcceptAnything')
    .map((one) => toRequirement(one, scope.name, { where, path }));
  return { requirements, where };
}

function toRequirement(
  document: v.InferOutput<typeof requirement>,
  name: string,
  { where, path }: { readonly where: string; readonly path: string },
): SignatureRequirement {
  const { type } = document;
  try {
    if (!signatureTypes.has(type)) throw new EngineError('unsupported', 'this requirement is not known');
    return parseSignatureRequirement(document);
  } catch (error) {
    if (!isEngineError(error)) throw error;
    throw new EngineError('denied', `${name} needs ${type.slice(0, 80)} by the policy ${where}, and ${error.message}`, {
      fix: error.code === 'corrupt' ? `Correct ${path}.` : `Pull it with a tool that verifies ${type.slice(0, 80)}, or change ${path}.`,
      details: refusal(where, type, 'cannot-verify'),
      cause: error,
    });
  }
}

/** For programs: by which policy, for which scope, and what the matter was. */
function refusal(policy: string, requirement: string, reason: 'rejected' | 'unsigned' | 'wrong-signature' | 'cannot-verify') {
  return { policy, requirement: requirement.slice(0, 80), reason };
}

function toSign({ type }: SignatureRequirement, { signatures }: SignedObject): string {
  const how = type === 'signedBy' ? 'with gpg' : 'with sigstore';
  return signatures.length === 0
    ? `Ask its publisher to sign it ${how}, or change what the policy asks of this registry: selkie image trust set.`
    : `Get the publisher's present key into the policy, or ask them to sign it ${how} again; do not use the image before.`;
}

/** Of what comes by a transport that carries no signatures. */
export function checkPolicy(scope: PolicyScope, files: PolicyFiles): void {
  const { requirements, where } = decidePolicy(scope, files);
  const [first] = requirements;
  if (!first) return;
  throw new EngineError(
    'denied',
    `${scope.name} needs ${first.type} by the policy ${where}, and ${scope.transport} carries no signatures`,
    {
      fix: 'Pull it from a registry, or change the policy.',
      details: refusal(where, first.type, 'unsigned'),
    },
  );
}

/** Every requirement has to be met. Throws `denied` with what was wrong with each signature; `missing-tool` (gpg). */
export async function verifyPolicy(
  { requirements, where }: PolicyDecision,
  name: string,
  object: SignedObject,
  system: System,
  signal?: AbortSignal,
): Promise<void> {
  for (const one of requirements) {
    try {
      await verifyRequirement(one, object, system, signal);
    } catch (error) {
      if (!isEngineError(error) || error.code === 'cancelled') throw error;
      throw new EngineError(error.code, `${name} is refused: the policy ${where} needs ${one.type}, and ${error.message}`, {
        fix: error.fix ?? toSign(one, object),
        details: refusal(where, one.type, object.signatures.length === 0 ? 'unsigned' : 'wrong-signature'),
        cause: error,
      });
    }
  }
}
