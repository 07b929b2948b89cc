/**
 * What the engine was told: containers.conf, storage.conf and command-line options, validated, in one object.
 * registries.conf, auth.json and policy.json are read by the registry room at the moment of use, since people edit them
 * while the application runs.
 */
export interface EngineConfig {
  /** Images, layers, containers, volumes: survives reboots. Podman's --root. */
  readonly graphRoot: string;
  /** Mount points, sockets, pid files: gone after a reboot. Podman's --runroot. */
  readonly runRoot: string;
  /** Podman's --storage-driver; undefined: the one that the store is of, else the best that works here. */
  readonly storageDriver: 'overlay' | 'vfs' | undefined;
  /** `DRIVER.NAME=VALUE`, as --storage-opt has them; of the same name the last one counts. */
  readonly storageOptions: readonly string[];
  /** Name or absolute path; containers.conf engine.runtime. */
  readonly ociRuntime: string;
  readonly cgroupManager: 'systemd' | 'cgroupfs' | undefined;
  readonly networkBackend: 'netavark';
  /** containers.conf network.default_rootless_network_cmd */
  readonly rootlessNetwork: 'pasta' | 'slirp4netns';
  readonly imageVolume: 'bind' | 'tmpfs' | 'ignore';
  /** containers.conf [containers]: default_capabilities, default_sysctls, default_ulimits, env, pids_limit, seccomp_profile, init_path, log_size_max, shm_size, umask, tz, dns_* … */
  readonly defaults: ContainerDefaults;
  /** Absolute path of the folder with the product's resources: launcher, clean-up script, starter image. */
  readonly resources: string;
  /** Where each value that is not the default came from, for `info` and for error messages. */
  readonly sources: readonly string[];
}

export interface ContainerDefaults {
  readonly capabilities: readonly string[];
  readonly sysctls: readonly string[];
  /** name=soft[:hard] */
  readonly ulimits: readonly string[];
  readonly environment: readonly string[];
  readonly pidsLimit: number;
  readonly seccompProfile: string;
  readonly initPath: string | undefined;
  readonly shmSizeBytes: number;
  readonly umask: string;
  readonly dnsServers: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly stopTimeoutSeconds: number;
  readonly logMaxSizeBytes: number;
  /** containers.conf userns: --userns in Podman's words. */
  readonly userNamespace: string;
}

export { loadConfig, tmpDirectory, type ConfigRequest, type EngineOptions } from './load-config.ts';
export { parseSizeBytes } from './size.ts';
export { podmanGraphRoot } from './storage-config.ts';
export { loadTrashSettings, type TrashSettings } from './trash-settings.ts';
