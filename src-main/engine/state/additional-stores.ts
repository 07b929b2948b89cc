import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../../base/errors.ts';
import type { Digest, ImageId } from '../../contract/ids.ts';
import { toLayer } from './layer-table.ts';
import { schemaVersion } from './schema.ts';
import type { AdditionalStores, ImageRecord, LayerRecord } from './state.ts';

interface Content {
  /** What the files were like when they were read. */
  readonly signature: string;
  readonly images: readonly ImageRecord[];
  readonly layers: ReadonlyMap<Digest, LayerRecord>;
  readonly warning: string | undefined;
}

interface Options {
  /** Graph roots of other stores of ours, absolute; asked at each look-up. */
  readonly paths: () => readonly string[];
  readonly runRoot: string;
}

const nothing = { images: [], layers: new Map<Digest, LayerRecord>() };

/**
 * Stores that are only read (containers-storage.conf(5), additionalimagestores). Nothing is written there, not even the files that SQLite makes beside a
 * database in WAL mode; so a database is opened as one that never changes (sqlite.org/uri.html, immutable), and where its log has commits that are not in it yet,
 * a copy of both is read instead. What was read is kept for as long as the files stay as they are.
 */
export function openAdditionalStores({ paths, runRoot }: Options): AdditionalStores {
  const known = new Map<string, Content>();

  function contentOf(path: string): Content {
    const signature = signatureOf(path);
    const before = known.get(path);
    if (before?.signature === signature) return before;
    const content = { signature, ...readStore(path, runRoot) };
    known.set(path, content);
    return content;
  }

  const contents = (): Content[] => paths().map(contentOf);
  return {
    paths,
    images: () => contents().flatMap(({ images }) => images),
    findLayer(chainId) {
      for (const path of paths()) {
        const record = contentOf(path).layers.get(chainId);
        if (record) return { record, path };
      }
      return undefined;
    },
    warnings: () => contents().flatMap(({ warning }) => warning ?? []),
  };
}

/** Of the database and its log. */
function signatureOf(path: string): string {
  return ['selkie.db', 'selkie.db-wal']
    .map((name) => statSync(join(path, name), { throwIfNoEntry: false }))
    .map((stat) => (stat ? [stat.dev, stat.ino, stat.size, stat.mtimeMs].join(':') : ''))
    .join(' ');
}

function readStore(path: string, runRoot: string): Omit<Content, 'signature'> {
  try {
    const reason = lackOf(path);
    if (reason !== undefined) return { ...nothing, warning: unused(path, reason) };
    return { ...withDatabase(path, runRoot, (database) => readRecords(database, path)), warning: undefined };
  } catch (error) {
    return { ...nothing, warning: unused(path, `it cannot be read: ${messageOf(error)}`) };
  }
}

function unused(path: string, reason: string): string {
  return `the additional image store ${path} is not used: ${reason.replaceAll('\n', ' ')}`;
}

function lackOf(path: string): string | undefined {
  const database = statSync(join(path, 'selkie.db'), { throwIfNoEntry: false });
  if (!database) return statSync(path, { throwIfNoEntry: false }) ? 'it has no selkie.db' : 'it is not there';
  // Marks of opaque folders and the owners of files are others in the store of somebody who has other ids.
  if (database.uid !== 0) return 'it belongs to another user';
  const layers = statSync(join(path, 'overlay'), { throwIfNoEntry: false });
  if (!layers) return 'its layers are not kept by overlay';
  return layers.uid === 0 ? undefined : 'its layers belong to another user';
}

function withDatabase<T>(path: string, runRoot: string, read: (database: DatabaseSync) => T): T {
  const file = join(path, 'selkie.db');
  const log = statSync(`${file}-wal`, { throwIfNoEntry: false });
  if (log === undefined || log.size === 0) {
    const url = pathToFileURL(file);
    url.searchParams.set('immutable', '1');
    using database = new DatabaseSync(url, { readOnly: true });
    return read(database);
  }
  const directory = mkdtempSync(join(runRoot, 'additional-'));
  try {
    copyBoth(path, directory);
    using database = new DatabaseSync(join(directory, 'selkie.db'));
    return read(database);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Both as they were at one moment: its own engines may be at work. */
function copyBoth(path: string, directory: string): void {
  for (let attempt = 1; ; attempt += 1) {
    const before = signatureOf(path);
    copyFileSync(join(path, 'selkie.db'), join(directory, 'selkie.db'));
    rmSync(join(directory, 'selkie.db-wal'), { force: true });
    if (statSync(join(path, 'selkie.db-wal'), { throwIfNoEntry: false }))
      copyFileSync(join(path, 'selkie.db-wal'), join(directory, 'selkie.db-wal'));
    if (signatureOf(path) === before) return;
    if (attempt === 10) throw new Error('it changes all the time');
  }
}

function readRecords(database: DatabaseSync, path: string): Pick<Content, 'images' | 'layers'> {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version < 1) throw new Error('its database has no tables');
  if (version > schemaVersion) throw new Error(`it was written by a newer version of Selkie (its schema is ${version})`);
  const names = new Map<string, string[]>();
  for (const { name, image_id: id } of database.prepare('SELECT name, image_id FROM image_names ORDER BY position, name').all())
    names.set(String(id), [...(names.get(String(id)) ?? []), String(name)]);
  const layers = database
    .prepare('SELECT * FROM layers')
    .all()
    .map((row) => toLayer(row));
  const images = database
    .prepare('SELECT id, record FROM images ORDER BY id')
    .all()
    .map((row) => {
      const id = String(row['id']) as ImageId;
      const record = JSON.parse(String(row['record'])) as Omit<ImageRecord, 'id' | 'names' | 'readOnly'>;
      return { ...record, id, names: names.get(id) ?? [], readOnly: path };
    });
  return { images, layers: new Map(layers.map((layer) => [layer.chainId, layer])) };
}
