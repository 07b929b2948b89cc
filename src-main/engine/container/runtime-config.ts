import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildRuntimeSpec, ensureWorkingDirectory } from '../runtime/runtime.ts';
import type { ContainerRecord } from '../state/state.ts';
import { bundleFiles } from './paths.ts';
import type { Room } from './room.ts';

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export interface RuntimeConfig {
  /** For the user. */
  readonly warnings: readonly string[];
  /** To be called once the runtime has created the container, before it is started. */
  readonly created: () => void;
}

/** Writes the bundle's config.json. */
export function writeRuntimeConfig(
  room: Room,
  record: ContainerRecord,
  start: {
    readonly rootfs: string;
    readonly sandboxPath: string | undefined;
    readonly userNamespacePath: string | undefined;
    readonly size: TerminalSize | undefined;
  },
): RuntimeConfig {
  const bundle = room.paths.bundle(record.id);
  const { spec, user, warnings } = buildRuntimeSpec({
    config: room.config,
    system: room.system,
    container: record,
    rootfs: start.rootfs,
    files: {
      hosts: join(bundle, bundleFiles.hosts),
      resolvConf: join(bundle, bundleFiles.resolvConf),
      hostname: join(bundle, bundleFiles.hostname),
      containerenv: join(bundle, bundleFiles.containerEnvironment),
    },
    sandboxPath: start.sandboxPath,
    userNamespacePath: start.userNamespacePath,
    size: start.size,
  });
  ensureWorkingDirectory(room.system.attributes, record, start.rootfs, user);
  const whole = room.seccompCache.apply(spec);
  writeFileSync(join(bundle, bundleFiles.config), JSON.stringify(whole), { mode: 0o600 });
  return { warnings, created: () => room.seccompCache.keep(whole, record.id) };
}
