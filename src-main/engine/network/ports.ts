/** Published ports: checked, given host ports where none was asked for, and never two holders of one. */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { isIP } from 'node:net';
import { randomInt } from 'node:crypto';
import { EngineError } from '../../base/errors.ts';
import type { PortMapping } from '../../contract/container-spec.ts';
import type { PortOwner, System } from '../../system/system.ts';

/** A mapping with its host port chosen. */
export type PublishedPort = PortMapping & { readonly hostPort: number };

/** Who holds ports already. */
export interface PortHolder {
  readonly containerId: string;
  readonly containerName: string;
  readonly ports: readonly PortMapping[];
}

export function isPublished(port: PortMapping): port is PublishedPort {
  return port.hostPort !== undefined;
}

function isAnyAddress(hostIp: string): boolean {
  return hostIp === '' || hostIp === '0.0.0.0' || hostIp === '::';
}

/** Whether two mappings claim a port of the host in common. */
export function portsOverlap(a: PortMapping, b: PortMapping): boolean {
  if (a.hostPort === undefined || b.hostPort === undefined || a.protocol !== b.protocol) return false;
  if (!isAnyAddress(a.hostIp) && !isAnyAddress(b.hostIp) && a.hostIp !== b.hostIp) return false;
  return a.hostPort < b.hostPort + b.range && b.hostPort < a.hostPort + a.range;
}

/** `127.0.0.1:8080-8082->80-82/tcp` */
export function describePort(port: PortMapping): string {
  const range = (first: number): string => (port.range > 1 ? `${first}-${first + port.range - 1}` : String(first));
  const host = isIP(port.hostIp) === 6 ? `[${port.hostIp}]` : port.hostIp;
  return `${host === '' ? '' : `${host}:`}${port.hostPort === undefined ? '' : range(port.hostPort)}->${range(port.containerPort)}/${port.protocol}`;
}

/** Of the host's: `hostIp:` only where one was given. */
function describeHostPort(port: PublishedPort, number: number): string {
  return `port ${isAnyAddress(port.hostIp) ? '' : `${port.hostIp}:`}${number}/${port.protocol}`;
}

/** The mapping by itself: ranges inside 1–65535, an address that this host has. */
export function checkPort(port: PortMapping): void {
  const bad = (why: string): EngineError =>
    new EngineError('invalid-argument', `published port ${describePort(port)}: ${why}`, { details: { field: 'ports' } });
  if (port.containerPort + port.range - 1 > 65535) throw bad('the range ends above 65535 in the container');
  if (port.hostPort !== undefined && port.hostPort + port.range - 1 > 65535) throw bad('the range ends above 65535 on the host');
  if (port.hostIp !== '' && isIP(port.hostIp) === 0) throw bad(`${JSON.stringify(port.hostIp)} is not an IP address`);
  if (!isAnyAddress(port.hostIp) && !isLocalAddress(port.hostIp)) throw bad(`this host has no address ${port.hostIp}`);
}

function isLocalAddress(address: string): boolean {
  if (address.startsWith('127.')) return true;
  return Object.values(networkInterfaces()).some((list) => list?.some((entry) => entry.address === address) === true);
}

/** Throws `denied` for a port below net.ipv4.ip_unprivileged_port_start, which a rootless engine may not bind. */
export function checkPrivilegedPort(port: PublishedPort): void {
  const first = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  if (port.hostPort >= first) return;
  throw new EngineError(
    'denied',
    `cannot publish ${describeHostPort(port, port.hostPort)}: without root, ports below ${first} are forbidden on this host`,
    {
      fix: `publish a port from ${first} on (-p ${port.hostPort + 8000}:${port.containerPort}), or run: sudo sysctl -w net.ipv4.ip_unprivileged_port_start=${port.hostPort}`,
      details: { field: 'ports', port: port.hostPort },
    },
  );
}

export function portInUse(
  port: PublishedPort,
  number: number,
  owner: { readonly container: PortHolder } | { readonly process: PortOwner | undefined },
): EngineError {
  const what = describeHostPort(port, number);
  const fix = 'publish another host port, or stop what uses this one';
  if ('container' in owner) {
    const { containerId, containerName } = owner.container;
    return new EngineError('port-in-use', `${what} is already published by container ${containerName} (${containerId.slice(0, 12)})`, {
      fix,
      details: { field: 'ports', port: number, owner: { container: containerName, containerId } },
    });
  }
  const { process } = owner;
  const who = process === undefined ? 'a process of another user' : `process ${process.pid} (${process.command})`;
  return new EngineError('port-in-use', `${what} is already in use by ${who}`, {
    fix,
    details: { field: 'ports', port: number, ...(process === undefined ? {} : { owner: { pid: process.pid, command: process.command } }) },
  });
}

/** Throws `port-in-use` when another container publishes one of them. */
export function checkHolders(ports: readonly PortMapping[], holders: readonly PortHolder[]): void {
  for (const port of ports.filter(isPublished))
    for (const holder of holders)
      for (const other of holder.ports)
        if (portsOverlap(port, other)) throw portInUse(port, Math.max(port.hostPort, other.hostPort ?? 0), { container: holder });
}

/** Throws `port-in-use` when a process listens on one of them. */
export function checkListeners(system: System, ports: readonly PortMapping[]): void {
  for (const port of ports.filter(isPublished)) {
    const busy = findListener(system, port);
    if (busy !== undefined) throw portInUse(port, busy.number, { process: busy.owner });
  }
}

function findListener(system: System, port: PublishedPort): { readonly number: number; readonly owner: PortOwner | undefined } | undefined {
  if (port.protocol === 'sctp') return undefined;
  const hostIp = isAnyAddress(port.hostIp) ? undefined : port.hostIp;
  for (let number = port.hostPort; number < port.hostPort + port.range; number++) {
    const listener = system.sockets.listenerOn(port.protocol, number, hostIp);
    if (listener !== undefined) return { number, owner: listener.owner };
  }
  return undefined;
}

/** Two mappings of one request that claim the same port. */
export function checkDuplicates(ports: readonly PortMapping[]): void {
  ports.forEach((port, index) => {
    const twin = ports.slice(index + 1).find((other) => portsOverlap(port, other));
    if (twin !== undefined)
      throw new EngineError(
        'invalid-argument',
        `published ports ${describePort(port)} and ${describePort(twin)} claim the same port of the host`,
        {
          details: { field: 'ports' },
        },
      );
  });
}

const attempts = 200;

/** Picks host ports for those left open: at random from the kernel's ephemeral range, as Podman's bind to port 0 does. */
export function chooseHostPorts(system: System, ports: readonly PortMapping[], holders: readonly PortHolder[]): PublishedPort[] {
  const chosen: PublishedPort[] = ports.filter(isPublished);
  return ports.map((port) => {
    if (isPublished(port)) return port;
    const published = chooseHostPort(system, port, [...chosen, ...holders.flatMap((holder) => holder.ports)]);
    chosen.push(published);
    return published;
  });
}

function chooseHostPort(system: System, port: PortMapping, taken: readonly PortMapping[]): PublishedPort {
  const [first = 32768, last = 60999] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number);
  for (let attempt = 0; attempt < attempts && last - port.range + 1 >= first; attempt++) {
    const candidate = { ...port, hostPort: randomInt(first, last - port.range + 2) };
    if (!taken.some((other) => portsOverlap(candidate, other)) && findListener(system, candidate) === undefined) return candidate;
  }
  throw new EngineError('port-in-use', `no ${port.range} free ports in a row from ${first} to ${last} for ${describePort(port)}`, {
    fix: 'name the host port yourself (-p HOST:CONTAINER)',
    details: { field: 'ports' },
  });
}
