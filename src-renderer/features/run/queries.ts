/** What the run form asks of the engine. The only place of this feature that calls the client. */
import { EngineError } from '../../../src-main/base/errors.ts';
import type { ContainerSpecInput } from '../../../src-main/contract/container-spec.ts';
import { track } from '../../client/activity.ts';
import { engine } from '../../client/connection.ts';
import { notify, notifyFailure } from '../../client/notices.ts';
import { text } from '../../text/text.ts';

interface Created {
  readonly id: string;
  readonly name: string;
}

async function create(spec: ContainerSpecInput): Promise<Created> {
  const { result } = track('create', spec.image, async ({ signal, progress }) => {
    for await (const item of engine().container.create(spec, { signal })) {
      if (item.kind === 'created') return item.container;
      progress(item.progress);
    }
    throw new EngineError('internal', 'the engine created no container and said no reason');
  });
  const created = await result;
  for (const warning of created.warnings)
    notify({ kind: 'warning', title: text()('run.warning', { name: created.name }), detail: warning });
  return created;
}

/**
 * Creates and starts. A container that cannot be started is removed again, with the volumes that were made for it, so
 * that the form can be corrected and sent once more. Rejects with what the engine said.
 */
export async function run(spec: ContainerSpecInput): Promise<Created> {
  const created = await create(spec);
  try {
    await engine().container.start({ container: created.id });
  } catch (error) {
    try {
      await engine().container.remove({ container: created.id, volumes: true });
    } catch {
      // It stays, then, and has to be named: the reason why it did not start is told by who called.
      notifyFailure(text()('run.createdNotStarted', { name: created.name }), error);
    }
    throw error;
  }
  notify({ kind: 'done', title: text()('run.started', { name: created.name }) });
  return created;
}
