import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineConfig } from '../config/config.ts';

/** Where the files of containers are. The bundle lives in the run root: it is made by each start and gone after the exit. */
export interface ContainerPaths {
  readonly exits: string;
  readonly bundles: string;
  readonly janitorLock: string;
  bundle(id: string): string;
  /** conmon writes the exit code here. */
  exitFile(id: string): string;
  /** Survives reboots: the log. */
  directory(id: string): string;
  log(id: string): string;
  lockFile(id: string): string;
  networkNamespace(id: string): string;
}

export function containerPaths(config: EngineConfig): ContainerPaths {
  const exits = join(config.runRoot, 'exits');
  const bundles = join(config.runRoot, 'containers');
  const directory = (id: string): string => join(config.graphRoot, 'containers', id);
  return {
    exits,
    bundles,
    janitorLock: join(config.runRoot, 'locks', 'janitor'),
    bundle: (id) => join(bundles, id),
    exitFile: (id) => join(exits, id),
    directory,
    log: (id) => join(directory(id), 'ctr.log'),
    lockFile: (id) => join(config.runRoot, 'locks', 'container', id),
    networkNamespace: (id) => join(config.runRoot, 'netns', id),
  };
}

/** Files of a bundle. */
export const bundleFiles = {
  config: 'config.json',
  pidFile: 'pidfile',
  conmonPidFile: 'conmon.pid',
  hosts: 'hosts',
  resolvConf: 'resolv.conf',
  hostname: 'hostname',
  containerEnvironment: '.containerenv',
  /** conmon makes it when the kernel has killed a process of the container for memory. */
  oom: 'oom',
} as const;

/** A pid file as conmon and the runtime write them; undefined when there is none yet. */
export function readPid(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'latin1').trim());
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
