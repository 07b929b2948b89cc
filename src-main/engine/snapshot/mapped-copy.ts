import { chmodSync, lchownSync, lstatSync, readdirSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EngineError, throwIfAborted } from '../../base/errors.ts';
import { withErrno } from '../../system/errno.ts';
import type { FileAttributes } from '../../system/system.ts';
import { toHost } from './id-mapping.ts';
import type { IdMapping } from './id-mapping.ts';

export interface ChownOptions {
  readonly attributes: Pick<FileAttributes, 'getXattr' | 'setXattr'>;
  readonly signal?: AbortSignal | undefined;
  /** Told now and then. */
  readonly onProgress?: ((entries: number) => void) | undefined;
}

/** How long the event loop may stand still. */
const sliceMs = 8;
const capability = 'security.capability';
const setIdBits = 0o6000;

/**
 * Gives every file of a tree that is ours alone the owner that stands for its own in a user namespace: what an idmapped mount would show. Set-id bits and
 * file capabilities, which a change of owner takes away, are put back; a capability is bound to the namespace's root (capabilities(7), "Namespaced
 * file capabilities"). Errors: `unsupported` for an owner that the namespace has no id for.
 */
export async function chownTree(root: string, mapping: IdMapping, options: ChownOptions): Promise<void> {
  const change = new OwnerChange(mapping, Buffer.byteLength(root), options);
  const pending = [Buffer.from(root)];
  let sliceEnd = performance.now() + sliceMs;
  for (let path = pending.pop(); path; path = pending.pop()) {
    if (performance.now() > sliceEnd) {
      await nextTurn();
      throwIfAborted(options.signal);
      options.onProgress?.(change.entries);
      sliceEnd = performance.now() + sliceMs;
    }
    const here = path;
    const isFolder = withErrno('change the owner of', here.toString(), () => change.apply(here));
    if (isFolder) for (const name of readdirSync(here, { encoding: 'buffer' })) pending.push(Buffer.concat([here, slash, name]));
  }
  options.onProgress?.(change.entries);
}

const slash = Buffer.from('/');

class OwnerChange {
  entries = 0;
  readonly #mapping: IdMapping;
  readonly #attributes: ChownOptions['attributes'];
  readonly #root: number | undefined;
  /** What is not the image's of a path. */
  readonly #prefixBytes: number;
  /** Files with several names: each is changed once. */
  readonly #linked = new Set<number>();

  constructor(mapping: IdMapping, prefixBytes: number, { attributes }: ChownOptions) {
    this.#prefixBytes = prefixBytes;
    this.#mapping = mapping;
    this.#attributes = attributes;
    this.#root = toHost(mapping.uids, 0);
  }

  /** Answers whether it is a folder. */
  apply(path: Buffer): boolean {
    const stat = lstatSync(path);
    this.entries += 1;
    if (stat.nlink > 1 && !stat.isDirectory()) {
      if (this.#linked.has(stat.ino)) return false;
      this.#linked.add(stat.ino);
    }
    const [uid, gid] = [this.#owner(stat, 'uid', path), this.#owner(stat, 'gid', path)];
    const kept = stat.isFile() ? this.#attributes.getXattr(path, capability) : undefined;
    lchownSync(path, uid, gid);
    if (!stat.isSymbolicLink() && (stat.mode & setIdBits) !== 0) chmodSync(path, stat.mode & 0o7777);
    // Attributes of a name that is no text cannot be set: such a program loses its capabilities.
    if (kept !== undefined && isText(path)) this.#attributes.setXattr(path.toString(), capability, boundTo(kept, this.#root));
    return stat.isDirectory();
  }

  #owner(stat: Stats, kind: 'uid' | 'gid', path: Buffer): number {
    const mapped = toHost(this.#mapping[`${kind}s`], stat[kind]);
    if (mapped !== undefined) return mapped;
    const inside = path.subarray(this.#prefixBytes).toString() || '/';
    throw new EngineError(
      'unsupported',
      `${inside} of the image belongs to ${kind} ${String(stat[kind])}, which the user namespace of the container has no id for`,
      {
        fix: 'give it more ids: --userns=auto:size=65536, or a wider --uidmap and --gidmap',
        details: { [kind]: stat[kind], path: inside },
      },
    );
  }
}

function isText(path: Buffer): boolean {
  return Buffer.from(path.toString()).equals(path);
}

const revisionMask = 0xff000000;
const revision2 = 0x02000000;
const revision3 = 0x03000000;

/** struct vfs_ns_cap_data of linux/capability.h: revision 3 has the root of its namespace at the end. */
export function boundTo(value: Uint8Array, root: number | undefined): Uint8Array {
  const data = Buffer.from(value);
  if (root === undefined || data.length !== 20) return value;
  const magic = data.readUInt32LE(0);
  if ((magic & revisionMask) >>> 0 !== revision2) return value;
  const bound = Buffer.alloc(24);
  data.copy(bound);
  bound.writeUInt32LE(((magic & ~revisionMask) | revision3) >>> 0, 0);
  bound.writeUInt32LE(root, 20);
  return bound;
}

/** As an image has it, of what was set in a namespace with that root. */
export function unbound(value: Uint8Array, root: number | undefined): Uint8Array {
  const data = Buffer.from(value);
  if (data.length !== 24 || (data.readUInt32LE(0) & revisionMask) >>> 0 !== revision3 || data.readUInt32LE(20) !== root) return value;
  const plain = Buffer.from(data.subarray(0, 20));
  plain.writeUInt32LE(((data.readUInt32LE(0) & ~revisionMask) | revision2) >>> 0, 0);
  return plain;
}
