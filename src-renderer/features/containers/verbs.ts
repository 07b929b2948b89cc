/** What can be done with a container in each state, and how it is shown. Pure. */
import type { ContainerState, ContainerSummary } from '../../../src-main/contract/container.ts';
import type { ShownState } from '../../ui/state-label.tsx';

export type Verb = 'start' | 'stop' | 'restart' | 'kill' | 'remove';

export function isUp(state: ContainerState): boolean {
  return state === 'running' || state === 'paused' || state === 'stopping';
}

export function canDo(verb: Verb, state: ContainerState): boolean {
  switch (verb) {
    case 'start':
      return state === 'created' || state === 'initialized' || state === 'exited';
    case 'stop':
      return state === 'running' || state === 'paused';
    case 'restart':
      return state !== 'removing' && state !== 'stopping';
    case 'kill':
      return state === 'running' || state === 'stopping' || state === 'paused';
    case 'remove':
      return state !== 'removing';
  }
}

const pendingStates: Record<Verb, ShownState> = {
  start: 'starting',
  stop: 'stopping',
  restart: 'restarting',
  kill: 'killing',
  remove: 'removing',
};

export function shownState(state: ContainerState, verb: Verb | undefined): ShownState {
  return verb === undefined ? state : pendingStates[verb];
}

/** Does every word of the search occur in what the row shows? */
export function matches(container: Pick<ContainerSummary, 'id' | 'name' | 'imageName' | 'ports' | 'command'>, search: string): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const ports = container.ports.map((port) => `${port.hostPort ?? ''}:${port.containerPort}`).join(' ');
  const text = `${container.name} ${container.imageName} ${ports} ${container.command.join(' ')}`.toLowerCase();
  // Somewhere in the digits of an id nearly every number occurs.
  return words.every((word) => text.includes(word) || container.id.startsWith(word));
}

/** Docker Hub's official images without what everybody leaves out. */
export function shortImageName(name: string): string {
  return name
    .replace(/^docker\.io\/(library\/)?/, '')
    .replace(/^localhost\//, '')
    .replace(/:latest$/, '');
}

/** What to say of the network of a container that has no addresses: those of a bridge are given at each start. */
export function networkText({ state, networkMode }: Pick<ContainerSummary, 'state' | 'networkMode'>) {
  switch (networkMode) {
    case 'host':
      return isUp(state) ? 'detail.networkHost' : 'detail.networkHostLater';
    case 'none':
      return 'detail.networkNone';
    case 'bridge':
      return isUp(state) ? 'detail.networkBridge' : 'detail.networkBridgeLater';
    default:
      return isUp(state) ? 'detail.networkOther' : 'detail.networkOtherLater';
  }
}
