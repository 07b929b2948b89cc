import { randomBytes } from 'node:crypto';
import type { Database } from './database.ts';
import type { TrashRecord, TrashTable } from './state.ts';

export function createTrashTable(database: Database): TrashTable {
  return {
    find(id) {
      const row = database.get('SELECT * FROM trash WHERE id = ?', id);
      return row && toTrash(row);
    },
    findObject(kind, object) {
      return database.all('SELECT * FROM trash WHERE kind = ? AND object = ? ORDER BY removed_at DESC, id', kind, object).map(toTrash);
    },
    list: () => database.all('SELECT * FROM trash ORDER BY removed_at, id').map(toTrash),
    insert(entry) {
      database.changeDurably(
        'INSERT INTO trash (id, kind, object, name, removed_at, size_bytes, record) VALUES (?, ?, ?, ?, ?, ?, ?)',
        entry.id,
        entry.kind,
        entry.object,
        entry.name,
        entry.removedAt,
        entry.sizeBytes ?? null,
        JSON.stringify(entry.record),
      );
    },
    measured(id, sizeBytes) {
      database.change('UPDATE trash SET size_bytes = ? WHERE id = ?', sizeBytes, id);
    },
    remove(id) {
      database.changeDurably('DELETE FROM trash WHERE id = ?', id);
    },
  };
}

function toTrash(row: Record<string, unknown>): TrashRecord {
  const size = row['size_bytes'];
  // Written by insert above, whose type couples kind and record.
  return {
    id: String(row['id']),
    kind: String(row['kind']),
    object: String(row['object']),
    name: String(row['name']),
    removedAt: Number(row['removed_at']),
    sizeBytes: size === null ? undefined : Number(size),
    record: JSON.parse(String(row['record'])) as unknown,
  } as TrashRecord;
}

/** Short enough to be typed, and no two alike. */
export function newTrashId(): string {
  return randomBytes(6).toString('hex');
}
