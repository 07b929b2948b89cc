import { closeSync, constants, openSync } from 'node:fs';
import { release } from 'node:os';
import type { CheckLine } from '../../contract/system.ts';
import { errnoOf } from '../../system/system.ts';
import { type CheckContext, degraded, missing, ok, say } from './line.ts';
import { grantSubordinateIds, readSubordinateRanges } from './subordinate-ids.ts';
import { findForbiddingSwitch } from './user-namespaces.ts';

/** Fewer ids than this, and images whose files belong to `nobody` (65534) cannot be unpacked. */
const wantedIds = 65_536;

export function isKernelAtLeast(major: number, minor: number, text = release()): boolean {
  const [foundMajor = 0, foundMinor = 0] = text.split(/[.-]/).map(Number);
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}

export function checkKernel(): CheckLine {
  const subject = {
    id: 'kernel',
    title: 'Kernel',
    why: 'Containers are made of what the kernel offers; everything needed is in 4.18 and newer.',
  };
  if (isKernelAtLeast(4, 18)) return ok(subject, release());
  return missing(subject, release(), [say('use-newer-release')]);
}

export function checkUserNamespaces({ system, asRoot, inside }: CheckContext): CheckLine {
  const subject = {
    id: 'user-namespaces',
    title: 'User namespaces',
    why: 'They let you be root inside a container while you are yourself outside.',
  };
  if (asRoot) return ok(subject, say('not-needed-as-root'));
  if (inside) return ok(subject, say('enabled'));
  const found = findForbiddingSwitch(system.files);
  return found === undefined
    ? ok(subject, say('enabled'))
    : missing(subject, say('forbidden'), [say('allow-user-namespaces', { reason: found.why, path: found.path })], found.fix);
}

export function checkSubordinateIds(kind: 'subuid' | 'subgid', { system, asRoot, inside }: CheckContext): CheckLine {
  const what = kind === 'subuid' ? 'user' : 'group';
  const subject = {
    id: kind,
    title: kind === 'subuid' ? 'Subordinate user ids' : 'Subordinate group ids',
    why: `The files and processes of a container belong to many ${what}s; these are the ids that they get outside.`,
  };
  if (asRoot) return ok(subject, say('not-needed-as-root'));
  const { identity } = system;
  // Inside, the map itself is the answer, wherever it came from.
  const map = kind === 'subuid' ? identity.uidMap : identity.gidMap;
  const ranges = inside
    ? map.filter(({ containerId }) => containerId > 0).map(({ hostId, size }) => ({ start: hostId, size }))
    : readSubordinateRanges(kind, identity.userName, identity.hostUid);
  const size = ranges.reduce((sum, range) => sum + range.size, 0);
  const value = ranges.map((range) => `${range.start}–${range.start + range.size - 1}`).join(', ');
  const user = identity.userName;
  const command = grantSubordinateIds(identity.userName, kind === 'subuid', kind === 'subgid');
  if (size === 0)
    return missing(
      subject,
      say('no-range', { user, file: kind }),
      [say(kind === 'subuid' ? 'give-user-ids' : 'give-group-ids', { user })],
      command,
    );
  if (size < wantedIds)
    return degraded(
      subject,
      say('small-range', { range: value, size: String(size) }),
      [say('give-more-ids', { wanted: String(wantedIds), user })],
      command,
    );
  return ok(subject, value);
}

export function checkCgroups({ system, asRoot }: CheckContext): CheckLine {
  const { cgroups } = system;
  const subject = {
    id: 'cgroups',
    title: 'Resource limits (cgroups)',
    why: 'Limits of memory, CPU and processes are set in cgroups, and use is read from them.',
  };
  const controllers = cgroups.availableControllers();
  const name = cgroups.version === 'hybrid' ? 'hybrid (v1 beside v2)' : cgroups.version;
  if (cgroups.version === 'none') {
    return degraded(subject, say('not-mounted'), [say('mount-cgroups')], `${asRoot ? '' : 'sudo '}mount -t cgroup2 none /sys/fs/cgroup`);
  }
  const lacking = ['memory', 'cpu', 'pids'].filter((controller) => !controllers.includes(controller));
  const value = controllers.length === 0 ? say('no-controllers', { version: name }) : `${name}: ${controllers.join(' ')}`;
  if (lacking.length === 0) return ok(subject, value);
  const refused = say('limits-refused', { lacking: lacking.join(', ') });
  if (cgroups.version === 'v2') {
    return asRoot
      ? degraded(
          subject,
          value,
          [refused, say('enable-controllers')],
          `echo '${lacking.map((one) => `+${one}`).join(' ')}' > /sys/fs/cgroup/cgroup.subtree_control`,
        )
      : degraded(
          subject,
          value,
          [refused, say('delegate-controllers')],
          "sudo mkdir -p /etc/systemd/system/user@.service.d && printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo tee /etc/systemd/system/user@.service.d/delegate.conf && sudo systemctl daemon-reload",
        );
  }
  return degraded(subject, value, [refused, say(asRoot ? 'mount-v1-controllers' : 'boot-with-v2')]);
}

export function checkTun({ asRoot }: CheckContext): CheckLine {
  const subject = {
    id: 'tun',
    title: 'Network device /dev/net/tun',
    why: 'Without root, a container reaches the network through a device of this kind.',
  };
  if (asRoot) return ok(subject, say('not-needed-as-root'));
  try {
    closeSync(openSync('/dev/net/tun', constants.O_RDWR));
    return ok(subject, say('usable'));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EACCES' || errno === 'EPERM') {
      return degraded(subject, say('not-for-users'), [say('only-host-network'), say('open-to-users')], 'sudo chmod 666 /dev/net/tun');
    }
    return degraded(
      subject,
      say('not-there', { errno: errno ?? 'unknown' }),
      [say('only-host-network'), say('load-driver')],
      'sudo modprobe tun',
    );
  }
}
