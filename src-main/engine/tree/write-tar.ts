import { setImmediate as nextTurn } from 'node:timers/promises';
import { throwIfAborted } from '../../base/errors.ts';
import { withErrno } from '../../system/errno.ts';
import { deviceNumber, readTarget, readXattrs, typeOf } from './entry.ts';
import type { ReadAttributes, TreeEntry, Xattrs } from './entry.ts';
import { FileContent } from './file-content.ts';
import { isGone, toBytes, toText } from './folder.ts';
import type { ByteString } from './folder.ts';
import { toContainer, toHost, unbound } from '../snapshot/snapshot.ts';
import type { IdMapping } from '../snapshot/snapshot.ts';
import { encodeHeader, padding, trailer } from './tar-header.ts';
import type { Header } from './tar-header.ts';

/** What an archive is made of: things, and the marks of those that a layer takes away (OCI image-spec layer.md, "Whiteouts"). */
export type TarItem = TreeEntry | { readonly whiteout: ByteString } | { readonly opaque: ByteString };

export interface TarOptions {
  readonly attributes: ReadAttributes;
  readonly signal?: AbortSignal | undefined;
  /** The tree is one that a user namespace has mapped: written are the ids that are seen inside. */
  readonly owners?: IdMapping | undefined;
}

/** What the kernel shows for an owner without an id (user_namespaces(7)). */
const overflowId = 65534;
const chunkBytes = 512 * 1024;
/** How long the event loop may stand still. */
const sliceMs = 8;

/**
 * The archive in pieces, at the pace of its reader. The same tree gives the same bytes: no names of users, no times but the last change of content.
 * Sockets, which no archive can hold, are left out, and so is what vanishes while it is read.
 */
export async function* writeTar(
  items: Iterable<TarItem> | AsyncIterable<TarItem>,
  options: TarOptions,
): AsyncGenerator<Buffer<ArrayBuffer>> {
  const links = new LinkNames();
  const batch = new Batch();
  let sliceEnd = performance.now() + sliceMs;
  for await (const item of items) {
    throwIfAborted(options.signal);
    if (performance.now() > sliceEnd) {
      await nextTurn();
      sliceEnd = performance.now() + sliceMs;
    }
    if (!('stat' in item)) batch.add(markHeader(item));
    else if (item.stat.isFile() && links.known(item) === undefined) yield* writeFile(item, links, batch, options);
    else batch.add(plainHeader(item, links, options));
    if (batch.isFull) yield batch.take();
  }
  batch.add(trailer);
  yield batch.take();
}

async function* writeFile(entry: TreeEntry, links: LinkNames, batch: Batch, options: TarOptions): AsyncGenerator<Buffer<ArrayBuffer>> {
  using content = FileContent.open(entry, options.attributes);
  if (!content) return;
  const xattrs = withErrno('read the attributes of', toText(entry.path), () => readXattrs(options.attributes, entry.location));
  const { sparse } = content;
  const dataBytes = sparse ? sparse.map.length + sparse.segments.reduce((sum, { length }) => sum + length, 0) : content.sizeBytes;
  const fields = { ...fieldsOf({ ...entry, stat: content.stat }, xattrs, options.owners), flag: '0' as const, sizeBytes: dataBytes };
  batch.add(encodeHeader(sparse ? sparseHeader(fields, sparse.realSizeBytes) : fields));
  links.remember(entry);
  if (sparse) batch.add(sparse.map);
  for await (const chunk of content.chunks(options.signal)) {
    batch.add(chunk);
    if (batch.isFull) yield batch.take();
  }
  batch.add(padding(dataBytes));
}

/** Readers that do not know the format see a file of another name, and not a broken one of this. */
function sparseHeader(fields: Header, realSizeBytes: number): Header {
  const records: Header['records'] = [
    ['GNU.sparse.major', '1'],
    ['GNU.sparse.minor', '0'],
    ['GNU.sparse.name', fields.path],
    ['GNU.sparse.realsize', String(realSizeBytes)],
    ...(fields.records ?? []),
  ];
  const slash = fields.path.lastIndexOf(0x2f);
  const path = Buffer.concat([fields.path.subarray(0, slash + 1), Buffer.from('GNUSparseFile.0/'), fields.path.subarray(slash + 1)]);
  return { ...fields, path, records };
}

/** All but the content of files. Empty when there is nothing to write. */
function plainHeader(entry: TreeEntry, links: LinkNames, { attributes, owners }: TarOptions): Buffer<ArrayBuffer> {
  const type = typeOf(entry.stat);
  if (type === 'socket') return Buffer.alloc(0);
  const first = links.known(entry);
  if (first !== undefined) return encodeHeader({ ...fieldsOf(entry, [], owners), flag: '1', target: toBytes(first) });
  try {
    const target = type === 'symlink' ? { target: readTarget(entry.location) } : {};
    const device = type.endsWith('device') ? { device: deviceNumber(entry.stat.rdev) } : {};
    const header = encodeHeader({
      ...fieldsOf(entry, readXattrs(attributes, entry.location), owners),
      flag: flags[type],
      ...target,
      ...device,
    });
    links.remember(entry);
    return header;
  } catch (error) {
    if (isGone(error)) return Buffer.alloc(0);
    return withErrno('read', toText(entry.path), () => {
      throw error;
    });
  }
}

const flags = { file: '0', symlink: '2', 'character-device': '3', 'block-device': '4', directory: '5', fifo: '6' } as const;

function fieldsOf({ path, stat }: TreeEntry, xattrs: Xattrs, owners: IdMapping | undefined): Omit<Header, 'flag'> {
  return {
    path: toBytes(stat.isDirectory() ? `${path === '' ? '.' : path}/` : path),
    mode: Number(stat.mode),
    uid: owners ? inside(owners.uids, Number(stat.uid)) : Number(stat.uid),
    gid: owners ? inside(owners.gids, Number(stat.gid)) : Number(stat.gid),
    sizeBytes: 0,
    mtimeNs: stat.mtimeNs,
    records: xattrs.map(([name, value]) =>
      xattrRecord(name, owners && name === 'security.capability' ? unbound(value, toHost(owners.uids, 0)) : value),
    ),
  };
}

/** What has no id inside is nobody's there. */
function inside(ranges: IdMapping['uids'], id: number): number {
  return toContainer(ranges, id) ?? overflowId;
}

/** star's form, which container tools read; libarchive's for names with the sign that ends a key. */
function xattrRecord(name: string, value: Uint8Array): readonly [string, Uint8Array | string] {
  if (!name.includes('=')) return [`SCHILY.xattr.${name}`, value];
  return [`LIBARCHIVE.xattr.${encodeURIComponent(name)}`, Buffer.from(value).toString('base64')];
}

function markHeader(mark: { readonly whiteout: ByteString } | { readonly opaque: ByteString }): Buffer<ArrayBuffer> {
  const path = 'whiteout' in mark ? mark.whiteout : mark.opaque === '' ? '.wh..wh..opq' : `${mark.opaque}/.wh..wh..opq`;
  const slash = path.lastIndexOf('/');
  const name = 'whiteout' in mark ? `${path.slice(0, slash + 1)}.wh.${path.slice(slash + 1)}` : path;
  return encodeHeader({ path: toBytes(name), flag: '0', mode: 0, uid: 0, gid: 0, sizeBytes: 0, mtimeNs: 0n });
}

/** The first name of each file that has several. */
class LinkNames {
  readonly #names = new Map<string, ByteString>();

  known({ path, stat }: TreeEntry): ByteString | undefined {
    if (stat.nlink === 1n || stat.isDirectory()) return undefined;
    const first = this.#names.get(keyOf(stat));
    return first === path ? undefined : first;
  }

  remember({ path, stat }: TreeEntry): void {
    if (stat.nlink > 1n && !stat.isDirectory()) this.#names.set(keyOf(stat), path);
  }
}

function keyOf({ dev, ino }: TreeEntry['stat']): string {
  return `${String(dev)}:${String(ino)}`;
}

/** Small pieces go together. */
class Batch {
  #pieces: Buffer<ArrayBuffer>[] = [];
  #bytes = 0;

  get isFull(): boolean {
    return this.#bytes >= chunkBytes;
  }

  add(piece: Buffer<ArrayBuffer>): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  take(): Buffer<ArrayBuffer> {
    const [only] = this.#pieces;
    const all = this.#pieces.length === 1 && only ? only : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    return all;
  }
}
