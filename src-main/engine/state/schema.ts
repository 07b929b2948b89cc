import type { DatabaseSync } from 'node:sqlite';
import { EngineError } from '../../base/errors.ts';

/** Raised with every change of the tables; {@link migrate} brings older ones forward. */
export const schemaVersion = 4;

const tables = `
CREATE TABLE containers (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  image_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  config TEXT NOT NULL,
  state TEXT NOT NULL,
  pid INTEGER NOT NULL,
  pid_start_time INTEGER NOT NULL,
  conmon_pid INTEGER NOT NULL,
  conmon_start_time INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER,
  exit_code INTEGER,
  oom_killed INTEGER NOT NULL,
  error TEXT NOT NULL,
  restart_count INTEGER NOT NULL,
  stopped_by_user INTEGER NOT NULL,
  network TEXT,
  network_state TEXT,
  boot_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX containers_by_image ON containers (image_id);
CREATE TABLE images (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE image_names (name TEXT PRIMARY KEY, image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX image_names_by_image ON image_names (image_id);
CREATE TABLE layers (chain_id TEXT PRIMARY KEY, diff_id TEXT NOT NULL, parent_chain_id TEXT, size_bytes INTEGER NOT NULL, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX layers_by_parent ON layers (parent_chain_id);
CREATE TABLE blobs (blob_digest TEXT PRIMARY KEY, diff_id TEXT NOT NULL, size_bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE volumes (name TEXT PRIMARY KEY, created_at INTEGER NOT NULL, labels TEXT NOT NULL, anonymous INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE events (sequence INTEGER PRIMARY KEY AUTOINCREMENT, timestamp_ms INTEGER NOT NULL, event TEXT NOT NULL) STRICT;
CREATE TABLE operations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  object TEXT NOT NULL,
  details TEXT NOT NULL,
  pid INTEGER NOT NULL,
  pid_start_time INTEGER NOT NULL,
  started_at INTEGER NOT NULL
) STRICT;
`;

/** Since version 2. An older engine would take away layers that only the trash refers to: so it must not open the store. */
const trash = `
CREATE TABLE trash (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  object TEXT NOT NULL,
  name TEXT NOT NULL,
  removed_at INTEGER NOT NULL,
  size_bytes INTEGER,
  record TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX trash_by_object ON trash (kind, object);
`;

/** Since version 3. Only what is there is told, never what is not: a registry forgets. */
const places = `
CREATE TABLE blob_places (
  blob_digest TEXT NOT NULL,
  registry TEXT NOT NULL,
  repository TEXT NOT NULL,
  compression TEXT NOT NULL,
  PRIMARY KEY (blob_digest, registry, repository)
) STRICT, WITHOUT ROWID;
`;

/** Makes or updates the tables, once, whichever of several engines comes first. */
export function migrate(database: DatabaseSync, path: string): void {
  if (versionOf(database) === schemaVersion) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    const found = versionOf(database);
    if (found > schemaVersion) {
      throw new EngineError(
        'version-mismatch',
        `the store ${path} was written by a newer version of Selkie (its schema is ${found}, this version knows ${schemaVersion})`,
        {
          fix: 'update Selkie, or use another store with --root',
        },
      );
    }
    if (found === 0) database.exec(tables);
    if (found < 2) database.exec(trash);
    if (found < 3) database.exec(places);
    // 4: records of images may be lists (state.ts). An older engine would take away documents that only a list refers to: so it must not open the store.
    database.exec(`PRAGMA user_version = ${schemaVersion}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}
