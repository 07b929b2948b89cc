/** What the pages of containers ask of the engine, and do with it. The only place of this feature that calls the client. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { EngineError, isEngineError } from '../../../src-main/base/errors.ts';
import type { ContainerDetail, ContainerSummary, LogEntry, TerminalDown, TerminalUp } from '../../../src-main/contract/container.ts';
import { begin } from '../../client/activity.ts';
import { connection, engine } from '../../client/connection.ts';
import { downloadFile } from '../../client/files.ts';
import { notify, notifyFailure } from '../../client/notices.ts';
import { useContainers } from '../../client/objects.ts';
import { createStore, useSelected } from '../../client/store.ts';
import { text } from '../../text/text.ts';
import { isUp, type Verb } from './verbs.ts';

type Target = Pick<ContainerSummary, 'id' | 'name' | 'state'>;

/** What was asked of a container and has not been answered yet; shown in the place of its state. */
const pending = createStore<ReadonlyMap<string, Verb>>(new Map());
export const usePending = (id: string): Verb | undefined => useSelected(pending, (map) => map.get(id));

function setPending(id: string, verb: Verb | undefined): void {
  pending.update((map) => {
    const next = new Map(map);
    if (verb === undefined) next.delete(id);
    else next.set(id, verb);
    return next;
  });
}

/** More at once would only queue up in the engine. */
const parallel = 8;

async function ask(verb: Verb, target: Target, removeVolumes: boolean): Promise<boolean> {
  const { container } = engine();
  switch (verb) {
    case 'start': {
      const { warnings } = await container.start({ container: target.id });
      for (const warning of warnings) notify({ kind: 'warning', title: text()('run.warning', { name: target.name }), detail: warning });
      return true;
    }
    case 'stop': {
      const { killed } = await container.stop({ container: target.id });
      if (killed) notify({ kind: 'warning', title: text()('containers.stopNeededForce', { name: target.name }) });
      return true;
    }
    case 'restart':
      await container.restart({ container: target.id });
      return true;
    case 'kill':
      await container.kill({ container: target.id });
      return true;
    case 'remove':
      // By force only what the plan showed as running: one that was started since then is kept, with words.
      await container.remove({ container: target.id, force: isUp(target.state), volumes: removeVolumes });
      return true;
  }
}

/** Does it to each; one failure keeps none of the others. Reports by notices, never rejects. */
export async function perform(verb: Verb, targets: readonly Target[], options: { readonly removeVolumes?: boolean } = {}): Promise<void> {
  const t = text();
  const queue = [...targets];
  const done: Target[] = [];
  for (const target of targets) setPending(target.id, verb);
  await Promise.all(
    Array.from({ length: Math.min(parallel, targets.length) }, async () => {
      for (let target = queue.shift(); target; target = queue.shift()) {
        try {
          await ask(verb, target, options.removeVolumes ?? false);
          done.push(target);
        } catch (error) {
          // Removed meanwhile by someone else is what was asked for.
          if (verb === 'remove' && isEngineError(error, 'not-found')) done.push(target);
          else notifyFailure(t(`containers.failedTo.${verb}`, { name: target.name }), error);
        } finally {
          setPending(target.id, undefined);
        }
      }
    }),
  );
  const [first] = done;
  if (!first) return;
  notify({
    kind: 'done',
    title:
      done.length === 1 ? t(`containers.done.${verb}`, { name: first.name }) : t(`containers.done.${verb}Many`, { count: done.length }),
    ...(verb === 'remove' ? { removed: done.map(({ id, name }) => ({ kind: 'container' as const, object: id, names: [name] })) } : {}),
  });
}

export function inspectQuery(id: string) {
  return {
    queryKey: ['container', id],
    queryFn: ({ signal }: { signal: AbortSignal }): Promise<ContainerDetail> => engine().container.inspect({ container: id }, { signal }),
  };
}

/** Whether there is a cgroup to freeze it by; taken for granted until the engine has said otherwise. */
export function useCanPause(id: string): boolean {
  return useQuery(inspectQuery(id)).data?.host.cgroupManager !== 'disabled';
}

/** The details of one container, asked for again whenever the list says that it has changed. */
export function useContainer(id: string) {
  const client = useQueryClient();
  const live = useContainers();
  const summary = live.value.byId.get(id);
  const removed = live.status === 'live' && !summary;
  const query = useQuery({ ...inspectQuery(id), enabled: !removed });
  useEffect(() => {
    if (summary) void client.invalidateQueries({ queryKey: ['container', id] });
  }, [client, id, summary]);
  return { summary, query, removed };
}

export interface AnonymousVolume {
  readonly container: string;
  readonly volume: string;
}

/** The anonymous volumes of some containers: what is removed with them unless it is kept. */
export function useAnonymousVolumes(containers: readonly Pick<ContainerSummary, 'id' | 'name'>[], enabled: boolean) {
  return useQuery({
    queryKey: ['anonymous-volumes', containers.map(({ id }) => id)],
    enabled: enabled && containers.length > 0,
    queryFn: async ({ signal }): Promise<readonly AnonymousVolume[]> => {
      const volumes = await engine().volume.list({}, { signal });
      const names = new Map(containers.map(({ id, name }) => [id as string, name]));
      return volumes
        .filter((volume) => volume.anonymous)
        .flatMap((volume) => {
          // One that somebody else mounts too stays.
          const users = volume.usedBy.map((id) => names.get(id));
          const [user] = users;
          return user !== undefined && users.every((name) => name !== undefined) ? [{ container: user, volume: volume.name }] : [];
        });
    },
  });
}

export interface CommitRequest {
  readonly name: string;
  readonly message: string;
  readonly author: string;
  readonly pause: boolean;
}

/** As every transfer it goes on by itself. `result` resolves with the image's name. */
export function startCommit(
  { id: container, name }: Pick<ContainerSummary, 'id' | 'name'>,
  request: CommitRequest,
): { readonly id: number; readonly result: Promise<string> } {
  const words = { done: () => text()('commit.done', { name: request.name }), failed: () => text()('commit.failed', { name }) };
  return begin('commit', name, words, async ({ signal, progress }) => {
    // Only Docker's format has a message.
    const format = request.message === '' ? 'oci' : 'docker';
    for await (const item of engine().container.commit({ container, ...request, format }, { signal })) {
      if (item.kind === 'image') return item.name === '' ? item.id : item.name;
      progress(item.progress);
    }
    throw new EngineError('unavailable', `the commit of ${name} ended without an image`);
  });
}

/** To a path that the engine writes itself, or into the browser's downloads. */
export function startExport(
  { id: container, name }: Pick<ContainerSummary, 'id' | 'name'>,
  to: { readonly path: string } | { readonly fileName: string },
): { readonly id: number } {
  const file = 'path' in to ? to.path : to.fileName;
  const words = { done: () => text()('export.done', { name: file }), failed: () => text()('export.failed', { name: file }) };
  return begin('export', file, words, async (handle) => {
    if ('fileName' in to) {
      await downloadFile({ kind: 'container', container }, file, handle);
      return;
    }
    for await (const { writtenBytes, done } of engine().container.exportFile({ container, path: file }, handle)) {
      handle.written(writtenBytes);
      if (done) return;
    }
    throw new EngineError('unavailable', `the export of ${name} ended before its file was whole`);
  });
}

export interface LogRequest {
  readonly container: string;
  readonly follow: boolean;
  readonly tail?: number;
  readonly paged?: boolean;
  readonly before?: string;
}

export function readLog(request: LogRequest, signal: AbortSignal): AsyncIterable<LogEntry> {
  return engine().container.logs(request, { signal });
}

export function useLastLines(id: string, enabled: boolean, finishedAt: number | undefined) {
  return useQuery({
    queryKey: ['last-lines', id, finishedAt],
    enabled,
    queryFn: async ({ signal }) => {
      const entries: LogEntry[] = [];
      for await (const entry of readLog({ container: id, follow: false, tail: 12 }, signal)) entries.push(entry);
      return entries;
    },
  });
}

export interface ShellSession extends AsyncIterable<TerminalDown> {
  readonly send: (item: TerminalUp) => Promise<void>;
  readonly close: () => void;
}

export function openShell(id: string, shell: string, size: { readonly rows: number; readonly columns: number }): ShellSession {
  return engine().container.exec({
    container: id,
    command: [shell],
    tty: true,
    interactive: true,
    size,
    environment: ['TERM=xterm-256color'],
  });
}

/** Another value for each connection to the engine; undefined while there is none. */
export function useEngineGeneration(): object | undefined {
  return useSelected(connection().state, (state) => (state.status === 'ready' ? state.api : undefined));
}
