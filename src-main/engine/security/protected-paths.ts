import { matchesGlob } from 'node:path';

/** Podman's lists: what of /proc and /sys tells of the host or changes it. */
const masked = [
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/dev/block',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
  '/sys/fs/selinux',
];
const readOnly = ['/proc/asound', '/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export interface ProtectedPaths {
  readonly masked: readonly string[];
  readonly readOnly: readonly string[];
}

/** --security-opt mask= and unmask=, colon-separated, globs and ALL in unmask; a privileged container hides nothing by default. */
export function maskedPathsFor(options: {
  readonly privileged: boolean;
  readonly mask: readonly string[];
  readonly unmask: readonly string[];
}): ProtectedPaths {
  const extra = options.mask.filter((path) => path.startsWith('/'));
  if (options.privileged) return { masked: extra, readOnly: [] };
  if (options.unmask.some((path) => path.toUpperCase() === 'ALL')) return { masked: extra, readOnly: [] };
  const shown = (path: string): boolean => options.unmask.some((pattern) => pattern === path || matchesGlob(path, pattern));
  return {
    masked: [...new Set([...masked.filter((path) => !shown(path)), ...extra])],
    readOnly: readOnly.filter((path) => !shown(path)),
  };
}
