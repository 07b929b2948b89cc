import { EngineError } from '../../base/errors.ts';
import type { Database } from './database.ts';
import type { VolumeRecord, VolumeTable } from './state.ts';

export function createVolumeTable(database: Database): VolumeTable {
  function find(name: string): VolumeRecord | undefined {
    const row = database.get('SELECT * FROM volumes WHERE name = ?', name);
    return row && toVolume(row);
  }

  return {
    find,
    list: () => database.all('SELECT * FROM volumes ORDER BY name').map(toVolume),
    insert(record) {
      database.transaction(() => {
        if (find(record.name)) {
          throw new EngineError('already-exists', `volume with name ${record.name} already exists: volume already exists`, {
            fix: 'choose another name, or use the volume that there is',
            details: { field: 'name' },
          });
        }
        database.changeDurably(
          'INSERT INTO volumes (name, created_at, labels, anonymous) VALUES (?, ?, ?, ?)',
          record.name,
          record.createdAt,
          JSON.stringify(record.labels),
          record.anonymous ? 1 : 0,
        );
      });
    },
    remove(name) {
      database.changeDurably('DELETE FROM volumes WHERE name = ?', name);
    },
  };
}

function toVolume(row: Record<string, unknown>): VolumeRecord {
  return {
    name: String(row['name']),
    createdAt: Number(row['created_at']),
    labels: JSON.parse(String(row['labels'])) as Record<string, string>,
    anonymous: row['anonymous'] === 1,
  };
}
