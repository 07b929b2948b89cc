import { accessSync, constants, readdirSync, type Stats, statSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { OciDevice, OciDeviceRule, OciMount } from './oci-spec.ts';

export interface DevicePlan {
  readonly devices: readonly OciDevice[];
  readonly rules: readonly OciDeviceRule[];
  /** A user cannot make device nodes: theirs are bound from the host. */
  readonly mounts: readonly OciMount[];
}

interface DeviceWord {
  readonly source: string;
  readonly target: string;
  readonly access: string;
}

/** What crun and runc make by themselves, or what stands for something else inside a container. */
const ownDevices = /^\/dev\/(null|zero|full|random|urandom|tty|console|ptmx|pts|shm|mqueue|fd|stdin|stdout|stderr|core|log|initctl)(\/|$)/;
const maxDepth = 4;

/** Podman's --device words, and for --privileged every device of the host (rootless: every one that the user can open). */
export function planDevices(words: readonly string[], options: { readonly privileged: boolean; readonly rootless: boolean }): DevicePlan {
  const devices = new Map<string, OciDevice>();
  const mounts = new Map<string, OciMount>();
  const rules: OciDeviceRule[] = options.rootless ? [] : [{ allow: options.privileged, access: 'rwm' }];
  const add = (word: DeviceWord, stat: Stats): void => {
    if (options.rootless) mounts.set(word.target, bindDevice(word));
    else {
      const device = toDevice(word, stat);
      devices.set(word.target, device);
      if (!options.privileged) rules.push(ruleFor(device, word.access));
    }
  };
  if (options.privileged)
    for (const [path, stat] of hostDevices('/dev', options.rootless)) add({ source: path, target: path, access: 'rwm' }, stat);
  for (const word of words) for (const [device, stat] of expand(parseDevice(word))) add(device, stat);
  return { devices: [...devices.values()], rules, mounts: [...mounts.values()] };
}

/** HOST[:CONTAINER[:rwm]], or HOST:rwm. */
export function parseDevice(word: string): DeviceWord {
  const [source = '', second, third, ...rest] = word.split(':');
  const invalid = (why: string): EngineError =>
    new EngineError('invalid-argument', `invalid device specification ${word}: ${why}`, {
      fix: 'Use HOST[:CONTAINER[:rwm]].',
      details: { field: 'devices' },
    });
  if (rest.length > 0) throw invalid('too many colons');
  if (!source.startsWith('/')) throw invalid('the path on the host has to be absolute');
  const secondIsPath = second?.startsWith('/') === true;
  const access = third ?? (second === undefined || secondIsPath ? 'rwm' : second);
  if (!/^(?!.*(.).*\1)[rwm]{1,3}$/.test(access))
    throw new EngineError('invalid-argument', `invalid device mode: ${access}`, { details: { field: 'devices' } });
  const target = secondIsPath ? second : third === undefined ? source : undefined;
  if (target === undefined) throw invalid('the path in the container has to be absolute');
  return { source, target: normalize(target), access };
}

/** A folder stands for all devices below it. */
function expand(word: DeviceWord): (readonly [DeviceWord, Stats])[] {
  const stat = statSync(word.source, { throwIfNoEntry: false });
  if (!stat) throw new EngineError('invalid-argument', `stat ${word.source}: no such file or directory`, { details: { field: 'devices' } });
  if (isDevice(stat)) return [[word, stat]];
  const found = stat.isDirectory() ? [...hostDevices(word.source, false)] : [];
  if (found.length === 0)
    throw new EngineError('invalid-argument', `${word.source} is not a valid device: not a device node`, { details: { field: 'devices' } });
  return found.map(([path, inner]) => [{ ...word, source: path, target: join(word.target, path.slice(word.source.length)) }, inner]);
}

function* hostDevices(folder: string, openableOnly: boolean, depth = 0): Generator<readonly [string, Stats]> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (ownDevices.test(path) || path === '/dev/fd') continue;
    if (entry.isDirectory()) {
      if (depth < maxDepth) yield* hostDevices(path, openableOnly, depth + 1);
    } else if (entry.isCharacterDevice() || entry.isBlockDevice()) {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat && isDevice(stat) && (!openableOnly || openable(path))) yield [path, stat];
    }
  }
}

function isDevice(stat: Stats): boolean {
  return stat.isCharacterDevice() || stat.isBlockDevice();
}

function openable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function toDevice(word: DeviceWord, stat: Stats): OciDevice {
  const { major, minor } = deviceNumbers(stat.rdev);
  const type = stat.isBlockDevice() ? 'b' : 'c';
  return { path: word.target, type, major, minor, fileMode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
}

function ruleFor(device: OciDevice, access: string): OciDeviceRule {
  return { allow: true, type: device.type === 'b' ? 'b' : 'c', major: device.major, minor: device.minor, access };
}

function bindDevice({ source, target, access }: DeviceWord): OciMount {
  const options = ['rslave', 'nosuid', 'noexec', access.includes('w') ? 'rw' : 'ro', 'rbind'];
  return { destination: target, type: 'bind', source, options };
}

/** makedev(3) of glibc, backwards. */
export function deviceNumbers(rdev: number): { readonly major: number; readonly minor: number } {
  const wide = BigInt(rdev);
  return {
    major: Number(((wide >> 8n) & 0xfffn) | ((wide >> 32n) & 0xfffff000n)),
    minor: Number((wide & 0xffn) | ((wide >> 12n) & 0xffffff00n)),
  };
}
