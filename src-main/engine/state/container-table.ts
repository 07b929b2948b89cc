import { EngineError } from '../../base/errors.ts';
import type { ContainerState, NetworkSettings } from '../../contract/container.ts';
import type { ContainerId, ImageId } from '../../contract/ids.ts';
import type { Database } from './database.ts';
import type { ContainerChange, ContainerConfig, ContainerRecord, ContainerTable } from './state.ts';

export function createContainerTable(database: Database): ContainerTable {
  function find(id: ContainerId): ContainerRecord | undefined {
    const row = database.get('SELECT * FROM containers WHERE id = ?', id);
    return row && toRecord(row);
  }

  function get(id: ContainerId): ContainerRecord {
    const record = find(id);
    if (!record) throw noSuchContainer(id);
    return record;
  }

  return {
    find,
    get,

    resolve(nameOrId) {
      const exact = database.get(
        'SELECT * FROM containers WHERE id = ?1 OR name = ?1',
        nameOrId.startsWith('/') ? nameOrId.slice(1) : nameOrId,
      );
      if (exact) return toRecord(exact);
      if (!/^[0-9a-f]{1,63}$/.test(nameOrId)) throw noSuchContainer(nameOrId);
      const matches = database
        .all('SELECT * FROM containers WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 20', nameOrId, `${nameOrId}g`)
        .map(toRecord);
      const [first] = matches;
      if (!first) throw noSuchContainer(nameOrId);
      if (matches.length > 1) {
        const candidates = matches.map((record) => ({ id: record.id, name: record.name }));
        throw new EngineError(
          'ambiguous',
          `"${nameOrId}" is the beginning of more than one container's id: ${candidates.map(({ id, name }) => `${id.slice(0, 12)} (${name})`).join(', ')}`,
          { fix: 'give more digits, or the name', details: { candidates } },
        );
      }
      return first;
    },

    list: () => database.all('SELECT * FROM containers ORDER BY created_at, id').map(toRecord),

    insert(record) {
      database.transaction(() => {
        const holder = database.get('SELECT id FROM containers WHERE name = ?', record.name);
        if (holder) throw nameInUse(record.name, String(holder['id']));
        const row = toRow(record);
        const columns = Object.keys(row);
        database.changeDurably(
          `INSERT INTO containers (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
          ...Object.values(row),
        );
      });
    },

    update(id, change) {
      return database.transaction(() => {
        const before = get(id);
        const after: ContainerRecord = { ...before, ...change };
        if (after.name !== before.name) {
          const holder = database.get('SELECT id FROM containers WHERE name = ?', after.name);
          if (holder) throw nameInUse(after.name, String(holder['id']));
        }
        const row = toRow(after);
        const changed = Object.keys(change).map((key) => columnOf[key as keyof ContainerChange]);
        // Its files go only after everybody, also after a power failure, knows that they may be gone.
        const write = change.name !== undefined || change.state === 'removing' ? 'changeDurably' : 'change';
        if (changed.length > 0) {
          database[write](
            `UPDATE containers SET ${changed.map((column) => `${column} = ?`).join(', ')} WHERE id = ?`,
            ...changed.map((column) => row[column]),
            id,
          );
        }
        return after;
      });
    },

    remove(id) {
      database.change('DELETE FROM containers WHERE id = ?', id);
    },

    countByImage: (id) => Number(database.get('SELECT count(*) AS n FROM containers WHERE image_id = ?', id)?.['n'] ?? 0),
  };
}

function noSuchContainer(nameOrId: string): EngineError {
  return new EngineError('not-found', `no container with name or ID "${nameOrId}" found: no such container`, {
    fix: '`selkie ps --all` lists the containers that there are',
    details: { container: nameOrId },
  });
}

function nameInUse(name: string, holder: string): EngineError {
  return new EngineError(
    'already-exists',
    `creating container storage: the container name "${name}" is already in use by ${holder}. You have to remove that container to be able to reuse that name: that name is already in use`,
    { fix: `choose another name, or remove it with \`selkie rm ${name}\``, details: { field: 'name', holder } },
  );
}

const columnOf = {
  name: 'name',
  state: 'state',
  pid: 'pid',
  pidStartTime: 'pid_start_time',
  conmonPid: 'conmon_pid',
  conmonStartTime: 'conmon_start_time',
  startedAt: 'started_at',
  finishedAt: 'finished_at',
  exitCode: 'exit_code',
  oomKilled: 'oom_killed',
  error: 'error',
  restartCount: 'restart_count',
  stoppedByUser: 'stopped_by_user',
  network: 'network',
  networkState: 'network_state',
  bootId: 'boot_id',
} as const satisfies Record<keyof ContainerChange, string>;

function toRow(record: ContainerRecord) {
  return {
    id: record.id,
    name: record.name,
    image_id: record.imageId,
    created_at: record.createdAt,
    config: JSON.stringify(record.config),
    state: record.state,
    pid: record.pid,
    pid_start_time: record.pidStartTime,
    conmon_pid: record.conmonPid,
    conmon_start_time: record.conmonStartTime,
    started_at: record.startedAt ?? null,
    finished_at: record.finishedAt ?? null,
    exit_code: record.exitCode ?? null,
    oom_killed: record.oomKilled ? 1 : 0,
    error: record.error,
    restart_count: record.restartCount,
    stopped_by_user: record.stoppedByUser ? 1 : 0,
    network: record.network === undefined ? null : JSON.stringify(record.network),
    network_state: record.networkState === undefined ? null : JSON.stringify(record.networkState),
    boot_id: record.bootId,
  };
}

function toRecord(row: Record<string, unknown>): ContainerRecord {
  return {
    id: row['id'] as ContainerId,
    name: String(row['name']),
    imageId: row['image_id'] as ImageId,
    createdAt: Number(row['created_at']),
    config: JSON.parse(String(row['config'])) as ContainerConfig,
    state: row['state'] as ContainerState,
    pid: Number(row['pid']),
    pidStartTime: Number(row['pid_start_time']),
    conmonPid: Number(row['conmon_pid']),
    conmonStartTime: Number(row['conmon_start_time']),
    startedAt: optionalNumber(row['started_at']),
    finishedAt: optionalNumber(row['finished_at']),
    exitCode: optionalNumber(row['exit_code']),
    oomKilled: row['oom_killed'] === 1,
    error: String(row['error']),
    restartCount: Number(row['restart_count']),
    stoppedByUser: row['stopped_by_user'] === 1,
    network: optionalJson(row['network']) as NetworkSettings | undefined,
    networkState: optionalJson(row['network_state']),
    bootId: String(row['boot_id']),
  };
}

function optionalNumber(value: unknown): number | undefined {
  return value === null ? undefined : Number(value);
}

function optionalJson(value: unknown): unknown {
  return typeof value === 'string' ? JSON.parse(value) : undefined;
}
