import { chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { NetworkSetup } from '../network/network.ts';
import { hostOwner } from '../runtime/runtime.ts';
import type { ContainerRecord } from '../state/state.ts';
import { bundleFiles } from './paths.ts';
import type { Room } from './room.ts';

/** What of the network goes into /etc/hosts and /etc/resolv.conf. */
export type EtcNetwork = Pick<NetworkSetup, 'address' | 'hostAddress' | 'dnsServers'>;

/** Used when every name server of the host is a loopback address that a container cannot reach; Podman's choice. */
const fallbackServers = ['8.8.8.8', '8.8.4.4'];
const resolvedStub = '127.0.0.53';
const resolvedUpstream = '/run/systemd/resolve/resolv.conf';

/** Writes the files of the bundle that are bind-mounted over the container's own. */
export function writeEtcFiles(room: Room, record: ContainerRecord, network: EtcNetwork): void {
  const bundle = room.paths.bundle(record.id);
  const { config } = record;
  const own = config.networkMode !== 'host';
  const owner = config.userNamespace && hostOwner(config, { uid: 0, gid: 0 });
  const write = (name: string, text: string): void => {
    const path = join(bundle, name);
    writeFileSync(path, text, { mode: 0o644 });
    // The container's root may write to its own.
    if (owner) chownSync(path, owner.uid, owner.gid);
  };
  write(bundleFiles.hostname, `${config.hostname}\n`);
  write(bundleFiles.hosts, hostsText(readOptional('/etc/hosts') ?? '', record, network));
  write(
    bundleFiles.resolvConf,
    resolvText(readHostResolvConf(own), {
      ownNamespace: own,
      servers: firstFilled(config.spec.dnsServers, room.config.defaults.dnsServers, network.dnsServers),
      search: firstFilled(config.spec.dnsSearch, room.config.defaults.dnsSearch),
      options: firstFilled(config.spec.dnsOptions, room.config.defaults.dnsOptions),
    }),
  );
  write(bundleFiles.containerEnvironment, containerEnvironment(room, record));
}

/** The file is already mounted in the container: written in place, so that the inode stays. */
export function rewriteHosts(room: Room, record: ContainerRecord, network: EtcNetwork): void {
  writeFileSync(join(room.paths.bundle(record.id), bundleFiles.hosts), hostsText(readOptional('/etc/hosts') ?? '', record, network));
}

/** The host's entries, then what the user added, then the container's own; hosts(5). Names that are added replace the host's. */
export function hostsText(base: string, record: Pick<ContainerRecord, 'name' | 'config'>, network: EtcNetwork): string {
  const { config } = record;
  const hostAddress = config.networkMode === 'host' ? '127.0.0.1' : network.hostAddress;
  const added = config.spec.addHosts.map((entry) => toHostEntry(entry, hostAddress));
  const ownNames = [...new Set([config.hostname, record.name])];
  const own =
    config.networkMode === 'none' ? [['127.0.0.1', ...ownNames]] : network.address === undefined ? [] : [[network.address, ...ownNames]];
  const internal = hostAddress === undefined ? [] : [[hostAddress, 'host.containers.internal', 'host.docker.internal']];
  const entries = [...added, ...internal, ...own];
  const replaced = new Set(entries.flatMap((entry) => entry.slice(1)));
  const kept = parseHosts(base)
    .map(([address = '', ...names]) => [address, ...names.filter((name) => !replaced.has(name))])
    .filter((entry) => entry.length > 1);
  return [...kept, ...entries].map(([address = '', ...names]) => `${address}\t${names.join(' ')}\n`).join('');
}

function parseHosts(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
    .map((line) => line.split(/\s+/));
}

function toHostEntry(entry: string, hostAddress: string | undefined): string[] {
  const [name = '', ...rest] = entry.split(':');
  const address = rest.join(':');
  if (name === '' || address === '') {
    throw new EngineError('invalid-argument', `unable to parse host entry "${entry}": must be HOST:IP`, { details: { field: 'addHosts' } });
  }
  if (address !== 'host-gateway') return [address, name];
  if (hostAddress !== undefined) return [hostAddress, name];
  throw new EngineError(
    'unsupported',
    `unable to replace "host-gateway" of host entry "${entry}": the host's address is not known in this network mode`,
    {
      fix: 'give the address itself',
    },
  );
}

export interface ResolvOptions {
  /** The container has a network namespace of its own, in which the host's loopback resolvers do not answer. */
  readonly ownNamespace: boolean;
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** resolv.conf(5): what was asked for, else the host's without what the container cannot use. `.` as the only search domain means none. */
export function resolvText(host: string, wanted: ResolvOptions): string {
  const words = host.split('\n').map((line) =>
    line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/),
  );
  const valuesOf = (keyword: string): string[] => words.filter(([first]) => first === keyword).flatMap(([, ...rest]) => rest);
  let servers = wanted.servers;
  if (servers.length === 0) {
    servers = valuesOf('nameserver').filter((server) => !wanted.ownNamespace || (!isLoopback(server) && !server.includes('%')));
    if (servers.length === 0 && wanted.ownNamespace) servers = fallbackServers;
  }
  const searchLines = words.filter(([first]) => first === 'search' || first === 'domain');
  const search = wanted.search.length > 0 ? wanted.search.filter((domain) => domain !== '.') : (searchLines.at(-1)?.slice(1) ?? []);
  const options = wanted.options.length > 0 ? wanted.options : valuesOf('options');
  return [
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
    '',
  ].join('\n');
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

/** systemd-resolved's stub is no use in another network namespace; the servers behind it are in a file of their own. */
function readHostResolvConf(ownNamespace: boolean): string {
  const text = readOptional('/etc/resolv.conf') ?? '';
  const servers = [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, server]) => server);
  if (ownNamespace && servers.length === 1 && servers[0] === resolvedStub) return readOptional(resolvedUpstream) ?? text;
  return text;
}

/** Empty unless privileged: an unprivileged container learns nothing of its host. As Podman's. */
function containerEnvironment(room: Room, record: ContainerRecord): string {
  if (!record.config.spec.privileged) return '';
  return [
    'engine="selkie"',
    `name="${record.name}"`,
    `id="${record.id}"`,
    `image="${record.config.imageName}"`,
    `imageid="${record.imageId}"`,
    `rootless=${room.system.identity.rootless ? 1 : 0}`,
    '',
  ].join('\n');
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function firstFilled(...lists: readonly (readonly string[])[]): readonly string[] {
  return lists.find((list) => list.length > 0) ?? [];
}
