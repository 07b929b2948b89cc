/** `-p`: [[ip:][hostPort]:]containerPort[/protocol], each side may be a range of the same length. */
import { EngineError } from '../../../base/errors.ts';
import type { PortMapping } from '../../../contract/container-spec.ts';

type PortInput = Pick<PortMapping, 'hostIp' | 'hostPort' | 'containerPort' | 'range' | 'protocol'>;

export function parsePort(text: string): PortInput {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const protocol = parseProtocol(slash < 0 ? 'tcp' : text.slice(slash + 1), text);
  const [hostIp, rest] = splitHostIp(address, text);
  const parts = rest.split(':');
  if (parts.length > 2) throw invalid(text, 'too many colons; an IPv6 address goes in [brackets]');
  const container = parseRange(parts.at(-1) ?? '', text, 'container port');
  const hostText = parts.length === 2 ? (parts[0] ?? '') : '';
  if (hostText === '') return { hostIp, hostPort: undefined, containerPort: container.first, range: container.length, protocol };
  const host = parseRange(hostText, text, 'host port');
  if (host.length !== container.length) throw invalid(text, 'the ranges of host and container ports have different lengths');
  return { hostIp, hostPort: host.first, containerPort: container.first, range: container.length, protocol };
}

function parseProtocol(word: string, text: string): PortMapping['protocol'] {
  const protocol = word.toLowerCase();
  if (protocol === 'tcp' || protocol === 'udp' || protocol === 'sctp') return protocol;
  throw invalid(text, `unknown protocol ${word}; there are tcp, udp and sctp`);
}

function splitHostIp(address: string, text: string): [string, string] {
  if (address.startsWith('[')) {
    const close = address.indexOf(']:');
    if (close < 0) throw invalid(text, 'no ]: behind the IPv6 address');
    return [checkedIp(address.slice(1, close), text), address.slice(close + 2)];
  }
  const parts = address.split(':');
  if (parts.length !== 3) return ['', address];
  return [parts[0] === '' ? '' : checkedIp(parts[0] ?? '', text), parts.slice(1).join(':')];
}

function checkedIp(ip: string, text: string): string {
  const v4 = /^\d{1,3}(\.\d{1,3}){3}$/.test(ip) && ip.split('.').every((part) => Number(part) <= 255);
  const v6 = ip.includes(':') && /^[0-9a-f:.]+(%\w+)?$/i.test(ip);
  if (!v4 && !v6) throw invalid(text, `${ip === '' ? 'an empty word' : ip} is no IP address`);
  return ip;
}

function parseRange(text: string, whole: string, what: string): { first: number; length: number } {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (!match) throw invalid(whole, `parsing ${what}: "${text}" is no port number`);
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  if (first < 1 || last > 65535) throw invalid(whole, `${what}s go from 1 to 65535`);
  if (last < first) throw invalid(whole, `the ${what} range ends before it begins`);
  return { first, length: last - first + 1 };
}

function invalid(text: string, why: string): EngineError {
  return new EngineError('invalid-argument', `invalid port mapping "${text}": ${why}`, {
    fix: 'write [ip:][hostPort:]containerPort[/protocol], such as 8080:80 or 127.0.0.1:5353:53/udp',
    details: { field: 'ports' },
  });
}

/** `--expose`: port or range, with an optional protocol; ranges are spread out. */
export function parseExpose(text: string): string[] {
  const [ports, protocol = 'tcp'] = text.split('/');
  const { first, length } = parseRange(ports ?? '', text, 'port');
  parseProtocol(protocol, text);
  return Array.from({ length }, (_, index) => `${first + index}/${protocol.toLowerCase()}`);
}
