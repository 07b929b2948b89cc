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
 * - A policy that cannot be checked yet refuses; it never accepts silently.
 * It keeps no connection and no token beyond one client's life.
 */
export { type RegistryClient, type RegistryClientOptions, type FetchedManifest, createRegistryClient } from './client.ts';
export { type RepositoryWriter } from './repository-writer.ts';
export { type PolicyScope, checkPolicy, dockerScopes, pathScopes } from './policy.ts';
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
export { listTags } from './catalogue.ts';
export { searchImages } from './search.ts';
