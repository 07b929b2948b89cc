import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { PortOwner } from '../system.ts';

interface Listener {
  readonly address: string;
  readonly port: number;
  readonly inode: string;
}

const listening = { tcp: '0A', udp: '07' } as const;
const anyAddresses = new Set(['', '0.0.0.0', '::']);

/** Who of this host listens on a port such that we could not. */
export function findListener(protocol: 'tcp' | 'udp', port: number, hostIp = ''): { readonly owner: PortOwner | undefined } | undefined {
  const listener = [protocol, `${protocol}6`]
    .flatMap((table) => parseSocketTable(readTextOr(`/proc/net/${table}`), listening[protocol]))
    .find((candidate) => candidate.port === port && collides(candidate.address, hostIp));
  return listener && { owner: ownerOf(listener.inode) };
}

function collides(taken: string, wanted: string): boolean {
  if (anyAddresses.has(wanted) || anyAddresses.has(taken)) return true;
  return taken === wanted || taken === `::ffff:${wanted}`;
}

/** proc_net_tcp(5): addresses are hexadecimal words in the host's byte order. */
export function parseSocketTable(text: string, state: string): Listener[] {
  const listeners: Listener[] = [];
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [address, port] = fields[1]?.split(':') ?? [];
    if (address === undefined || port === undefined || fields[3] !== state) continue;
    listeners.push({ address: decodeAddress(address), port: Number.parseInt(port, 16), inode: fields[9] ?? '' });
  }
  return listeners;
}

function decodeAddress(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16)));
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.every((byte) => byte === 0)) return '::';
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff)
    return `::ffff:${bytes.slice(12).join('.')}`;
  const groups = Array.from({ length: 8 }, (_, index) => (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16));
  // URL writes addresses in their canonical short form, as a caller does.
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

/** Undefined when the process belongs to somebody whose descriptors we may not see. */
function ownerOf(inode: string): PortOwner | undefined {
  const wanted = `socket:[${inode}]`;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    if (descriptorsOf(pid).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === wanted)) {
      return { pid: Number(pid), command: readTextOr(`/proc/${pid}/comm`).trim() };
    }
  }
  return undefined;
}

function descriptorsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function readTextOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
