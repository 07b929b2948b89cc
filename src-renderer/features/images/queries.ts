/** What the pages of images ask of the engine. The only place of this feature that calls the client. */
import { EngineError, isEngineError } from '../../../src-main/base/errors.ts';
import { isInSight, track } from '../../client/activity.ts';
import { engine } from '../../client/connection.ts';
import { notify, notifyFailure } from '../../client/notices.ts';
import { text } from '../../text/text.ts';

export interface PullRequest {
  readonly reference: string;
  readonly platform?: string;
  readonly credentials?: string;
}

/** Begins a pull that goes on whatever page is looked at; its end is told by a notice, unless it is in sight. Answers the activity's id. */
export function startPull(request: PullRequest): { readonly id: number; readonly result: Promise<string> } {
  const { id, result } = track('pull', request.reference, async ({ signal, progress }) => {
    for await (const item of engine().image.pull({ ...request, policy: 'always' }, { signal })) {
      if (item.kind === 'image') return item.name;
      progress(item.progress);
    }
    throw new EngineError('unavailable', `the pull of ${request.reference} ended without an image`);
  });
  const told = result.then(
    (name) => {
      if (!isInSight(id)) notify({ kind: 'done', title: text()('pull.done', { name: request.reference }) });
      return name;
    },
    (error: unknown) => {
      if (!isInSight(id)) notifyFailure(text()('pull.failed', { name: request.reference }), error);
      throw error;
    },
  );
  // Who does not wait for it learns of a failure by the notice.
  told.catch(() => undefined);
  return { id, result: told };
}

/** One image, and the names of it that are to go; with the last of its names the image goes too. */
export interface ImageRemoval {
  readonly id: string;
  readonly names: readonly string[];
}

/** Removes what the plan has shown and nothing else; reports by notices. */
export async function removeImages(removals: readonly ImageRemoval[]): Promise<void> {
  const t = text();
  const done: string[] = [];
  for (const { id, names } of removals) {
    // Name by name, never by force: that would take a container along that was made since the plan was shown.
    for (const reference of names.length > 0 ? names : [id]) {
      const name = names.length > 0 ? reference : id.slice(0, 12);
      try {
        await engine().image.remove({ image: reference });
        done.push(name);
      } catch (error) {
        if (isEngineError(error, 'not-found')) done.push(name);
        else notifyFailure(t('images.removeFailed', { name }), error);
      }
    }
  }
  const [first] = done;
  if (first === undefined) return;
  notify({
    kind: 'done',
    title: done.length === 1 ? t('images.removed', { name: first }) : t('images.removedMany', { count: done.length }),
  });
}
