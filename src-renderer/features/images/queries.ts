/** What the pages of images ask of the engine. The only place of this feature that calls the client. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { EngineError, isEngineError } from '../../../src-main/base/errors.ts';
import { type Activity, type ActivityHandle, isInSight, track } from '../../client/activity.ts';
import { engine } from '../../client/connection.ts';
import { notify, notifyFailure } from '../../client/notices.ts';
import { useImages } from '../../client/objects.ts';
import type { Removed } from '../../client/removed.ts';
import { text } from '../../text/text.ts';
import { orderTags } from './names.ts';

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

export interface PushRequest {
  readonly image: string;
  readonly destination: string;
  readonly format?: 'oci' | 'v2s2';
  readonly compressionFormat?: 'gzip' | 'zstd';
  readonly credentials?: string;
}

/** As a pull: it goes on by itself, and its end is told where nobody looks. */
export function startPush(request: PushRequest): { readonly id: number } {
  return begin('push', request.destination, 'push.done', 'push.failed', async ({ signal, progress }) => {
    for await (const item of engine().image.push(request, { signal })) {
      if (item.kind === 'pushed') return;
      progress(item.progress);
    }
    throw new EngineError('unavailable', `the push to ${request.destination} ended without an answer`);
  });
}

export interface SaveRequest {
  readonly images: string[];
  /** Further ones of the first image; without them it is saved by the name that it is asked for by. */
  readonly names?: string[];
  readonly path: string;
  readonly format: 'docker-archive' | 'oci-archive';
}

export function startSave(request: SaveRequest): { readonly id: number } {
  return begin('save', request.path, 'archive.saved', 'archive.saveFailed', async ({ signal, progress }) => {
    for await (const item of engine().image.save(request, { signal })) if (item.kind === 'progress') progress(item.progress);
  });
}

export function startLoad(path: string): { readonly id: number } {
  return begin('load', path, 'archive.loaded', 'archive.loadFailed', async ({ signal, progress }) => {
    for await (const item of engine().image.load({ path }, { signal })) if (item.kind === 'progress') progress(item.progress);
  });
}

export interface ImportRequest {
  readonly path: string;
  /** Empty: it has none. */
  readonly reference: string;
}

/** Files, packed up by anything, become an image of one layer. */
export function startImport({ path, reference }: ImportRequest): { readonly id: number } {
  return begin('import', path, 'archive.imported', 'archive.importFailed', async ({ signal, progress }) => {
    const request = { path, ...(reference === '' ? {} : { reference }) };
    for await (const item of engine().image.import(request, { signal })) if (item.kind === 'progress') progress(item.progress);
  });
}

function begin(
  kind: Activity['kind'],
  name: string,
  done: 'push.done' | 'archive.saved' | 'archive.loaded' | 'archive.imported',
  failed: 'push.failed' | 'archive.saveFailed' | 'archive.loadFailed' | 'archive.importFailed',
  work: (handle: ActivityHandle) => Promise<void>,
): { readonly id: number } {
  const { id, result } = track(kind, name, work);
  result.then(
    () => {
      if (!isInSight(id)) notify({ kind: 'done', title: text()(done, { name }) });
    },
    (error: unknown) => {
      if (!isInSight(id)) notifyFailure(text()(failed, { name }), error);
    },
  );
  return { id };
}

/** All about one image, asked for again whenever the list says that it or another one has changed: layers are shared. */
export function useImage(id: string) {
  const client = useQueryClient();
  const live = useImages();
  const removed = live.status === 'live' && !live.value.some((image) => image.id === id);
  const query = useQuery({
    queryKey: ['image', id],
    enabled: !removed,
    queryFn: ({ signal }) => engine().image.inspect({ image: id }, { signal }),
  });
  useEffect(() => {
    if (live.status === 'live') void client.invalidateQueries({ queryKey: ['image', id] });
  }, [client, id, live]);
  return { query, removed };
}

/** Its topmost layer and all that lies upon it. */
export function useDescendants(id: string) {
  return useQuery({
    queryKey: ['image', id, 'upon'],
    queryFn: ({ signal }) => engine().image.tree({ image: id, whatRequires: true }, { signal }),
  });
}

/** Kept for the window's life: a registry counts how often it is asked. */
const searchAge = 10 * 60_000;

/** In the registries that a short name is looked for in, or in the one that the term names. */
export function useImageSearch(term: string) {
  return useQuery({
    queryKey: ['image-search', term],
    queryFn: ({ signal }) => engine().registry.search({ term }, { signal }),
    staleTime: searchAge,
    retry: false,
  });
}

/** More tags than these nobody reads through; the name with any other can be typed. */
const mostTags = 200;

export function useTags(repository: string) {
  return useQuery({
    queryKey: ['image-tags', repository],
    queryFn: async ({ signal }) => {
      const { results } = await engine().registry.search({ term: repository, listTags: true, limit: 1_000 }, { signal });
      return orderTags(results.map(({ tag }) => tag)).slice(0, mostTags);
    },
    staleTime: searchAge,
    retry: false,
  });
}

/** Who one is at a registry, by what is stored; asks nobody but the files. */
export function useStoredLogin(registry: string) {
  return useQuery({
    queryKey: ['login', registry],
    enabled: registry !== '',
    queryFn: ({ signal }) => engine().registry.credentials({ registry }, { signal }),
  });
}

export async function tagImage(id: string, name: string): Promise<void> {
  await engine().image.tag({ image: id, names: [name] });
  notify({ kind: 'done', title: text()('image.tagged', { name }) });
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
  const removed: Removed[] = [];
  for (const { id, names } of removals) {
    const gone: string[] = [];
    // Name by name, never by force: that would take a container along that was made since the plan was shown.
    for (const reference of names.length > 0 ? names : [id]) {
      const name = names.length > 0 ? reference : id.slice(0, 12);
      try {
        await engine().image.remove({ image: reference });
        done.push(name);
        gone.push(name);
      } catch (error) {
        if (isEngineError(error, 'not-found')) done.push(name);
        else notifyFailure(t('images.removeFailed', { name }), error);
      }
    }
    if (gone.length > 0) removed.push({ kind: 'image', object: id, names: names.length > 0 ? gone : [] });
  }
  const [first] = done;
  if (first === undefined) return;
  notify({
    kind: 'done',
    title: done.length === 1 ? t('images.removed', { name: first }) : t('images.removedMany', { count: done.length }),
    removed,
  });
}
