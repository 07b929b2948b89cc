/** IPv4 addresses as numbers: what a small address book and a search for a free subnet need. */
import { isIPv4 } from 'node:net';
import { EngineError } from '../../base/errors.ts';

export interface Ipv4Subnet {
  /** The network's own address, host bits zero. */
  readonly base: number;
  readonly prefix: number;
}

export function parseIpv4(text: string): number | undefined {
  if (!isIPv4(text)) return undefined;
  return text.split('.').reduce((value, part) => value * 256 + Number(part), 0);
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

export function sizeOf(subnet: Ipv4Subnet): number {
  return 2 ** (32 - subnet.prefix);
}

/** `10.0.2.0/24`; host bits are cleared. */
export function parseSubnet(text: string): Ipv4Subnet | undefined {
  const [addressText = '', prefixText = ''] = text.split('/', 2);
  const address = parseIpv4(addressText);
  if (address === undefined || !/^\d{1,2}$/.test(prefixText)) return undefined;
  const prefix = Number(prefixText);
  if (prefix > 32) return undefined;
  const size = 2 ** (32 - prefix);
  return { base: Math.floor(address / size) * size, prefix };
}

export function formatSubnet(subnet: Ipv4Subnet): string {
  return `${formatIpv4(subnet.base)}/${subnet.prefix}`;
}

export function contains(subnet: Ipv4Subnet, address: number): boolean {
  return address >= subnet.base && address < subnet.base + sizeOf(subnet);
}

export function overlap(a: Ipv4Subnet, b: Ipv4Subnet): boolean {
  return a.base < b.base + sizeOf(b) && b.base < a.base + sizeOf(a);
}

/**
 * /proc/net/route (proc(5)) without default routes: every network that this host already reaches. Addresses there are
 * hexadecimal in the byte order of the machine.
 */
export function parseRoutes(table: string): { readonly interfaceName: string; readonly subnet: Ipv4Subnet }[] {
  return routeRows(table)
    .filter((row) => row.prefix > 0)
    .map(({ interfaceName, base, prefix }) => ({ interfaceName, subnet: { base, prefix } }));
}

/** The interface of the first IPv4 default route. */
export function defaultRouteInterface(table: string): string | undefined {
  return routeRows(table).find((row) => row.prefix === 0)?.interfaceName;
}

function routeRows(table: string): { readonly interfaceName: string; readonly base: number; readonly prefix: number }[] {
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length >= 8)
    .map((fields) => ({
      interfaceName: fields[0] ?? '',
      base: swapBytes(fields[1] ?? ''),
      prefix: bitsSet(swapBytes(fields[7] ?? '')),
    }));
}

function swapBytes(hex: string): number {
  return parseInt(hex.match(/../g)?.reverse().join('') ?? '0', 16);
}

function bitsSet(mask: number): number {
  return mask.toString(2).replaceAll('0', '').length;
}

/**
 * Subnets to try for a bridge, in order. /20: a bridge takes 1,024 ports, so it never runs out of addresses. 10.88 is Podman's default
 * network and 10.89 to 10.255 its pool, 172.17 to 172.31 Docker's: ours begins below them.
 */
export function* candidateSubnets(): Generator<Ipv4Subnet> {
  for (const [first, blocks] of [
    ['10.87.0.0', 16],
    ['10.84.0.0', 48],
    ['172.16.0.0', 16],
    ['192.168.128.0', 8],
  ] as const) {
    const base = parseIpv4(first) ?? 0;
    for (let block = 0; block < blocks; block++) yield { base: base + block * 4096, prefix: 20 };
  }
}

export function chooseSubnet(taken: readonly Ipv4Subnet[]): Ipv4Subnet {
  for (const candidate of candidateSubnets()) if (!taken.some((other) => overlap(candidate, other))) return candidate;
  throw new EngineError(
    'unavailable',
    'no free subnet for the bridge network: every candidate overlaps a network that this host already reaches',
    {
      fix: 'use --network host, or free one of 10.84.0.0–10.87.255.255, 172.16.0.0/16 and 192.168.128.0/17',
    },
  );
}
