import type { ImageId } from '../../contract/ids.ts';
import type { Database } from './database.ts';
import type { AdditionalStores, ImageRecord, ImageTable } from './state.ts';

export function createImageTable(database: Database, additional: Pick<AdditionalStores, 'images'>): ImageTable {
  function namesOf(id: string): string[] {
    return database.all('SELECT name FROM image_names WHERE image_id = ? ORDER BY position, name', id).map((row) => String(row['name']));
  }

  function toRecord(row: Record<string, unknown>): ImageRecord {
    const id = row['id'] as ImageId;
    return { ...(JSON.parse(String(row['record'])) as Omit<ImageRecord, 'id' | 'names'>), id, names: namesOf(id) };
  }

  const listOwn = (): ImageRecord[] => database.all('SELECT * FROM images ORDER BY id').map(toRecord);

  return {
    find(id) {
      const row = database.get('SELECT * FROM images WHERE id = ?', id);
      return row ? toRecord(row) : additional.images().find((image) => image.id === id);
    },
    findByName(name) {
      const row = database.get(
        'SELECT images.* FROM images JOIN image_names ON image_names.image_id = images.id WHERE image_names.name = ?',
        name,
      );
      return row ? toRecord(row) : additional.images().find(({ names }) => names.includes(name));
    },
    findByIdPrefix(prefix) {
      if (!/^[0-9a-f]{1,64}$/.test(prefix)) return [];
      const own = database.all('SELECT * FROM images WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 20', prefix, `${prefix}g`).map(toRecord);
      const others = additional.images().filter(({ id }) => id.startsWith(prefix));
      // An image of several stores is one.
      return [...new Map([...others.toReversed(), ...own].map((image) => [image.id, image])).values()];
    },
    list: () => [...listOwn(), ...additional.images()],
    listOwn,
    put(record) {
      database.transaction(() => {
        const { id, names, readOnly: _, ...rest } = record;
        database.changeDurably(
          'INSERT INTO images (id, record) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record',
          id,
          JSON.stringify(rest),
        );
        database.change('DELETE FROM image_names WHERE image_id = ?', id);
        names.forEach((name, position) => {
          database.change('INSERT OR REPLACE INTO image_names (name, image_id, position) VALUES (?, ?, ?)', name, id, position);
        });
      });
    },
    remove(id) {
      database.changeDurably('DELETE FROM images WHERE id = ?', id);
    },
  };
}
