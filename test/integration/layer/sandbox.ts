/** A store of its own for one case, with what cases ask of it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { isEngineError } from '../../../src-main/base/errors.ts';
import type { EngineError, ErrorCode } from '../../../src-main/base/errors.ts';
import type { Digest } from '../../../src-main/contract/ids.ts';
import { createLayerStore } from '../../../src-main/engine/layer/layer.ts';
import type { LayerStore, UnpackRequest } from '../../../src-main/engine/layer/layer.ts';
import { openSnapshotStore } from '../../../src-main/engine/snapshot/snapshot.ts';
import type { SnapshotStore } from '../../../src-main/engine/snapshot/snapshot.ts';
import { openState } from '../../../src-main/engine/state/state.ts';
import type { LayerRecord, State } from '../../../src-main/engine/state/state.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

export const system = createLinuxSystem();
export const rootless = system.identity.rootless;

export class Sandbox {
  readonly base: string;
  readonly graphRoot: string;
  readonly state: State;
  readonly snapshots: SnapshotStore;
  readonly layers: LayerStore;
  readonly workerPath: string;

  constructor(base: string, workerPath: string) {
    this.base = base;
    this.graphRoot = join(base, 'graph');
    this.workerPath = workerPath;
    mkdirSync(this.graphRoot, { recursive: true });
    writeFileSync(this.canary, 'untouched');
    ({ state: this.state, snapshots: this.snapshots, layers: this.layers } = this.engine());
  }

  /** A file beside the store that archives try to reach. */
  get canary(): string {
    return join(this.base, 'canary');
  }

  /** Another engine on the same store. */
  engine(): { state: State; snapshots: SnapshotStore; layers: LayerStore } {
    const { graphRoot } = this;
    const runRoot = join(this.base, 'run');
    const state = openState({ graphRoot, runRoot, system });
    const snapshots = openSnapshotStore({ config: { graphRoot, runRoot, storageDriver: undefined, storageOptions: [] }, system });
    return { state, snapshots, layers: createLayerStore({ state, snapshots, system, graphRoot, workerPath: this.workerPath }) };
  }

  request(blob: Buffer, more: Partial<UnpackRequest> = {}): UnpackRequest {
    return { parentChainId: undefined, diffId: diffIdOf(blob), source: Readable.from([blob]), ...more };
  }

  async unpack(blob: Buffer, parent?: LayerRecord): Promise<LayerRecord & { readonly diff: string }> {
    const record = await this.layers.unpack(this.request(blob, { parentChainId: parent?.chainId }));
    await this.checkLossless(record, blob);
    return { ...record, diff: this.snapshots.diffDirectory(record.chainId) };
  }

  /** That what was unpacked is put together again to the very same archive. */
  async checkLossless(layer: LayerRecord, blob: Buffer): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of this.layers.read(layer.chainId)) parts.push(part);
    assert.ok(Buffer.concat(parts).equals(decompress(blob)), 'it is put together to something else');
  }

  /** That it fails so, and that afterwards everything is as if it had not been tried. */
  async refuse(code: ErrorCode | readonly ErrorCode[], request: UnpackRequest): Promise<EngineError> {
    const before = this.inventory();
    const error = await this.layers.unpack(request).then(
      () => assert.fail('it was unpacked'),
      (reason: unknown) => reason,
    );
    assert.ok(isEngineError(error), error instanceof Error ? (error.stack ?? '') : String(error));
    assert.ok([code].flat().includes(error.code), `${error.code}: ${error.message}`);
    assert.ok(!error.message.includes('\n'));
    assert.deepEqual(this.inventory(), before);
    return error;
  }

  /** What the store has, down to the journal, and what lies around it. */
  inventory(): unknown {
    const overlay = join(this.graphRoot, 'overlay');
    using database = new DatabaseSync(join(this.graphRoot, 'selkie.db'), { readOnly: true });
    return {
      snapshots: this.snapshots.list(),
      layers: this.state.layers.list(),
      operations: database.prepare('SELECT * FROM operations').all(),
      links: readdirNames(join(overlay, 'l')),
      trash: readdirNames(join(overlay, '.trash')),
      overlay: readdirNames(overlay).filter((name) => !['.empty', '.support', '.trash', 'l'].includes(name)),
      around: readdirSync(this.base).filter((name) => name !== 'run'),
      canary: [readFileSync(this.canary, 'utf8'), statSync(this.canary).nlink, statSync(this.canary).mode],
    };
  }

  close(): void {
    this.state[Symbol.dispose]();
  }
}

/** Of the archive in a whole blob; what cannot be decompressed has none that could match. */
export function diffIdOf(blob: Buffer): Digest {
  return digestOf(decompress(blob));
}

export function digestOf(bytes: Buffer): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}

function decompress(blob: Buffer): Buffer {
  try {
    // A bomb is not worth its digest.
    if (blob[0] === 0x1f) return blob.length > 500_000 ? blob : gunzipSync(blob);
    return blob[0] === 0x28 ? zstdDecompressSync(blob) : blob;
  } catch {
    return blob;
  }
}

function readdirNames(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}
