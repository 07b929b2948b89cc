/** Published ports as `ps` and `port` write them. */
import type { PortMapping } from '../../../contract/container-spec.ts';

function hostAddress(ip: string): string {
  if (ip === '') return '0.0.0.0';
  return ip.includes(':') ? `[${ip}]` : ip;
}

/** `0.0.0.0:9000-9002->9000-9002/tcp, 127.0.0.1:8081->80/tcp` */
export function portsText(ports: readonly PortMapping[]): string {
  const sorted = [...ports].sort(
    (a, b) =>
      compare(a.hostIp, b.hostIp) ||
      compare(a.protocol, b.protocol) ||
      (a.hostPort ?? 0) - (b.hostPort ?? 0) ||
      a.containerPort - b.containerPort,
  );
  return joinNeighbours(sorted).map(portText).join(', ');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** 80→80 and 81→81 become 80-81→80-81. */
function joinNeighbours(ports: readonly PortMapping[]): PortMapping[] {
  const result: PortMapping[] = [];
  for (const port of ports) {
    const last = result.at(-1);
    const follows =
      last?.hostPort !== undefined &&
      last.hostIp === port.hostIp &&
      last.protocol === port.protocol &&
      port.hostPort === last.hostPort + last.range &&
      port.containerPort === last.containerPort + last.range;
    if (last && follows) result[result.length - 1] = { ...last, range: last.range + port.range };
    else result.push(port);
  }
  return result;
}

function portText(port: PortMapping): string {
  const container = rangeText(port.containerPort, port.range);
  if (port.hostPort === undefined) return `${container}/${port.protocol}`;
  return `${hostAddress(port.hostIp)}:${rangeText(port.hostPort, port.range)}->${container}/${port.protocol}`;
}

function rangeText(first: number, length: number): string {
  return length === 1 ? String(first) : `${first}-${first + length - 1}`;
}

export interface PublishedPort {
  /** `80/tcp` */
  readonly container: string;
  /** As it was asked for: empty for all addresses. */
  readonly hostIp: string;
  readonly hostPort: number;
  /** `0.0.0.0:8080` */
  readonly host: string;
}

/** One for each port of each range, those that have a port on the host. */
export function publishedPorts(ports: readonly PortMapping[]): PublishedPort[] {
  return ports.flatMap((port) => {
    const first = port.hostPort;
    if (first === undefined) return [];
    return Array.from({ length: port.range }, (_, index) => ({
      container: `${port.containerPort + index}/${port.protocol}`,
      hostIp: port.hostIp,
      hostPort: first + index,
      host: `${hostAddress(port.hostIp)}:${first + index}`,
    }));
  });
}
