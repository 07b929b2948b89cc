import type { ContainerDelta } from '../../contract/container.ts';
import type { EngineHandlers } from '../../contract/engine.ts';
import type { ContainerId } from '../../contract/ids.ts';
import type { TransferProgress } from '../../contract/image.ts';
import type { ResolvedImage } from '../image/image.ts';
import { removing, type Rooms } from './rooms.ts';
import { engineEvents } from './event-service.ts';
import { pieces } from './pieces.ts';
import { withProgress } from './progress.ts';

export function containerHandlers(rooms: Rooms): EngineHandlers['container'] {
  const { containers } = rooms;
  return {
    list: ({ all, filters, size, last }) => containers.list({ all, filters, size, last }),
    watch: (_, { signal }) => watchContainers(rooms, signal),
    inspect: ({ container, size }) => containers.inspect(container, size),

    async *create(spec, { signal }) {
      for await (const item of withProgress<TransferProgress, Awaited<ReturnType<typeof containers.create>>>((onProgress) =>
        containers.create(spec, { onProgress, signal }),
      )) {
        if (item.kind === 'progress') yield { kind: 'pull', progress: item.progress };
        else {
          const { record, warnings } = item.result;
          yield { kind: 'created', container: { id: record.id, name: record.name, warnings: [...warnings] } };
        }
      }
    },

    async start({ container }) {
      const { record, warnings } = await containers.start(container);
      return { id: record.id, warnings: [...warnings] };
    },
    stop: ({ container, timeoutSeconds }, { signal }) => containers.stop(container, timeoutSeconds, signal),
    restart: async ({ container, timeoutSeconds }, { signal }) => ({
      id: (await containers.restart(container, timeoutSeconds, signal)).id,
    }),
    kill: async ({ container, signal: signalName }) => ({ id: (await containers.kill(container, signalName)).id }),
    rename: async ({ container, name }) => ({ id: (await containers.rename(container, name)).id }),
    remove: async ({ container, force, volumes, timeoutSeconds, trash: wanted }) => ({
      id: (await removing(rooms, wanted, (trash) => containers.remove(container, { force, volumes, timeoutSeconds, trash }))).id,
    }),
    wait: async ({ container, conditions }, { signal }) => ({ exitCode: await containers.wait(container, conditions, signal) }),
    logs: ({ container, ...options }, { signal }) =>
      containers.logs(container, { tail: undefined, sinceMs: undefined, untilMs: undefined, before: undefined, ...options }, signal),
    attach: ({ container, start, stdin, output, detachKeys, size }, { up }, { signal }) =>
      containers.attach(container, { start, stdin, output, detachKeys, size }, up, signal),
    exec: (spec, { up }, { signal }) => containers.exec(spec, up, signal),
    execDetached: async (spec) => ({ execId: await containers.execDetached(spec) }),
    diff: ({ object, base, kinds }, { signal }) => containers.diff(object, { base, kinds, signal }),
    async *commit({ container, name, ...options }, { signal }) {
      for await (const item of withProgress<TransferProgress, ResolvedImage>((onProgress) =>
        containers.commit(container, { ...options, name, signal, onProgress }),
      )) {
        if (item.kind === 'progress') yield item;
        else yield { kind: 'image', id: item.result.record.id, name: item.result.name };
      }
    },
    export: ({ container }, { signal }) => pieces(containers.export(container, signal)),
    exportFile: ({ container, path }, { signal }) => containers.exportFile(container, path, signal),
    mount: ({ container }) => containers.mount(container),
    unmount: ({ container, force }) => containers.unmount(container, force),
    mounted: () => containers.mounted(),
    top: ({ container, descriptors }) => containers.top(container, descriptors),
    stats: ({ containers: names, intervalMs, once }, { signal }) => containers.stats(names, intervalMs, once, signal),
  };
}

/** A snapshot, then what changed, told by the events of all engines. */
async function* watchContainers(rooms: Rooms, signal: AbortSignal): AsyncGenerator<ContainerDelta> {
  const { state, containers } = rooms;
  let sequence = state.events.lastSequence();
  const snapshot = await containers.list({ all: true, filters: [], size: false, last: undefined });
  yield { kind: 'snapshot', sequence, containers: snapshot };
  const known = new Set<ContainerId>(snapshot.map(({ id }) => id));
  for await (const batch of engineEvents(state, sequence, signal)) {
    const changed = new Map<ContainerId, number>();
    for (const event of batch) {
      if (event.type === 'container') changed.set(event.id as ContainerId, event.sequence);
      sequence = event.sequence;
    }
    for (const [id, eventSequence] of changed) {
      const record = state.containers.find(id);
      if (record) {
        known.add(id);
        yield { kind: 'changed', sequence: eventSequence, container: containers.summary(record) };
      } else if (known.delete(id)) {
        yield { kind: 'removed', sequence: eventSequence, id };
      }
    }
  }
}
