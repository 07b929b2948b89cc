/**
 * Connects a container's sandbox (its network namespace) to the world.
 *
 * For each mode: `host` and `none` need nothing; `bridge` (as root) runs netavark on a namespace that we pinned, beside the OCI runtime's create;
 * `pasta` and `slirp4netns` (rootless) attach to the namespace from outside and live as long as the container.
 *
 * Law: `teardown` works from `state` alone, in another engine, after a crash, twice.
 */
import type { PortMapping } from '../../contract/container-spec.ts';
import type { NetworkSettings } from '../../contract/container.ts';
import type { ToolDescription } from './tool.ts';

export { createNetwork, type NetworkOptions } from './create-network.ts';
export type { ToolDescription } from './tool.ts';

export type ResolvedNetworkMode = 'host' | 'none' | 'bridge' | 'pasta' | 'slirp4netns';

export interface NetworkRequest {
  readonly containerId: string;
  readonly containerName: string;
  readonly hostname: string;
  readonly mode: ResolvedNetworkMode;
  readonly options: readonly string[];
  readonly ports: readonly PortMapping[];
  /** A folder of this container in the run root, for sockets and pid files. */
  readonly runDirectory: string;
  /** A descriptor of the user namespace that its network belongs to; undefined: ours. */
  readonly userNamespace?: number | undefined;
}

export interface NetworkSetup {
  /** The pinned network namespace that goes into config.json; undefined: the runtime makes none (host) or a private one (none). */
  readonly sandboxPath: string | undefined;
  /**
   * Resolves when traffic passes; runs beside the OCI runtime's create. Rejects with `port-in-use` (details.port, details.owner), `missing-tool`,
   * `unsupported`, `runtime-failed`; has then cleaned up after itself.
   */
  readonly connected: Promise<NetworkSettings>;
  /** JSON; what `teardown` needs. Known before `connected` resolves, so that it can be journalled first. */
  readonly state: unknown;
  /** Name servers for /etc/resolv.conf, when the mode brings its own (slirp4netns 10.0.2.3, pasta's); else the host's are used. */
  readonly dnsServers: readonly string[];
  /** For /etc/hosts: the container's own address, and what host.containers.internal is; undefined when not known before connecting. */
  readonly address: string | undefined;
  readonly hostAddress: string | undefined;
  /** For a person: what will not work as asked with the programs of this host. */
  readonly warnings: readonly string[];
}

export interface Network {
  /** Podman's defaults: bridge as root; rootless as containers.conf says, pasta first, else slirp4netns. Explains a fallback in `warning`. */
  defaultMode(): { readonly mode: ResolvedNetworkMode; readonly warning: string | undefined };
  /**
   * Checks mode, options and ports without changing anything; for host and none it answers no ports: there is nothing to publish (the
   * caller warns, as Podman does). `unsupported`/`invalid-argument` in words. Chooses free host ports for
   * those left open; `port-in-use` with the owner.
   */
  validate(mode: ResolvedNetworkMode, options: readonly string[], ports: readonly PortMapping[]): readonly PortMapping[];
  setup(request: NetworkRequest): Promise<NetworkSetup>;
  teardown(state: unknown): Promise<void>;
  /** Name, path and version of what connects containers as root, and without root. Asks the programs; path and version are empty when they are missing. */
  describe(): Promise<ToolDescription>;
  describeRootless(): Promise<ToolDescription>;
}
