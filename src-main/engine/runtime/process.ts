import { EngineError } from '../../base/errors.ts';
import type { System } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';
import { capabilitiesFor, type ProcessCapabilities, type SecurityOptions } from '../security/security.ts';
import type { ContainerConfig } from '../state/state.ts';
import type { OciProcess, OciUser } from './oci-spec.ts';
import { rlimitsFor } from './rlimits.ts';
import type { ResolvedUser } from './user.ts';

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export interface ProcessContext {
  readonly config: Pick<EngineConfig, 'defaults'>;
  readonly system: Pick<System, 'files' | 'identity' | 'processes'>;
  readonly container: ContainerConfig;
  readonly user: ResolvedUser;
  readonly security: SecurityOptions;
  readonly size: TerminalSize | undefined;
  readonly warn: (message: string) => void;
}

export const initTarget = '/run/podman-init';
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The container's first process. */
export function containerProcess(context: ProcessContext): OciProcess {
  const { container, user, security } = context;
  const { spec } = container;
  const command = [...container.entrypoint, ...container.command];
  if (command.length === 0) throw noCommand();
  const score = spec.resources.oomScoreAdj;
  return {
    ...terminal(spec.tty, context.size),
    user: ociUser(user, umaskOf(context)),
    args: spec.init ? [initTarget, '--', ...command] : command,
    env: containerEnvironment(context),
    cwd: workingDirectoryOf(container),
    capabilities: capabilitiesOf(context),
    rlimits: rlimitsFor(context.config.defaults.ulimits, spec.ulimits, context.system, context.warn),
    noNewPrivileges: security.noNewPrivileges,
    ...(security.apparmor === undefined || spec.privileged ? {} : { apparmorProfile: security.apparmor }),
    ...(score === undefined ? {} : { oomScoreAdj: possibleOomScore(score, context) }),
  };
}

function noCommand(): EngineError {
  return new EngineError('invalid-argument', 'no command or entrypoint provided, and no CMD or ENTRYPOINT from image', {
    fix: 'Name a command after the image.',
    details: { field: 'command' },
  });
}

/** Without a size conmon's resize would race with 0x0 (a program that asks at once would see no width at all). */
export function terminal(tty: boolean, size: TerminalSize | undefined): Pick<OciProcess, 'terminal' | 'consoleSize'> {
  return tty ? { terminal: true, consoleSize: { height: size?.rows ?? 24, width: size?.columns ?? 80 } } : {};
}

export function ociUser(user: ResolvedUser, umask: number): OciUser {
  return {
    uid: user.uid,
    gid: user.gid,
    umask,
    ...(user.additionalGids.length > 0 ? { additionalGids: user.additionalGids } : {}),
  };
}

/** user[:group], as it was asked for. */
export function userOf({ spec, userNamespace, imageConfig }: ContainerConfig): string {
  return spec.user ?? userNamespace?.user ?? imageConfig.user;
}

export function umaskOf(context: Pick<ProcessContext, 'config' | 'container'>): number {
  return Number.parseInt(context.container.spec.umask ?? context.config.defaults.umask, 8);
}

export function workingDirectoryOf(container: ContainerConfig): string {
  const wanted = container.spec.workingDirectory ?? container.imageConfig.workingDirectory;
  return wanted === '' ? '/' : wanted.startsWith('/') ? wanted : `/${wanted}`;
}

function capabilitiesOf(context: Pick<ProcessContext, 'config' | 'container' | 'user'>): ProcessCapabilities {
  const { spec } = context.container;
  return capabilitiesFor(
    { defaults: context.config.defaults.capabilities, add: spec.capAdd, drop: spec.capDrop, privileged: spec.privileged },
    context.user.uid === 0,
  );
}

/**
 * Later ones win: containers.conf, the image, what Podman sets by itself, --env. `container=podman` and /run/.containerenv are what
 * programs look at to find out that they run in a container of this kind (systemd's detect-virt, toolbox, distrobox, shell
 * prompts), so Selkie, which answers to Podman's name, keeps both; a name of its own would only be unknown to all of them.
 */
export function containerEnvironment(context: Pick<ProcessContext, 'config' | 'container' | 'user'>): string[] {
  const { container, user } = context;
  const variables = new Map<string, string>([
    ['PATH', defaultPath],
    ['container', 'podman'],
  ]);
  if (container.spec.tty) variables.set('TERM', 'xterm');
  for (const entry of [...context.config.defaults.environment, ...container.imageConfig.environment]) assign(variables, entry);
  variables.set('HOSTNAME', container.hostname);
  if (!variables.has('HOME')) variables.set('HOME', user.home);
  for (const entry of container.spec.environment) assign(variables, entry);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

/** An entry without `=` names a variable with no value, which an environment cannot hold: it is left out. */
export function assign(variables: Map<string, string>, entry: string): void {
  const equals = entry.indexOf('=');
  if (equals > 0) variables.set(entry.slice(0, equals), entry.slice(equals + 1));
}

/** Without CAP_SYS_RESOURCE a process may not be made less likely to be killed than its parent: the nearest value that works. */
function possibleOomScore(wanted: number, context: ProcessContext): number {
  const own = Number(context.system.files.readTextIfExists('/proc/self/oom_score_adj') ?? '0');
  const status = context.system.files.readTextIfExists('/proc/self/status') ?? '';
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const sysResource = !context.system.identity.rootless && ((mask >> 24n) & 1n) === 1n;
  if (wanted >= own || sysResource) return wanted;
  context.warn(`--oom-score-adj ${wanted} was raised to ${own}, the engine's own: lowering it needs CAP_SYS_RESOURCE`);
  return own;
}
