/**
 * Registries over HTTP: both halves of the OCI distribution specification, pull and push, with the credentials, certificates, proxies and
 * policies that a host has configured for containers.
 *
 * Terms. A *source* is one place for a reference, see the reference room. *Scope* is what a token is good for.
 *
 * Laws
 * - No byte is handed on unverified: manifests and configurations by digest before they are returned, layers while they stream.
 * - Credentials go to the registry that they are for and to the token service it names, never along a redirect to another origin, and
 *   never into a message.
 * - Answers of a server are hostile: sizes are bounded, texts are stripped of control characters.
 * - At most `attempts` (limits.ts) attempts without progress, with growing pauses; whoever cancels is heard at any moment.
 * - A policy that cannot be checked refuses; it never accepts silently. What it asks signatures for is verified before any layer is fetched.
 * It keeps no connection and no token beyond one client's life.
 */
export { type RegistryClient, type RegistryClientOptions, type FetchedManifest, createRegistryClient } from './client.ts';
export { type RepositoryWriter } from './repository-writer.ts';
export { type PolicyDecision, type PolicyScope, checkPolicy, decidePolicy, dockerScopes, pathScopes, verifyPolicy } from './policy.ts';
export { findSignatures } from './signature-source.ts';
export { type SignatureTarget, openSignatureTarget } from './signature-target.ts';
export { type TrustLine, policyPath, readTrust, setTrust } from './trust.ts';
export { type Limits } from './limits.ts';
export {
  type LoginKey,
  type RegistryAccess,
  checkLogin,
  forgetAllCredentials,
  forgetCredentials,
  parseLoginKey,
  storeCredentials,
  storedCredentials,
} from './login.ts';
export { type ListedLogins, listLogins } from './logins.ts';
export { listTags } from './catalogue.ts';
export { searchImages } from './search.ts';
