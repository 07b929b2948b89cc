/**
 * pasta(1): copies the host's addresses and routes into the namespace and forwards sockets. It stays in the host's network namespace and
 * goes to the background by itself once everything is set up, in all versions: its exit status is the signal that traffic passes.
 * It ends when the pinned namespace is unlinked; teardown ends it first, so that its ports are free at once.
 */
import { accessSync, constants, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { EngineError } from '../../base/errors.ts';
import type { NetworkSettings } from '../../contract/container.ts';
import type { System } from '../../system/system.ts';
import { endAttached } from './attached-process.ts';
import { defaultRouteInterface } from './ipv4.ts';
import { netnsPathOf } from './netns.ts';
import type { NetworkRequest, NetworkSetup } from './network.ts';
import { checkListeners, isPublished, type PublishedPort } from './ports.ts';
import { requireTool } from './tool.ts';
import { parsePastaWords } from './words.ts';

export const pastaState = v.object({ kind: v.literal('pasta'), netnsPath: v.string(), pidFile: v.string() });
export type PastaState = v.InferOutput<typeof pastaState>;

/** Link-local addresses that no real network uses: Podman's choice too. */
const dnsAddress = '169.254.1.1';
const hostAddress = '169.254.1.2';

/** Above it, ports of a range are given in one word: pasta then fails only when it can bind none of them. */
const portByPortLimit = 256;

/** Why pasta cannot work here; undefined when it can. */
export function pastaProblem(system: System): string | undefined {
  if (system.processes.find('pasta') === undefined) return 'pasta is not installed';
  const tun = tunProblem();
  if (tun !== undefined) return tun;
  if (externalInterface() === undefined) return 'pasta needs a network interface with a default route and this host has none';
  return undefined;
}

export function tunProblem(): string | undefined {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return '/dev/net/tun cannot be opened';
  }
}

function externalInterface(): string | undefined {
  const ipv4 = defaultRouteInterface(readFileSync('/proc/net/route', 'utf8'));
  if (ipv4 !== undefined) return ipv4;
  try {
    // Destination and prefix length are the first two fields, the interface the last (net/ipv6/route.c).
    const row = readFileSync('/proc/net/ipv6_route', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .find((fields) => fields[1] === '00' && fields.at(-1) !== 'lo');
    return row?.at(-1);
  } catch {
    return undefined;
  }
}

/** `-t` and `-u` words: ADDRESS/HOST:CONTAINER, one port each, since a range fails only as a whole. */
export function pastaPortArguments(ports: readonly PublishedPort[], words: readonly string[]): string[] {
  const result: string[] = [];
  for (const port of ports) {
    const option = port.protocol === 'tcp' ? '-t' : '-u';
    const prefix = port.hostIp === '' ? '' : `${port.hostIp}/`;
    const range = (first: number): string => (port.range === 1 ? String(first) : `${first}-${first + port.range - 1}`);
    if (port.range > portByPortLimit) result.push(option, `${prefix}${range(port.hostPort)}:${range(port.containerPort)}`);
    else for (let step = 0; step < port.range; step++) result.push(option, `${prefix}${port.hostPort + step}:${port.containerPort + step}`);
  }
  for (const [short, long] of [
    ['-t', '--tcp-ports'],
    ['-u', '--udp-ports'],
    ['-T', '--tcp-ns'],
    ['-U', '--udp-ns'],
  ] as const)
    if (![...result, ...words].some((word) => word === short || word === long)) result.push(short, 'none');
  return result;
}

export class Pasta {
  readonly #system: System;
  readonly #runRoot: string;
  #help: Promise<string> | undefined;

  constructor(system: System, runRoot: string) {
    this.#system = system;
    this.#runRoot = runRoot;
  }

  async setup(request: NetworkRequest): Promise<NetworkSetup> {
    const path = requireTool(this.#system, 'pasta');
    const words = parsePastaWords(request.options);
    const ports = request.ports.filter(isPublished);
    const state: PastaState = {
      kind: 'pasta',
      netnsPath: netnsPathOf(this.#runRoot, request.containerId),
      pidFile: join(request.runDirectory, 'pasta.pid'),
    };
    await this.teardown(state);
    checkListeners(this.#system, ports);
    const isRecent = (await this.#helpText(path)).includes('--map-guest-addr');
    await this.#system.namespaces.createNetwork(state.netnsPath, { userNamespace: request.userNamespace });
    const args = [
      '--config-net',
      '--quiet',
      '--pid',
      state.pidFile,
      ...(words.includes('--map-gw') || words.includes('--no-map-gw') ? [] : ['--no-map-gw']),
      ...(words.includes('--dns-forward') ? [] : ['--dns-forward', dnsAddress]),
      ...(isRecent && !words.includes('--map-guest-addr') ? ['--map-guest-addr', hostAddress] : []),
      ...pastaPortArguments(ports, words),
      // --map-gw is Podman's word for leaving out --no-map-gw.
      ...words.filter((word) => word !== '--map-gw'),
      '--netns',
      state.netnsPath,
    ];
    return {
      sandboxPath: state.netnsPath,
      connected: this.#connect(path, args, state, ports, words),
      state,
      dnsServers: [valueOf(words, '--dns-forward') ?? dnsAddress],
      address: valueOf(words, '--address', '-a') ?? copiedAddresses(words).ipv4?.address,
      hostAddress: isRecent ? (valueOf(words, '--map-guest-addr') ?? hostAddress) : undefined,
      warnings: isRecent ? [] : ports.flatMap(udpWarning),
    };
  }

  async teardown(state: PastaState): Promise<void> {
    const text = this.#system.files.readTextIfExists(state.pidFile)?.trim();
    const pid = text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
    const pinned = this.#system.mounts.isMountPoint(state.netnsPath);
    // Without a pid file there may still be a process from before a crash, but none without its namespace.
    if (pid !== undefined || pinned) await endAttached(this.#system, state.netnsPath, pid);
    this.#system.namespaces.removeNetwork(state.netnsPath);
    await this.#system.files.removeTree(state.pidFile);
  }

  /** Versions differ in their options, and Debian 12's cannot tell its own. */
  async #helpText(path: string): Promise<string> {
    this.#help ??= this.#system.processes.run(path, ['--help']).then(({ stdout, stderr }) => stdout + stderr);
    return this.#help;
  }

  async #connect(
    path: string,
    args: readonly string[],
    state: PastaState,
    ports: readonly PublishedPort[],
    words: readonly string[],
  ): Promise<NetworkSettings> {
    try {
      const result = await this.#system.processes.run(path, args);
      if (result.code === 0) return settingsOf(state, words);
      // Somebody may have taken the port since it was checked.
      checkListeners(this.#system, ports);
      throw new EngineError('runtime-failed', `pasta failed: ${pastaWords(result.stderr)}`, { details: { tool: path } });
    } catch (error) {
      await this.teardown(state);
      throw error;
    }
  }
}

/**
 * Before 2024_08 pasta loses answers to udp that comes from this host: on loopback when the numbers differ, on the host's own address
 * always, since the gateway is not mapped.
 */
function udpWarning(port: PublishedPort): string[] {
  if (port.protocol !== 'udp') return [];
  const where = port.hostPort === port.containerPort ? 'except by 127.0.0.1' : 'not even by 127.0.0.1';
  return [`udp port ${port.hostPort} will be reachable from other hosts but not from this one, ${where}: the installed pasta is too old`];
}

/** Its last line that is not about syslog, which many containers and small systems do not have. */
function pastaWords(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const own = lines.filter((line) => line !== '' && !/to syslog|syslog server/.test(line));
  return own.slice(-2).join(': ') || 'no reason given';
}

function valueOf(words: readonly string[], ...names: readonly string[]): string | undefined {
  const index = words.findIndex((word) => names.includes(word));
  return index < 0 ? undefined : words[index + 1];
}

interface CopiedAddress {
  readonly address: string;
  readonly prefixLength: number;
}

/** What pasta copies into the container: the addresses of the interface with the default route. */
function copiedAddresses(words: readonly string[]): {
  readonly interfaceName: string;
  readonly ipv4: CopiedAddress | undefined;
  readonly ipv6: CopiedAddress | undefined;
} {
  const interfaceName = valueOf(words, '--interface', '-i') ?? externalInterface() ?? '';
  const entries = networkInterfaces()[interfaceName] ?? [];
  const first = (family: 'IPv4' | 'IPv6'): CopiedAddress | undefined => {
    const entry = entries.find((one) => one.family === family && !one.address.startsWith('fe80:'));
    return entry === undefined ? undefined : { address: entry.address, prefixLength: Number(entry.cidr?.split('/')[1] ?? 0) };
  };
  return { interfaceName, ipv4: first('IPv4'), ipv6: first('IPv6') };
}

function settingsOf(state: PastaState, words: readonly string[]): NetworkSettings {
  const copied = copiedAddresses(words);
  const own = valueOf(words, '--address', '-a');
  const ipv6 = words.includes('-4') || words.includes('--ipv4-only') ? undefined : copied.ipv6;
  return {
    mode: 'pasta',
    sandboxPath: state.netnsPath,
    networks: [
      {
        name: 'pasta',
        interfaceName: valueOf(words, '--ns-ifname', '-I') ?? copied.interfaceName,
        macAddress: valueOf(words, '--ns-mac-addr') ?? '',
        ipAddress: own !== undefined && isIP(own) === 4 ? own : (copied.ipv4?.address ?? ''),
        prefixLength: copied.ipv4?.prefixLength ?? 0,
        gateway: valueOf(words, '--gateway', '-g') ?? '',
        ipv6Address: ipv6?.address ?? '',
        ipv6PrefixLength: ipv6?.prefixLength ?? 0,
        ipv6Gateway: '',
      },
    ],
  };
}
