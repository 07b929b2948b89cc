import { hostname } from 'node:os';
import { EngineError } from '../../base/errors.ts';
import type { ContainerSpec, PortMapping } from '../../contract/container-spec.ts';
import type { ContainerId } from '../../contract/ids.ts';
import type { ImageConfig } from '../../contract/image.ts';
import type { ResolvedImage } from '../image/image.ts';
import { checkRuntimeOptions } from '../runtime/runtime.ts';
import type { ContainerConfig } from '../state/state.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { resolveMounts } from './create-mounts.ts';
import type { Room } from './room.ts';
import { parseSignal } from './signals.ts';

/** All that is decided at creation: the spec over the image's configuration over the host's defaults. Changes nothing. */
export function decideConfig(room: Room, id: ContainerId, spec: ContainerSpec, image: ResolvedImage): ContainerConfig {
  const imageConfig = room.images.config(image.record.id);
  checkSpec(spec);
  const network = room.network.defaultMode();
  const asked = spec.network.mode;
  const networkMode = asked === 'default' ? network.mode : asked;
  const wanted = portsOf(spec, imageConfig);
  const warnings = [
    ...(asked === 'default' && network.warning !== undefined ? [network.warning] : []),
    ...(wanted.length > 0 && (networkMode === 'host' || networkMode === 'none')
      ? [`Port mappings have been discarded, as the ${networkMode} network mode has none`]
      : []),
    ...checkRuntimeOptions({ config: room.config, system: room.system, spec, networkMode }),
  ];
  return {
    spec,
    imageName: image.name,
    imageConfig,
    parentChainId: image.record.chainIds.at(-1),
    ...commandOf(spec, imageConfig),
    hostname: hostnameOf(spec, networkMode, id),
    mounts: resolveMounts(room, spec, imageConfig),
    ports: room.network.validate(networkMode, spec.network.options, wanted),
    networkMode,
    logPath: room.paths.log(id),
    warnings,
  };
}

function checkSpec(spec: ContainerSpec): void {
  if (spec.remove && spec.restartPolicy.name !== 'no') {
    throw new EngineError('invalid-argument', `the --rm option conflicts with --restart, when the restartPolicy is not "" and "no"`, {
      fix: 'leave out one of the two',
      details: { field: 'restartPolicy' },
    });
  }
  if (spec.stopSignal !== undefined) parseSignal(spec.stopSignal);
  if (spec.detachKeys !== undefined) parseDetachKeys(spec.detachKeys);
}

/** With an entrypoint of its own the image's CMD no longer fits and is dropped, as in Podman. */
function commandOf(spec: ContainerSpec, image: ImageConfig): Pick<ContainerConfig, 'entrypoint' | 'command'> {
  const entrypoint = spec.entrypoint ?? image.entrypoint;
  const command = spec.command !== undefined && spec.command.length > 0 ? spec.command : spec.entrypoint === undefined ? image.command : [];
  if (entrypoint.length + command.length === 0) {
    throw new EngineError('invalid-argument', 'no command or entrypoint provided, and no CMD or ENTRYPOINT from image', {
      fix: 'say which program of the image to run',
      details: { field: 'command' },
    });
  }
  return { entrypoint, command };
}

/** Sharing the host's network means to be the host, by name too. */
function hostnameOf(spec: ContainerSpec, networkMode: string, id: string): string {
  if (spec.hostname !== undefined && spec.hostname !== '') return spec.hostname;
  return networkMode === 'host' || spec.uts === 'host' ? hostname() : id.slice(0, 12);
}

function portsOf(spec: ContainerSpec, image: ImageConfig): PortMapping[] {
  const ports = [...spec.ports];
  if (!spec.publishAll) return ports;
  for (const text of [...image.exposedPorts, ...spec.expose]) {
    for (const exposed of parseExposed(text)) {
      const published = ports.some(
        ({ protocol, containerPort, range }) =>
          protocol === exposed.protocol && exposed.containerPort >= containerPort && exposed.containerPort < containerPort + range,
      );
      if (!published) ports.push(exposed);
    }
  }
  return ports;
}

/** `80`, `80/udp`, `8000-8010/tcp`: one mapping per port, its host port open. */
export function parseExposed(text: string): PortMapping[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text.trim());
  const first = Number(match?.[1] ?? 0);
  const last = Number(match?.[2] ?? first);
  if (!match || first < 1 || last > 65535 || last < first) {
    throw new EngineError('invalid-argument', `invalid exposed port "${text}": must be PORT[-PORT][/tcp|udp|sctp]`, {
      details: { field: 'expose' },
    });
  }
  const protocol = (match[3]?.toLowerCase() ?? 'tcp') as PortMapping['protocol'];
  return Array.from({ length: last - first + 1 }, (_, index) => ({ hostIp: '', containerPort: first + index, range: 1, protocol }));
}
