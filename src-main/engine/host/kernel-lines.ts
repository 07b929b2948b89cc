import { closeSync, constants, openSync } from 'node:fs';
import { release } from 'node:os';
import type { CheckLine } from '../../contract/system.ts';
import { errnoOf } from '../../system/system.ts';
import { type CheckContext, degraded, missing, ok } from './line.ts';
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
  return missing(subject, release(), 'Use a newer release of the distribution: this kernel is older than 4.18.');
}

export function checkUserNamespaces({ system, asRoot, inside }: CheckContext): CheckLine {
  const subject = {
    id: 'user-namespaces',
    title: 'User namespaces',
    why: 'They let you be root inside a container while you are yourself outside.',
  };
  if (asRoot) return ok(subject, 'not needed as root');
  if (inside) return ok(subject, 'enabled');
  const found = findForbiddingSwitch(system.files);
  return found === undefined ? ok(subject, 'enabled') : missing(subject, 'forbidden', `Allow them: ${found.why}.`, found.fix);
}

export function checkSubordinateIds(kind: 'subuid' | 'subgid', { system, asRoot, inside }: CheckContext): CheckLine {
  const what = kind === 'subuid' ? 'user' : 'group';
  const subject = {
    id: kind,
    title: kind === 'subuid' ? 'Subordinate user ids' : 'Subordinate group ids',
    why: `The files and processes of a container belong to many ${what}s; these are the ids that they get outside.`,
  };
  if (asRoot) return ok(subject, 'not needed as root');
  const { identity } = system;
  // Inside, the map itself is the answer, wherever it came from.
  const map = kind === 'subuid' ? identity.uidMap : identity.gidMap;
  const ranges = inside
    ? map.filter(({ containerId }) => containerId > 0).map(({ hostId, size }) => ({ start: hostId, size }))
    : readSubordinateRanges(kind, identity.userName, identity.hostUid);
  const size = ranges.reduce((sum, range) => sum + range.size, 0);
  const value = ranges.map((range) => `${range.start}–${range.start + range.size - 1}`).join(', ');
  const command = grantSubordinateIds(identity.userName, kind === 'subuid', kind === 'subgid');
  if (size === 0)
    return missing(subject, `none for ${identity.userName} in /etc/${kind}`, `Give ${identity.userName} a range of ${what} ids.`, command);
  if (size < wantedIds)
    return degraded(subject, `${value} (${size} ids)`, `Some images need ${wantedIds} ids: give ${identity.userName} more.`, command);
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
    return degraded(
      subject,
      'not mounted',
      'Containers run without limits. Mount the cgroup file system.',
      `${asRoot ? '' : 'sudo '}mount -t cgroup2 none /sys/fs/cgroup`,
    );
  }
  const lacking = ['memory', 'cpu', 'pids'].filter((controller) => !controllers.includes(controller));
  const value = `${name}: ${controllers.length === 0 ? 'no controller for us' : controllers.join(' ')}`;
  if (lacking.length === 0) return ok(subject, value);
  const what = `Containers run, but limits of ${lacking.join(', ')} are refused.`;
  if (cgroups.version === 'v2') {
    return asRoot
      ? degraded(
          subject,
          value,
          `${what} Switch the controllers on for the root cgroup.`,
          `echo '${lacking.map((one) => `+${one}`).join(' ')}' > /sys/fs/cgroup/cgroup.subtree_control`,
        )
      : degraded(
          subject,
          value,
          `${what} Let systemd delegate them to users, then log in again.`,
          "sudo mkdir -p /etc/systemd/system/user@.service.d && printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo tee /etc/systemd/system/user@.service.d/delegate.conf && sudo systemctl daemon-reload",
        );
  }
  return degraded(
    subject,
    value,
    asRoot
      ? `${what} Mount the v1 controllers, or boot with the kernel parameter systemd.unified_cgroup_hierarchy=1.`
      : `${what} Without root they need cgroup v2: boot with the kernel parameter systemd.unified_cgroup_hierarchy=1.`,
  );
}

export function checkTun({ asRoot }: CheckContext): CheckLine {
  const subject = {
    id: 'tun',
    title: 'Network device /dev/net/tun',
    why: 'Without root, a container reaches the network through a device of this kind.',
  };
  if (asRoot) return ok(subject, 'not needed as root');
  try {
    closeSync(openSync('/dev/net/tun', constants.O_RDWR));
    return ok(subject, 'usable');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EACCES' || errno === 'EPERM') {
      return degraded(subject, 'not for users', 'Only --network host and none work. Open it to users.', 'sudo chmod 666 /dev/net/tun');
    }
    return degraded(
      subject,
      `not there (${errno ?? 'unknown'})`,
      'Only --network host and none work. Load the driver.',
      'sudo modprobe tun',
    );
  }
}
