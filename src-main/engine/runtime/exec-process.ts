import { posix } from 'node:path';
import type { System } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';
import { capabilitiesFor, parseSecurityOptions } from '../security/security.ts';
import type { ContainerConfig } from '../state/state.ts';
import type { OciProcess } from './oci-spec.ts';
import { assign, containerEnvironment, ociUser, terminal, type TerminalSize, umaskOf, userOf, workingDirectoryOf } from './process.ts';
import { rlimitsFor } from './rlimits.ts';
import { resolveUser } from './user.ts';

export interface ExecProcessInput {
  readonly config: EngineConfig;
  readonly system: Pick<System, 'attributes' | 'files' | 'identity' | 'processes'>;
  readonly container: ContainerConfig;
  readonly rootfs: string;
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly environment: readonly string[];
  readonly user: string | undefined;
  readonly workingDirectory: string | undefined;
  readonly privileged: boolean;
  readonly size: TerminalSize | undefined;
}

/** The process spec of an exec: the container's own surroundings, with what the request changes. */
export function buildExecProcess(input: ExecProcessInput): OciProcess {
  const { config, system, container } = input;
  const { spec } = container;
  const user = resolveUser(
    system.attributes,
    input.rootfs,
    input.user ?? userOf(container),
    // Another user has the groups of that user, not those that were added for the container's.
    input.user === undefined ? spec.groupAdd : [],
  );
  const security = parseSecurityOptions(spec.securityOptions, system);
  const privileged = spec.privileged || input.privileged;
  const variables = new Map<string, string>();
  for (const entry of containerEnvironment({ config, container, user })) assign(variables, entry);
  if (input.tty && !variables.has('TERM')) variables.set('TERM', 'xterm');
  for (const entry of input.environment) assign(variables, entry);
  const request = { defaults: config.defaults.capabilities, add: spec.capAdd, drop: spec.capDrop, privileged };
  return {
    ...terminal(input.tty, input.size),
    user: ociUser(user, umaskOf({ config, container })),
    args: input.command,
    env: [...variables].map(([name, value]) => `${name}=${value}`),
    cwd: input.workingDirectory === undefined ? workingDirectoryOf(container) : posix.resolve('/', input.workingDirectory),
    // exec --privileged gives everything to whoever it runs as, ambient too: it is what was asked for.
    capabilities: capabilitiesFor(request, user.uid === 0 || input.privileged),
    rlimits: rlimitsFor(config.defaults.ulimits, spec.ulimits, system, () => undefined),
    noNewPrivileges: security.noNewPrivileges,
    ...(security.apparmor === undefined || privileged ? {} : { apparmorProfile: security.apparmor }),
  };
}
