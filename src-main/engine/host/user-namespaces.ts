import { EngineError, type EngineErrorOptions } from '../../base/errors.ts';
import type { System } from '../../system/system.ts';

/** Switches by which a host forbids user namespaces to its users: file, value that forbids, how to allow it. */
const switches = [
  {
    path: '/proc/sys/kernel/unprivileged_userns_clone',
    forbids: (value: string) => value === '0',
    why: 'user namespaces are switched off for users (kernel.unprivileged_userns_clone is 0)',
    fix: "echo 'kernel.unprivileged_userns_clone=1' | sudo tee /etc/sysctl.d/60-selkie.conf && sudo sysctl --system",
  },
  {
    path: '/proc/sys/user/max_user_namespaces',
    forbids: (value: string) => value === '0',
    why: 'user namespaces are switched off (user.max_user_namespaces is 0)',
    fix: "echo 'user.max_user_namespaces=15000' | sudo tee /etc/sysctl.d/60-selkie.conf && sudo sysctl --system",
  },
  {
    path: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    forbids: (value: string) => value === '1',
    why: 'AppArmor keeps users from using user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1)',
    fix: "echo 'kernel.apparmor_restrict_unprivileged_userns=0' | sudo tee /etc/sysctl.d/60-selkie.conf && sudo sysctl --system",
  },
] as const;

export interface ForbiddingSwitch {
  readonly path: string;
  readonly why: string;
  readonly fix: string;
}

/** The switch that forbids user namespaces to users here, if one does. (AppArmor's may have an exception for us.) */
export function findForbiddingSwitch(files: System['files']): ForbiddingSwitch | undefined {
  return switches.find(({ path, forbids }) => forbids(files.readTextIfExists(path)?.trim() ?? ''));
}

/** The reason, as well as it can be told, why no user namespace could be made. */
export function userNamespaceError(files: System['files'], words: string): EngineError {
  const found = findForbiddingSwitch(files);
  const more: EngineErrorOptions = { details: { words } };
  if (found) return new EngineError('denied', `containers cannot run without root: ${found.why}`, { ...more, fix: `run: ${found.fix}` });
  return new EngineError('denied', `containers cannot run without root: no user namespace could be made: ${words}`, {
    ...more,
    fix: 'run `selkie system check`: it names what this host lacks',
  });
}
