import { lstatSync, mkdirSync, readlinkSync, renameSync, unlinkSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';
import type { Lock, System } from '../../system/system.ts';
import { hasCode, keyOf, readNames } from './layout.ts';
import type { SnapshotLayout } from './layout.ts';

/** A link without its folder is older than any creation in progress by then, which makes the one just before the other. */
const danglingLinkAgeMs = 60_000;

/**
 * Removing in two steps: a rename into the trash, after which the snapshot is gone for everybody, and the deletion of its files.
 * Names in the trash and of unfinished writable snapshots carry their owner, pid and start time, so that a sweep can tell what
 * another engine is still busy with.
 */
export class Removal {
  readonly #layout: SnapshotLayout;
  readonly #system: Pick<System, 'files' | 'processes'>;
  readonly #tryFillLock: (name: string) => Lock | undefined;
  #owner: string | undefined;
  #serial = 0;

  constructor(layout: SnapshotLayout, system: Pick<System, 'files' | 'processes'>, tryFillLock: (name: string) => Lock | undefined) {
    this.#layout = layout;
    this.#system = system;
    this.#tryFillLock = tryFillLock;
  }

  /** This process, for ever: `pid.startTime`. */
  get owner(): string {
    this.#owner ??= `${String(process.pid)}.${String(this.#system.processes.startTime(process.pid) ?? 0)}`;
    return this.#owner;
  }

  /** Nothing there: no error. `in-use` when another snapshot lies on it. */
  async remove(key: string, name: string): Promise<void> {
    const committed = this.#layout.committedIfIntact(key);
    const record = committed ?? this.#layout.creating(key);
    // Only finished layers are parents, so removing a container does not look at a thousand others.
    const mayBeParent = committed?.writable === false;
    if (mayBeParent) this.#refuseParent(key);
    const trashed = this.#toTrash(name);
    if (trashed === undefined) return;
    try {
      if (mayBeParent) this.#refuseParent(key);
    } catch (error) {
      renameSync(trashed, this.#layout.directory(key));
      throw error;
    }
    this.dropLink(record?.link ?? '');
    await this.#system.files.removeTree(trashed);
  }

  /** Of a snapshot that goes, or never came to be. */
  dropLink(link: string): void {
    if (link !== '') unlinkIfExists(`${this.#layout.links}/${link}`);
  }

  /** Of something that never was a snapshot. */
  async discard(name: string): Promise<void> {
    const trashed = this.#toTrash(name);
    if (trashed !== undefined) await this.#system.files.removeTree(trashed);
  }

  /** For synchronous callers: out of sight at once, deleted by whoever sweeps next if not now. */
  discardLater(name: string): void {
    const trashed = this.#toTrash(name);
    // A failure here leaves it in the trash, where the next sweep finds it.
    if (trashed !== undefined) this.#system.files.removeTree(trashed).catch(() => undefined);
  }

  async sweep(): Promise<readonly string[]> {
    const swept: string[] = [];
    for (const name of readNames(this.#layout.home)) {
      if (name.startsWith('.new-') && !this.#isBusy(name.slice('.new-'.length).replace(/-\d+$/, ''))) {
        await this.discard(name);
        swept.push(name);
      }
    }
    for (const name of this.#layout.names()) {
      const key = keyOf(name);
      if (this.#layout.isCommitted(key)) continue;
      using lock = this.#tryFillLock(name);
      if (!lock || this.#layout.isCommitted(key)) continue;
      await this.discard(name);
      swept.push(key);
    }
    for (const name of readNames(this.#layout.trash)) {
      if (this.#isBusy(name.split('~')[1] ?? '')) continue;
      await this.#system.files.removeTree(`${this.#layout.trash}/${name}`);
      swept.push(`.trash/${name}`);
    }
    for (const link of readNames(this.#layout.links)) if (this.#unlinkIfDangling(link)) swept.push(`l/${link}`);
    return swept;
  }

  #refuseParent(key: string): void {
    for (const name of this.#layout.names()) {
      const other = keyOf(name);
      // One that is still being filled needs its parent only when it is committed, and looks for it then.
      if (this.#layout.committedIfIntact(other)?.parent === key)
        throw new EngineError('in-use', `snapshot ${key} is the parent of ${other}`, {
          fix: `remove ${other} first`,
          details: { child: other },
        });
    }
  }

  #toTrash(name: string): string | undefined {
    const target = `${this.#layout.trash}/${name}~${this.owner}~${String((this.#serial += 1))}`;
    try {
      renameSync(`${this.#layout.home}/${name}`, target);
      return target;
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
      // Either it or the trash is missing: the latter only before the store's first use.
      mkdirSync(this.#layout.trash, { recursive: true, mode: 0o700 });
      return undefined;
    }
  }

  /** A process of that name lives; it may be this one, with a removal under way. */
  #isBusy(owner: string): boolean {
    const [pid, startTime] = owner.split('.').map(Number);
    return pid !== undefined && this.#system.processes.startTime(pid) === startTime;
  }

  #unlinkIfDangling(link: string): boolean {
    const path = `${this.#layout.links}/${link}`;
    try {
      lstatSync(`${this.#layout.links}/${readlinkSync(path)}`);
      return false;
    } catch (error) {
      if (!hasCode(error, 'ENOENT') || Date.now() - lstatSync(path).ctimeMs < danglingLinkAgeMs) return false;
      unlinkIfExists(path);
      return true;
    }
  }
}

function unlinkIfExists(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}
