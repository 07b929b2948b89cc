import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { asyncDisposable } from '../../base/disposable.ts';
import { EngineError, messageOf } from '../../base/errors.ts';
import type { RestoredObject, TrashItem } from '../../contract/trash.ts';
import type { System } from '../../system/system.ts';
import { type EngineConfig, loadTrashSettings } from '../config/config.ts';
import type { Containers } from '../container/container.ts';
import { type ImageStore, layerUsage } from '../image/image.ts';
import type { SnapshotStore } from '../snapshot/snapshot.ts';
import type { State, TrashRecord } from '../state/state.ts';
import type { VolumeStore } from '../volume/volume.ts';
import { allocatedBytes, changedAt } from './measure.ts';
import type { Trash } from './trash.ts';

export interface TrashOptions {
  readonly config: Pick<EngineConfig, 'graphRoot' | 'runRoot'>;
  readonly state: State;
  readonly system: System;
  readonly snapshots: SnapshotStore;
  readonly images: ImageStore;
  readonly volumes: VolumeStore;
  readonly containers: Containers;
  /** The clean-up program with its arguments, which tidies when it has nothing else to do. */
  readonly cleanUpCommand: () => readonly string[];
  readonly environment?: () => Readonly<Record<string, string | undefined>>;
}

const dayMs = 24 * 3600 * 1000;
/** How often somebody looks whether something is too old. */
const tidyEveryMs = 3600 * 1000;
/** A window that has just been opened has more urgent things to do. */
const firstTidyMs = 60 * 1000;

export function createTrash(options: TrashOptions): Trash {
  const { config, state, system, snapshots, images, volumes, containers } = options;
  const environment = options.environment ?? (() => process.env);
  /** Its age tells when somebody has tidied last. */
  const stamp = join(config.runRoot, 'trash-tidied');

  function limits(): { readonly keepMs: number; readonly maximumBytes: number } {
    const { keepDays, maximumPercent } = loadTrashSettings(system.identity, environment());
    return { keepMs: keepDays * dayMs, maximumBytes: Math.floor((system.files.totalBytes(config.graphRoot) * maximumPercent) / 100) };
  }

  /** Of the entry's own files; layers are counted apart, since entries share them. What is in the trash does not grow: once measured is enough. */
  async function ownBytes(entry: TrashRecord): Promise<number> {
    if (entry.kind === 'image') return 0;
    if (entry.sizeBytes !== undefined) return entry.sizeBytes;
    const bytes =
      entry.kind === 'volume'
        ? await allocatedBytes(join(volumes.trashPath(entry.id), '_data'))
        : snapshots.exists(entry.object)
          ? await snapshots.diffBytes(entry.object)
          : 0;
    state.trash.measured(entry.id, bytes);
    return bytes;
  }

  async function ownBytesOf(entries: readonly TrashRecord[]): Promise<number> {
    let total = 0;
    for (const entry of entries) total += await ownBytes(entry);
    return total;
  }

  async function discard({ kind, id }: TrashRecord): Promise<void> {
    if (kind === 'image') await images.discard(id);
    else if (kind === 'volume') await volumes.discard(id);
    else await containers.discard(id);
  }

  function find(text: string): TrashRecord {
    const entries = state.trash.list().toReversed();
    const exact = entries.find(({ id }) => id === text);
    if (exact) return exact;
    const hex = /^(?:sha256:)?([0-9a-f]{3,64})$/.exec(text)?.[1];
    const byName = entries.filter((entry) => namesOf(entry).some((name) => isCalled(name, text)) || entry.object === text);
    const byId =
      hex === undefined
        ? []
        : entries.filter(({ id, object, kind }) => id.startsWith(hex) || (kind !== 'volume' && object.startsWith(hex)));
    const matches = byName.length > 0 ? byName : byId;
    const [newest] = matches;
    if (!newest)
      throw new EngineError('not-found', `there is nothing in the trash that is called ${JSON.stringify(text)}`, {
        fix: 'selkie trash ls lists what there is',
      });
    const objects = new Set(matches.map(({ kind, object }) => `${kind} ${object}`));
    if (objects.size > 1)
      throw new EngineError('ambiguous', `"${text}" fits more than one thing in the trash`, {
        fix: 'give the id of the entry',
        details: { candidates: matches.map(({ id, kind, name }) => `${id} (${kind} ${name || 'without a name'})`) },
      });
    return newest;
  }

  async function restoreEntry(entry: TrashRecord, name: string | undefined): Promise<RestoredObject> {
    const { kind, id, object } = entry;
    if (kind === 'volume') {
      const record = await volumes.restore(id, name);
      return { kind, object: record.name, names: [record.name], takenNames: [] };
    }
    if (kind === 'container') {
      const record = await containers.restore(id, name);
      return { kind, object, names: [record.name], takenNames: [] };
    }
    const { record, taken } = await images.restore(id);
    const names = name === undefined ? record.names : images.tag(record.id, [name]).names;
    return { kind, object, names: [...names], takenNames: [...taken] };
  }

  async function empty(entries: readonly TrashRecord[]): Promise<{ readonly discarded: string[]; readonly freedBytes: number }> {
    const usage = layerUsage(state);
    const discarded = new Map<string, number>();
    const failures: unknown[] = [];
    for (const entry of entries) {
      try {
        const bytes = await ownBytes(entry);
        await discard(entry);
        discarded.set(entry.id, bytes);
        state.events.append({ type: entry.kind, status: 'discard', id: entry.object, name: entry.name === '' ? entry.object : entry.name });
      } catch (error) {
        failures.push(error);
      }
    }
    if (discarded.size === 0 && failures.length > 0)
      throw new EngineError('unavailable', `nothing in the trash could be deleted: ${messageOf(failures[0])}`, { cause: failures[0] });
    const own = [...discarded.values()].reduce((sum, bytes) => sum + bytes, 0);
    return { discarded: [...discarded.keys()], freedBytes: usage.freedFromTrash(new Set(discarded.keys())) + own };
  }

  async function tidy(): Promise<readonly string[]> {
    using lock = state.tryLock('store', 'trash');
    if (!lock) return [];
    touch();
    const entries = state.trash.list();
    if (entries.length === 0) return [];
    const { keepMs, maximumBytes } = limits();
    const now = system.clock.nowMs();
    const gone = new Set(entries.filter(({ removedAt }) => removedAt + keepMs <= now));
    const old = gone.size;
    const usage = layerUsage(state);
    let bytes = usage.trashBytes - usage.freedFromTrash(new Set([...gone].map(({ id }) => id)));
    bytes += await ownBytesOf(entries.filter((entry) => !gone.has(entry)));
    for (const entry of entries) {
      if (bytes <= maximumBytes) break;
      if (gone.has(entry)) continue;
      gone.add(entry);
      bytes =
        usage.trashBytes -
        usage.freedFromTrash(new Set([...gone].map(({ id }) => id))) +
        (await ownBytesOf(entries.filter((other) => !gone.has(other))));
    }
    if (gone.size === 0) return [];
    const { discarded } = await empty([...gone]);
    return [`deleted ${String(discarded.length)} of ${String(entries.length)} things in the trash: ${String(old)} were too old`];
  }

  function touch(): void {
    system.files.writeAtomically(stamp, '');
    const now = system.clock.nowMs() / 1000;
    utimesSync(stamp, now, now);
  }

  return {
    async list() {
      const { keepMs } = limits();
      const usage = layerUsage(state);
      const items: TrashItem[] = [];
      for (const entry of state.trash.list().toReversed()) {
        items.push({
          id: entry.id,
          kind: entry.kind,
          object: entry.object,
          names: namesOf(entry),
          ...(entry.kind === 'container' ? { image: entry.record.config.imageName } : {}),
          removedAt: entry.removedAt,
          expiresAt: entry.removedAt + keepMs,
          sizeBytes: (await ownBytes(entry)) + usage.freedFromTrash(new Set([entry.id])),
        });
      }
      return items;
    },

    async usage() {
      const entries = state.trash.list();
      return { entries: entries.length, bytes: layerUsage(state).trashBytes + (await ownBytesOf(entries)) };
    },

    limits: () => {
      const { keepMs, maximumBytes } = limits();
      return { keepDays: keepMs / dayMs, maximumBytes };
    },

    restore: (text, name) => restoreEntry(find(text), name),
    empty: (texts) => empty(texts.length === 0 ? state.trash.list() : [...new Set(texts.map(find))]),
    tidy,

    keep() {
      const run = (): void => {
        void tidy().catch(() => undefined);
      };
      const first = setTimeout(run, firstTidyMs).unref();
      const later = setInterval(run, tidyEveryMs).unref();
      return asyncDisposable(() => {
        clearTimeout(first);
        clearInterval(later);
        return Promise.resolve();
      });
    },

    noteRemoval() {
      if (system.clock.nowMs() - changedAt(stamp) < tidyEveryMs) return;
      // Before it is started: a hundred removals in a row start one.
      touch();
      const [program = '', ...words] = options.cleanUpCommand();
      try {
        system.processes.spawn(program, words, { stdio: ['ignore', 'ignore', 'ignore'], detached: true, brief: true });
      } catch {
        // Without it the next long-lived engine tidies.
      }
    },

    async recover() {
      const messages: string[] = [];
      for (const step of [() => volumes.recover(), () => containers.recoverTrash()])
        messages.push(...(await step().catch((error: unknown) => [`the trash could not be repaired: ${messageOf(error)}`])));
      return messages;
    },
  };
}

function namesOf(entry: TrashRecord): string[] {
  return entry.kind === 'image' ? [...entry.record.names] : [entry.name];
}

/** Of an image also the short form: app, app:1 and team/app for registry/team/app:1. */
function isCalled(name: string, text: string): boolean {
  if (name === text) return true;
  const withTag = /:[^/]*$/.test(text) ? text : `${text}:latest`;
  return name === withTag || name.endsWith(`/${withTag}`);
}
