/**
 * What a container may not do: capabilities, seccomp, masked and read-only paths, mandatory access control.
 *
 * Terms. The *bounding set* is all that a process and its descendants can ever have; a container's is Podman's default list,
 * changed by --cap-add and --cap-drop. A *profile* is a seccomp file in the form of containers/common: rules with conditions on
 * capabilities, architecture and kernel, which are decided here, so that the OCI runtime sees plain rules.
 *
 * Laws
 * - Nothing is left unconfined by accident: a profile that cannot be read is an error, never "no profile".
 * - An option that this host cannot enforce is refused by name; one that has no meaning here is answered with a warning.
 *
 * SELinux: processes and files get no label. Where the kernel has SELinux enabled that is said in a warning.
 * AppArmor: no profile unless one is named, since loading one needs a root that a rootless engine is not.
 */
export {
  capabilitiesFor,
  engineBoundingSet,
  mergeCapabilities,
  normalizeCapability,
  type ProcessCapabilities,
} from './capabilities.ts';
export { maskedPathsFor } from './protected-paths.ts';
export { loadSeccomp, type LinuxSeccomp } from './seccomp.ts';
export { parseSecurityOptions, type SecurityOptions } from './security-options.ts';
