/** What the network tests share: a network of their own roots, and a server that answers inside a container's namespace. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { createNetwork, type Network, type NetworkRequest, type ResolvedNetworkMode } from '../../../src-main/engine/network/network.ts';
import { openState, type State } from '../../../src-main/engine/state/state.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import type { PortMapping } from '../../../src-main/contract/container-spec.ts';
import type { System } from '../../../src-main/system/system.ts';

export interface Sandbox {
  readonly system: System;
  readonly state: State;
  readonly network: Network;
  readonly runRoot: string;
  dispose(): void;
}

export function openSandbox(): Sandbox {
  const root = mkdtempSync(join(tmpdir(), 'selkie-network-'));
  const system = createLinuxSystem();
  const runRoot = join(root, 'run');
  const state = openState({ graphRoot: join(root, 'graph'), runRoot, system });
  const network = createNetwork({ config: { runRoot, rootlessNetwork: 'pasta' }, state, system });
  return {
    system,
    state,
    network,
    runRoot,
    dispose() {
      state[Symbol.dispose]();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

export function port(hostPort: number, containerPort: number, more: Partial<PortMapping> = {}): PortMapping {
  return { hostIp: '', hostPort, containerPort, range: 1, protocol: 'tcp', ...more };
}

export function request(
  sandbox: Sandbox,
  mode: ResolvedNetworkMode,
  ports: readonly PortMapping[],
  options: readonly string[] = [],
): NetworkRequest {
  const containerId = randomBytes(32).toString('hex');
  const runDirectory = join(sandbox.runRoot, 'containers', containerId);
  sandbox.system.files.ensureDirectory(runDirectory);
  return { containerId, containerName: `c-${containerId.slice(0, 6)}`, hostname: 'host', mode, options, ports, runDirectory };
}

const serverCode = `
const { createServer } = require('node:net');
const { createSocket } = require('node:dgram');
const [name, ...specs] = process.argv.slice(1);
let left = specs.length;
const up = () => { if (--left === 0) process.stdout.write('ready'); };
for (const spec of specs) {
  const [port, protocol] = spec.split('/');
  if (protocol === 'tcp') createServer((socket) => { socket.on('error', () => {}); socket.once('data', () => socket.end(name + ' ' + port)); }).listen(Number(port), '0.0.0.0', up);
  else { const udp = createSocket('udp4'); udp.on('message', (_m, from) => udp.send(name + ' ' + port, from.port, from.address)); udp.bind(Number(port), up); }
}`;

/** Answers `NAME PORT` on each PORT/PROTOCOL inside the namespace. */
export async function serve(netnsPath: string, name: string, ...specs: readonly string[]): Promise<{ stop(): Promise<void> }> {
  const child: ChildProcess = spawn('nsenter', [`--net=${netnsPath}`, process.execPath, '-e', serverCode, name, ...specs], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { stdout } = child;
  if (stdout === null) throw new Error('no stdout');
  await once(stdout, 'data');
  return {
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** What a TCP server says; `undefined` when the connection is refused, reset or silent. */
export function ask(host: string, tcpPort: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: tcpPort, timeout: 3000 });
    let text = '';
    const fail = (): void => {
      socket.destroy();
      resolve(undefined);
    };
    socket.setEncoding('utf8');
    // The client speaks first: before 2024 pasta does not complete a connection from another address in which it does not.
    socket.on('connect', () => socket.write('?'));
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('end', () => resolve(text === '' ? undefined : text));
    socket.on('timeout', fail);
    socket.on('error', fail);
  });
}

export function askUdp(host: string, udpPort: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const done = (text: string | undefined): void => {
      clearTimeout(timer);
      socket.close();
      resolve(text);
    };
    const timer = setTimeout(() => done(undefined), 3000);
    socket.on('message', (message) => done(message.toString()));
    socket.on('error', () => done(undefined));
    socket.send('?', udpPort, host);
  });
}
