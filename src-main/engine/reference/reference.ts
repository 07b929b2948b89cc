/**
 * Names of images: what a person types, what it means in full, and which registries answer for it. Pure apart from reading
 * registries.conf.
 *
 * Terms. A *reference* is registry/repository with a tag, a digest, both or neither. A *short name* names no registry (`alpine`,
 * `library/alpine`). An *alias* maps a short name to one repository. A *pull source* is a place to fetch a reference from: a mirror, or
 * the registry itself.
 *
 * Laws
 * - Normalisation is that of the distribution project, as Podman does it: docker.io, library/, latest; upper case is refused in words.
 * - registries.conf is read at the moment of use, since people edit it while the application runs; a malformed file is an error that
 *   names file and line, never skipped.
 * - Where no registries.conf exists at all, short names mean docker.io; where one exists, it alone decides, as in Podman.
 */
export {
  type Reference,
  parseReference,
  formatReference,
  repositoryName,
  withDefaultTag,
  withDigest,
  isShortName,
  isDigest,
} from './parse.ts';
export { type Registries, type PullSource, type RegistriesFiles, loadRegistries } from './registries.ts';
export { type TransportReference, parseTransport } from './transport.ts';
export { type ShortNameResolution } from './short-name.ts';
