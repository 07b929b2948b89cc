/**
 * slirp4netns(1): a user-mode TCP/IP stack behind a tap device in the namespace; slower than pasta, but it needs no external interface. It says
 * on a descriptor when the interface is up; ports are published through its API socket, one request each.
 */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { connect, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { EngineError, messageOf } from '../../base/errors.ts';
import type { NetworkSettings } from '../../contract/container.ts';
import type { SpawnedProcess, System } from '../../system/system.ts';
import { endAttached } from './attached-process.ts';
import { formatIpv4, formatSubnet } from './ipv4.ts';
import { netnsPathOf } from './netns.ts';
import type { NetworkRequest, NetworkSetup } from './network.ts';
import { checkListeners, isPublished, portInUse, type PublishedPort } from './ports.ts';
import { requireTool } from './tool.ts';
import { parseSlirpWords, slirpAddresses, type SlirpWords } from './words.ts';

export const slirpState = v.object({
  kind: v.literal('slirp4netns'),
  netnsPath: v.string(),
  runDirectory: v.string(),
  pid: v.optional(v.number()),
});
export type SlirpState = v.InferOutput<typeof slirpState>;

const socketName = 'slirp4netns.sock';
const logName = 'slirp4netns.log';
const answerSchema = v.object({ error: v.optional(v.object({ desc: v.optional(v.string(), '') })) });

export class Slirp4netns {
  readonly #system: System;
  readonly #runRoot: string;

  constructor(system: System, runRoot: string) {
    this.#system = system;
    this.#runRoot = runRoot;
  }

  async setup(request: NetworkRequest): Promise<NetworkSetup> {
    const path = requireTool(this.#system, 'slirp4netns');
    const words = parseSlirpWords(request.options);
    const ports = request.ports.filter(isPublished);
    const { runDirectory } = request;
    const netnsPath = netnsPathOf(this.#runRoot, request.containerId);
    await this.teardown({ kind: 'slirp4netns', netnsPath, runDirectory });
    checkListeners(this.#system, ports);
    this.#system.files.ensureDirectory(runDirectory, 0o700);
    await this.#system.namespaces.createNetwork(netnsPath, { userNamespace: request.userNamespace });
    const child = this.#spawn(path, words, netnsPath, runDirectory);
    const state: SlirpState = { kind: 'slirp4netns', netnsPath, runDirectory, pid: child.pid };
    const addresses = slirpAddresses(words.subnet);
    return {
      sandboxPath: netnsPath,
      connected: this.#connect(child, state, words, ports),
      state,
      dnsServers: [formatIpv4(addresses.dns)],
      address: formatIpv4(addresses.container),
      hostAddress: formatIpv4(addresses.gateway),
      warnings: words.allowHostLoopback ? [] : ports.flatMap(udpWarning),
    };
  }

  async teardown(state: SlirpState): Promise<void> {
    const pinned = this.#system.mounts.isMountPoint(state.netnsPath);
    if (state.pid !== undefined || pinned) await endAttached(this.#system, state.netnsPath, state.pid);
    this.#system.namespaces.removeNetwork(state.netnsPath);
    for (const name of [socketName, logName]) await this.#system.files.removeTree(join(state.runDirectory, name));
  }

  #spawn(path: string, words: SlirpWords, netnsPath: string, runDirectory: string): SpawnedProcess {
    const args = [
      '--configure',
      `--mtu=${words.mtu}`,
      `--cidr=${formatSubnet(words.subnet)}`,
      ...(words.allowHostLoopback ? [] : ['--disable-host-loopback']),
      ...(words.enableIpv6 ? ['--enable-ipv6'] : []),
      ...(words.outboundAddress === undefined ? [] : [`--outbound-addr=${ownAddress(words.outboundAddress, 'IPv4')}`]),
      ...(words.outboundAddress6 === undefined ? [] : [`--outbound-addr6=${ownAddress(words.outboundAddress6, 'IPv6')}`]),
      '--enable-sandbox',
      '--enable-seccomp',
      '--ready-fd=3',
      '--netns-type=path',
      // Relative to its working directory: a socket's path may have 107 bytes only.
      `--api-socket=${socketName}`,
      netnsPath,
      'tap0',
    ];
    const log = openSync(join(runDirectory, logName), 'w', 0o600);
    try {
      // Its sandbox pivots away from all mounts and detaches them; in a mount namespace with shared propagation the engine's own
      // mounts would go with them. `unshare` execs, so the pid stays.
      return this.#system.processes.spawn('unshare', ['--mount', '--propagation=private', '--', path, ...args], {
        workingDirectory: runDirectory,
        stdio: ['ignore', log, log, 'pipe'],
        detached: true,
      });
    } finally {
      closeSync(log);
    }
  }

  async #connect(child: SpawnedProcess, state: SlirpState, words: SlirpWords, ports: readonly PublishedPort[]): Promise<NetworkSettings> {
    try {
      await this.#ready(child, state);
      for (const port of ports) await this.#publish(state, port, words);
      return settingsOf(state, words);
    } catch (error) {
      await this.teardown(state);
      throw error;
    }
  }

  /** The ready descriptor says a byte when the interface is up, and only ends when it failed. */
  async #ready(child: SpawnedProcess, state: SlirpState): Promise<void> {
    const pipe = child.pipes[3];
    if (pipe === undefined) throw new EngineError('internal', 'no ready descriptor');
    const ready = await new Promise<boolean>((resolve) => {
      pipe.once('data', () => resolve(true));
      pipe.once('end', () => resolve(false));
      pipe.once('error', () => resolve(false));
      const failed = (): void => resolve(false);
      child.exited.then(failed, failed);
    });
    pipe.destroy();
    if (!ready) throw new EngineError('runtime-failed', `slirp4netns failed: ${lastWords(join(state.runDirectory, logName))}`);
  }

  async #publish(state: SlirpState, port: PublishedPort, words: SlirpWords): Promise<void> {
    for (let step = 0; step < port.range; step++) {
      const desc = await apiCall(state.runDirectory, {
        execute: 'add_hostfwd',
        arguments: {
          proto: port.protocol,
          host_addr: port.hostIp === '' ? '0.0.0.0' : port.hostIp,
          host_port: port.hostPort + step,
          guest_addr: formatIpv4(slirpAddresses(words.subnet).container),
          guest_port: port.containerPort + step,
        },
      });
      if (desc === undefined) continue;
      const number = port.hostPort + step;
      const listener = port.protocol === 'sctp' ? undefined : this.#system.sockets.listenerOn(port.protocol, number);
      if (listener !== undefined) throw portInUse(port, number, { process: listener.owner });
      throw new EngineError('runtime-failed', `slirp4netns cannot publish port ${number}/${port.protocol}: ${desc}`);
    }
  }
}

/** slirp4netns shows the container its gateway as the sender, and drops what goes back there unless host loopback is allowed. */
function udpWarning(port: PublishedPort): string[] {
  if (port.protocol !== 'udp') return [];
  return [
    `udp port ${port.hostPort} will not be reachable on 127.0.0.1, only on the host's other addresses: slirp4netns drops the answers`,
  ];
}

/** One JSON object there and one back on a connection of its own; answers the error's description, or undefined when it went well. */
async function apiCall(directory: string, request: unknown): Promise<string | undefined> {
  const descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect({ path: `/proc/self/fd/${descriptor}/${socketName}`, allowHalfOpen: true });
      let answer = '';
      socket.setEncoding('utf8');
      socket.on('data', (chunk: string) => (answer += chunk));
      socket.once('end', () => {
        socket.destroy();
        resolve(answer);
      });
      socket.once('error', reject);
      socket.end(JSON.stringify(request));
    });
    const { error } = v.parse(answerSchema, JSON.parse(text));
    return error?.desc;
  } catch (error) {
    throw new EngineError('runtime-failed', `slirp4netns does not answer on its API socket: ${messageOf(error)}`, { cause: error });
  } finally {
    closeSync(descriptor);
  }
}

/** slirp4netns 1.2 takes addresses only, Podman's word also the name of an interface. */
function ownAddress(addressOrInterface: string, family: 'IPv4' | 'IPv6'): string {
  if (isIP(addressOrInterface) !== 0) return addressOrInterface;
  const found = networkInterfaces()[addressOrInterface]?.find((entry) => entry.family === family && !entry.address.startsWith('fe80:'));
  if (found !== undefined) return found.address;
  throw new EngineError('invalid-argument', `this host has no interface ${addressOrInterface} with an ${family} address`, {
    details: { field: 'network' },
  });
}

function lastWords(path: string): string {
  try {
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    return lines.at(-1)?.trim() || 'no reason given';
  } catch {
    return 'no reason given';
  }
}

function settingsOf(state: SlirpState, words: SlirpWords): NetworkSettings {
  const addresses = slirpAddresses(words.subnet);
  return {
    mode: 'slirp4netns',
    sandboxPath: state.netnsPath,
    networks: [
      {
        name: 'slirp4netns',
        interfaceName: 'tap0',
        macAddress: '',
        ipAddress: formatIpv4(addresses.container),
        prefixLength: words.subnet.prefix,
        gateway: formatIpv4(addresses.gateway),
        ipv6Address: '',
        ipv6PrefixLength: 0,
        ipv6Gateway: '',
      },
    ],
  };
}
