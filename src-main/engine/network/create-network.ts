import * as v from 'valibot';
import { EngineError } from '../../base/errors.ts';
import { assertNever } from '../../base/assert.ts';
import type { PortMapping } from '../../contract/container-spec.ts';
import type { ContainerState } from '../../contract/container.ts';
import type { System } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';
import type { State } from '../state/state.ts';
import { Bridge, bridgeState } from './bridge.ts';
import type { Network, NetworkRequest, NetworkSetup, ResolvedNetworkMode } from './network.ts';
import { Pasta, pastaProblem, pastaState, tunProblem } from './pasta.ts';
import {
  checkDuplicates,
  checkHolders,
  checkListeners,
  checkPort,
  checkPrivilegedPort,
  chooseHostPorts,
  isPublished,
  type PortHolder,
} from './ports.ts';
import { Slirp4netns, slirpState } from './slirp4netns.ts';
import { describeTool, requireTool } from './tool.ts';
import { parseBridgeWords, parsePastaWords, parseSlirpWords, refuseWords } from './words.ts';

export interface NetworkOptions {
  readonly config: Pick<EngineConfig, 'runRoot' | 'rootlessNetwork'>;
  readonly state: State;
  readonly system: System;
}

const stateSchema = v.variant('kind', [bridgeState, pastaState, slirpState]);

/** States in which a container holds its ports. */
const connectedStates: ReadonlySet<ContainerState> = new Set(['initialized', 'running', 'stopping', 'paused']);

export function createNetwork({ config, state, system }: NetworkOptions): Network {
  const bridge = new Bridge(system, state, config.runRoot);
  const pasta = new Pasta(system, config.runRoot);
  const slirp4netns = new Slirp4netns(system, config.runRoot);

  /** Containers that publish ports now. */
  function holders(): PortHolder[] {
    return state.containers
      .list()
      .filter((record) => connectedStates.has(record.state) && record.config.networkMode !== 'host' && record.config.networkMode !== 'none')
      .map((record) => ({ containerId: record.id, containerName: record.name, ports: record.config.ports }));
  }

  function defaultMode(): ReturnType<Network['defaultMode']> {
    if (!system.identity.rootless) return { mode: 'bridge', warning: undefined };
    if (config.rootlessNetwork === 'slirp4netns') return { mode: 'slirp4netns', warning: undefined };
    const problem = pastaProblem(system);
    if (problem === undefined || system.processes.find('slirp4netns') === undefined) return { mode: 'pasta', warning: undefined };
    return { mode: 'slirp4netns', warning: `${problem}: using slirp4netns, which is slower` };
  }

  function begin(request: NetworkRequest): Promise<NetworkSetup> {
    switch (request.mode) {
      case 'host':
      case 'none':
        return Promise.resolve(unconnected(request.mode));
      case 'bridge':
        return bridge.setup(request);
      case 'pasta':
        return pasta.setup(request);
      case 'slirp4netns':
        return slirp4netns.setup(request);
      default:
        return assertNever(request.mode);
    }
  }

  return {
    defaultMode,
    validate(mode, options, ports) {
      checkMode(system, mode, options);
      if (mode === 'host' || mode === 'none') return [];
      ports.forEach((port) => {
        checkPort(port);
        checkProtocol(mode, port);
      });
      if (ports.length === 0) return [];
      checkDuplicates(ports);
      const others = holders();
      checkHolders(ports, others);
      checkListeners(system, ports);
      if (system.identity.rootless) ports.filter(isPublished).forEach(checkPrivilegedPort);
      return chooseHostPorts(system, ports, others);
    },
    async setup(request) {
      const setup = await begin(request);
      // The caller looks at it only after the runtime's create: a failure before that is not an unhandled one.
      setup.connected.catch(() => undefined);
      return setup;
    },
    async teardown(networkState) {
      if (networkState === undefined || networkState === null) return;
      const parsed = v.safeParse(stateSchema, networkState);
      if (!parsed.success) throw new EngineError('corrupt', 'the recorded state of a container network is not one that this version knows');
      const known = parsed.output;
      if (known.kind === 'bridge') await bridge.teardown(known);
      else if (known.kind === 'pasta') await pasta.teardown(known);
      else await slirp4netns.teardown(known);
    },
    describe: () => describeTool(system, 'netavark'),
    describeRootless: () => describeTool(system, config.rootlessNetwork),
  };
}

/** host shares ours; none is a private one that the runtime makes: nothing to do and nothing to undo. */
function unconnected(mode: 'host' | 'none'): NetworkSetup {
  return {
    sandboxPath: undefined,
    connected: Promise.resolve({ mode, sandboxPath: '', networks: [] }),
    state: null,
    dnsServers: [],
    address: undefined,
    hostAddress: mode === 'host' ? '127.0.0.1' : undefined,
    warnings: [],
  };
}

function checkProtocol(mode: ResolvedNetworkMode, port: PortMapping): void {
  if (mode === 'bridge') return;
  if (port.protocol === 'sctp')
    throw new EngineError('unsupported', `${mode} cannot publish sctp ports`, {
      fix: 'use the bridge network as root',
      details: { field: 'ports' },
    });
  if (mode === 'slirp4netns' && port.hostIp.includes(':'))
    throw new EngineError('unsupported', `slirp4netns cannot publish on the IPv6 address ${port.hostIp}`, {
      fix: 'use --network pasta',
      details: { field: 'ports' },
    });
}

function checkMode(system: System, mode: ResolvedNetworkMode, options: readonly string[]): void {
  switch (mode) {
    case 'host':
    case 'none':
      refuseWords(mode, options);
      return;
    case 'bridge':
      if (system.identity.rootless)
        throw new EngineError('unsupported', 'the bridge network needs root', {
          fix: 'use --network pasta (the default without root) or slirp4netns',
          details: { field: 'network' },
        });
      requireTool(system, 'netavark');
      parseBridgeWords(options);
      return;
    case 'pasta':
      if (!system.identity.rootless)
        throw new EngineError('unsupported', 'the pasta network works only without root', {
          fix: 'use --network bridge (the default as root) or slirp4netns',
          details: { field: 'network' },
        });
      requireTool(system, 'pasta');
      parsePastaWords(options);
      requireTun(mode);
      return;
    case 'slirp4netns':
      requireTool(system, 'slirp4netns');
      parseSlirpWords(options);
      requireTun(mode);
      return;
    default:
      assertNever(mode);
  }
}

function requireTun(mode: ResolvedNetworkMode): void {
  const problem = tunProblem();
  if (problem === undefined) return;
  throw new EngineError('unsupported', `the ${mode} network cannot work: ${problem}`, {
    fix: 'run: sudo chmod 666 /dev/net/tun, or use --network host or none',
    details: { field: 'network' },
  });
}
