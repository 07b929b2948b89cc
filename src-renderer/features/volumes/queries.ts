/** What the page of volumes asks of the engine. The only place of this feature that calls the client. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { isEngineError } from '../../../src-main/base/errors.ts';
import type { VolumeSummary } from '../../../src-main/contract/volume.ts';
import { cache } from '../../client/cache.ts';
import { useRefreshOnChange } from '../../client/changes.ts';
import { engine } from '../../client/connection.ts';
import { notify, notifyFailure } from '../../client/notices.ts';
import { useContainers } from '../../client/objects.ts';
import { text } from '../../text/text.ts';

const key = ['volumes'] as const;

/** Asked for again when a container was made or removed, and when anybody made or removed a volume. */
export function useVolumes() {
  const client = useQueryClient();
  useRefreshOnChange(key);
  const count = useContainers().value.byId.size;
  const query = useQuery({ queryKey: key, queryFn: ({ signal }) => engine().volume.list({}, { signal }) });
  useEffect(() => {
    void client.invalidateQueries({ queryKey: key });
  }, [client, count]);
  return query;
}

export async function removeVolumes(volumes: readonly VolumeSummary[]): Promise<void> {
  const t = text();
  const done: string[] = [];
  for (const { name } of volumes) {
    try {
      await engine().volume.remove({ volume: name });
      done.push(name);
    } catch (error) {
      if (isEngineError(error, 'not-found')) done.push(name);
      else notifyFailure(t('volumes.removeFailed', { name }), error);
    }
  }
  await cache.invalidateQueries({ queryKey: key });
  const [first] = done;
  if (first === undefined) return;
  notify({
    kind: 'done',
    title: done.length === 1 ? t('volumes.removed', { name: first }) : t('volumes.removedMany', { count: done.length }),
    removed: done.map((name) => ({ kind: 'volume' as const, object: name, names: [name] })),
  });
}
