/**
 * The bridge network, by netavark: one netns, a veth pair, an address of ours, firewall rules.
 *
 * netavark changes the host's firewall by read-modify-write, so its runs are serialised across all engines of the host. Its teardown needs the
 * namespace; where that is gone (a crash, a reboot of the mount namespace) an empty one takes its place, and netavark still removes the rules.
 */
import { dirname, join } from 'node:path';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import * as v from 'valibot';
import { EngineError, isEngineError } from '../../base/errors.ts';
import { portMapping } from '../../contract/container-spec.ts';
import type { NetworkSettings } from '../../contract/container.ts';
import type { ContainerId } from '../../contract/ids.ts';
import type { System } from '../../system/system.ts';
import type { State } from '../state/state.ts';
import { AddressBook, addressBookDirectory, type BridgeNetwork, type Lease } from './address-book.ts';
import { netnsPathOf } from './netns.ts';
import type { NetworkRequest, NetworkSetup } from './network.ts';
import { checkListeners, isPublished } from './ports.ts';
import { requireTool } from './tool.ts';
import { parseBridgeWords } from './words.ts';

export const bridgeState = v.object({
  kind: v.literal('bridge'),
  containerId: v.string(),
  containerName: v.string(),
  netnsPath: v.string(),
  address: v.string(),
  macAddress: v.optional(v.string()),
  interfaceName: v.string(),
  firewall: v.string(),
  ports: v.array(portMapping),
  network: v.object({ network: v.string(), bridge: v.string(), subnet: v.string(), gateway: v.string() }),
});
export type BridgeState = v.InferOutput<typeof bridgeState>;

/** netavark's answer to setup: by network, by interface. */
const statusSchema = v.record(
  v.string(),
  v.object({
    interfaces: v.record(
      v.string(),
      v.object({ mac_address: v.string(), subnets: v.array(v.object({ ipnet: v.string(), gateway: v.optional(v.nullable(v.string())) })) }),
    ),
  }),
);

export class Bridge {
  readonly #system: System;
  readonly #state: State;
  readonly #runRoot: string;
  readonly #book: AddressBook;
  #swept = false;

  constructor(system: System, state: State, runRoot: string) {
    this.#system = system;
    this.#state = state;
    this.#runRoot = runRoot;
    this.#book = new AddressBook(system, runRoot);
  }

  async setup(request: NetworkRequest): Promise<NetworkSetup> {
    const words = parseBridgeWords(request.options);
    const ports = request.ports.filter(isPublished);
    const firewall = this.#firewallTool();
    const netnsPath = netnsPathOf(this.#runRoot, request.containerId);
    await this.#sweep(request.containerId);
    checkListeners(this.#system, ports);
    // A crash before the lease may have left one.
    this.#system.namespaces.removeNetwork(netnsPath);
    await this.#system.namespaces.createNetwork(netnsPath, { userNamespace: request.userNamespace });
    const wish = {
      containerId: request.containerId,
      containerName: request.containerName,
      netnsPath,
      macAddress: words.macAddress,
      interfaceName: words.interfaceName,
      firewall: firewall.driver,
      ports,
      address: words.address,
    };
    try {
      const { lease, network } = await this.#leaseOrReclaim(wish);
      const state = stateOf(lease, network);
      return {
        sandboxPath: netnsPath,
        connected: this.#connect(state, request.hostname),
        state,
        dnsServers: [],
        address: lease.address,
        hostAddress: network.gateway,
        warnings: [],
      };
    } catch (error) {
      this.#system.namespaces.removeNetwork(netnsPath);
      throw error;
    }
  }

  async teardown(state: BridgeState): Promise<void> {
    const { namespaces } = this.#system;
    // Taken down before, by us or another engine.
    if (!existsSync(state.netnsPath) && this.#book.find(state.containerId) === undefined) return;
    if (!existsSync(state.netnsPath) || !this.#system.mounts.isMountPoint(state.netnsPath)) {
      namespaces.removeNetwork(state.netnsPath);
      await namespaces.createNetwork(state.netnsPath);
    }
    try {
      await this.#run('teardown', state, state.containerName);
    } catch (error) {
      // The interface went with its namespace: netavark says so after it has removed the rules.
      if (!isEngineError(error, 'runtime-failed')) throw error;
    }
    namespaces.removeNetwork(state.netnsPath);
    await this.#book.release(state.containerId);
  }

  async #connect(state: BridgeState, hostname: string): Promise<NetworkSettings> {
    try {
      return settingsOf(state, await this.#run('setup', state, hostname));
    } catch (error) {
      await this.teardown(state);
      throw error;
    }
  }

  /** A port or an address may be held by a lease whose container a crash took away: look again after such are gone. */
  async #leaseOrReclaim(wish: Parameters<AddressBook['lease']>[0]): ReturnType<AddressBook['lease']> {
    try {
      return await this.#book.lease(wish);
    } catch (error) {
      if (!isEngineError(error) || !(await this.#reclaim())) throw error;
      return this.#book.lease(wish);
    }
  }

  async #sweep(containerId: string): Promise<void> {
    const left = this.#book.find(containerId);
    if (left !== undefined) await this.teardown(stateOf(left.lease, left.network));
    if (this.#swept) return;
    this.#swept = true;
    await this.#reclaim();
  }

  /** Takes down what containers that no longer exist have left; answers whether there was anything. */
  async #reclaim(): Promise<boolean> {
    const stale = this.#book.stale((id) => {
      const record = this.#state.containers.find(id as ContainerId);
      return record?.networkState !== undefined && record.networkState !== null;
    });
    for (const { lease, network } of stale) await this.teardown(stateOf(lease, network));
    return stale.length > 0;
  }

  /**
   * iptables works with every netavark before 2.0 and lives well beside Docker's own rules; nftables came with 1.10. With both present the
   * installed netavark decides for itself.
   */
  #firewallTool(): { readonly driver: string; readonly searchPath: string } {
    const iptables = this.#system.processes.find('iptables');
    const nft = this.#system.processes.find('nft');
    if (iptables === undefined && nft === undefined)
      throw new EngineError('missing-tool', 'the bridge network needs iptables or nft, and neither is installed', {
        fix: 'install iptables (sudo apt install iptables), or use --network host',
      });
    const folders = new Set([iptables, nft].filter((path) => path !== undefined).map((path) => dirname(path)));
    const driver = iptables === undefined ? 'nftables' : nft === undefined ? 'iptables' : '';
    return { driver, searchPath: [...folders].join(':') };
  }

  async #run(verb: 'setup' | 'teardown', state: BridgeState, hostname: string): Promise<string> {
    const path = requireTool(this.#system, 'netavark');
    const { searchPath } = this.#firewallTool();
    const configDirectory = join(this.#runRoot, 'network');
    this.#system.files.ensureDirectory(configDirectory, 0o700);
    this.#system.files.ensureDirectory(addressBookDirectory, 0o700);
    using _lock = await this.#system.locks.acquire(join(addressBookDirectory, 'netavark.lock'));
    const result = await this.#system.processes.run(path, ['--config', configDirectory, verb, state.netnsPath], {
      input: JSON.stringify(netavarkInput(state, hostname)),
      // Two dozen execs of iptables: a long PATH slows each of them.
      environment: { PATH: searchPath, ...(state.firewall === '' ? {} : { NETAVARK_FW: state.firewall }) },
    });
    if (result.code === 0) return result.stdout;
    throw new EngineError(
      'runtime-failed',
      `netavark ${verb} of container ${state.containerName} failed: ${netavarkWords(result.stdout, result.stderr)}`,
      {
        details: { tool: path },
      },
    );
  }
}

function stateOf(lease: Lease, network: BridgeNetwork): BridgeState {
  const { pid: _pid, pidStartTime: _pidStartTime, ...rest } = lease;
  return { kind: 'bridge', ...rest, network };
}

/** netavark(1): the JSON that Podman gives it too. */
function netavarkInput(state: BridgeState, hostname: string): unknown {
  const { network, bridge, subnet, gateway } = state.network;
  return {
    container_id: state.containerId,
    container_name: state.containerName,
    container_hostname: hostname,
    port_mappings: state.ports.map((port) => ({
      container_port: port.containerPort,
      host_ip: port.hostIp,
      host_port: port.hostPort,
      protocol: port.protocol,
      range: port.range,
    })),
    networks: {
      [network]: {
        interface_name: state.interfaceName,
        static_ips: [state.address],
        aliases: [],
        ...(state.macAddress === undefined ? {} : { static_mac: state.macAddress }),
      },
    },
    network_info: {
      [network]: {
        name: network,
        id: createHash('sha256').update(network).digest('hex'),
        driver: 'bridge',
        network_interface: bridge,
        subnets: [{ subnet, gateway }],
        ipv6_enabled: false,
        internal: false,
        dns_enabled: false,
        ipam_options: { driver: 'host-local' },
      },
    },
  };
}

function netavarkWords(stdout: string, stderr: string): string {
  const text = stdout.trim() === '' ? stderr.trim() : stdout.trim();
  try {
    const parsed = v.safeParse(v.object({ error: v.string() }), JSON.parse(text));
    if (parsed.success) return parsed.output.error.replace(/\s*\n\s*/g, ' ').trim();
  } catch {
    // Not JSON: its last words as they are.
  }
  return text.split('\n').at(-1) ?? 'no reason given';
}

function settingsOf(state: BridgeState, answer: string): NetworkSettings {
  const status = v.parse(statusSchema, JSON.parse(answer));
  const interfaces = Object.entries(status[state.network.network]?.interfaces ?? {});
  return {
    mode: 'bridge',
    sandboxPath: state.netnsPath,
    networks: interfaces.map(([interfaceName, details]) => {
      const [ipAddress = '', prefix = '0'] = (details.subnets[0]?.ipnet ?? '').split('/');
      return {
        // The name a person uses, whatever the run root.
        name: 'selkie',
        interfaceName,
        macAddress: details.mac_address,
        ipAddress,
        prefixLength: Number(prefix),
        gateway: details.subnets[0]?.gateway ?? '',
        ipv6Address: '',
        ipv6PrefixLength: 0,
        ipv6Gateway: '',
      };
    }),
  };
}
