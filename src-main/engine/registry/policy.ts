/** containers-policy.json(5): what may come into the store at all. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { EngineError, messageOf } from '../../base/errors.ts';

/** What is about to come in, in the policy's terms. */
export interface PolicyScope {
  readonly transport: 'docker' | 'docker-archive' | 'oci' | 'oci-archive' | 'dir' | 'tarball';
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

const knownRequirements = new Set(['signedBy', 'signedBaseLayer', 'sigstoreSigned']);

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

function candidatesOf(files: PolicyFiles): { readonly user: string; readonly system: string } {
  return {
    user: join(files.homeDirectory, '.config/containers/policy.json'),
    system: join(files.systemDirectory ?? '/etc', 'containers/policy.json'),
  };
}

function readPolicy(files: PolicyFiles): { readonly path: string; readonly policy: PolicyFile } | undefined {
  const { user, system } = candidatesOf(files);
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
  const { user, system } = candidatesOf(files);
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

/**
 * Passes or throws `denied`, as Podman does also where there is no policy at all. Requirements that need a signature checked are refused by name,
 * since this version checks none.
 */
export function checkPolicy(scope: PolicyScope, files: PolicyFiles): void {
  const found = readPolicy(files);
  if (!found) {
    if (scope.own === true) return;
    throw noPolicy(scope, files);
  }
  const { path, policy } = found;
  const transport = policy.transports[scope.transport] ?? {};
  const matched = [...scope.scopes, ''].find((one) => Object.hasOwn(transport, one));
  const applicable = matched === undefined ? policy.default : (transport[matched] ?? policy.default);
  const where = matched === undefined ? 'by default' : `for ${scope.transport}:${matched}`;
  for (const { type } of applicable) {
    if (type === 'insecureAcceptAnything') continue;
    if (type === 'reject')
      throw new EngineError('denied', `${scope.name} is rejected by the policy ${path} (${where})`, {
        fix: `Change ${path}, or use another image.`,
      });
    const why = knownRequirements.has(type) ? 'this version cannot verify signatures' : 'this requirement is not known';
    throw new EngineError('denied', `${scope.name} needs ${type} by the policy ${path} (${where}), and ${why}`, {
      fix: `Pull it with a tool that verifies ${type}, or change ${path}.`,
    });
  }
}
