/** What the pages of images ask of the engine. The only place of this feature that calls the client. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { EngineError, isEngineError } from '../../../src-main/base/errors.ts';
import type { TransferProgress } from '../../../src-main/contract/image.ts';
import { type ActivityHandle, begin, type EndWords } from '../../client/activity.ts';
import { engine } from '../../client/connection.ts';
import { downloadFile, pathOf, sendFile } from '../../client/files.ts';
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
  const { reference: name } = request;
  return begin('pull', name, endWords('pull.done', 'pull.failed', name), async ({ signal, progress }) => {
    for await (const item of engine().image.pull({ ...request, policy: 'always' }, { signal })) {
      if (item.kind === 'image') return item.name;
      progress(item.progress);
    }
    throw new EngineError('unavailable', `the pull of ${name} ended without an image`);
  });
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
  const { destination: name } = request;
  return begin('push', name, endWords('push.done', 'push.failed', name), async ({ signal, progress }) => {
    for await (const item of engine().image.push(request, { signal })) {
      if (item.kind === 'pushed') return;
      progress(item.progress);
    }
    throw new EngineError('unavailable', `the push to ${name} ended without an answer`);
  });
}

export interface SaveRequest {
  readonly images: string[];
  /** Further ones of the first image; without them it is saved by the name that it is asked for by. */
  readonly names?: string[];
  readonly format: 'docker-archive' | 'oci-archive';
}

/** To a path that the engine writes itself, or into the browser's downloads. */
export function startSave(request: SaveRequest, to: { readonly path: string } | { readonly fileName: string }): { readonly id: number } {
  const name = 'path' in to ? to.path : to.fileName;
  return begin('save', name, endWords('archive.saved', 'archive.saveFailed', name), async (handle) => {
    if ('path' in to) await untilEnd(engine().image.save({ ...request, path: to.path }, handle), handle);
    else await downloadFile({ kind: 'images', names: [], ...request }, to.fileName, handle);
  });
}

/** A file at a path of the engine's machine, or one of the person who sits here. */
export type FileSource = { readonly path: string } | { readonly file: File };

export function startLoad(source: FileSource): { readonly id: number } {
  const { name, path, file } = locate(source);
  return begin('load', name, endWords('archive.loaded', 'archive.loadFailed', name), async (handle) => {
    if (file)
      await untilEnd(
        sendFile(file, handle, (signal) => engine().image.loadBytes({ name, sizeBytes: file.size }, { signal })),
        handle,
      );
    else await untilEnd(engine().image.load({ path }, handle), handle);
  });
}

/** Files, packed up by anything, become an image of one layer; `reference` empty: without a name. */
export function startImport(source: FileSource, reference: string): { readonly id: number } {
  const { name, path, file } = locate(source);
  const named = reference === '' ? {} : { reference };
  return begin('import', name, endWords('archive.imported', 'archive.importFailed', name), async (handle) => {
    if (file)
      await untilEnd(
        sendFile(file, handle, (signal) => engine().image.importBytes({ name, sizeBytes: file.size, ...named }, { signal })),
        handle,
      );
    else await untilEnd(engine().image.import({ path, ...named }, handle), handle);
  });
}

/** A chosen file that has a path is read by the engine itself: nothing goes through the page, whatever its size. */
function locate(source: FileSource): { readonly name: string; readonly path: string; readonly file: File | undefined } {
  if ('path' in source) return { name: source.path, path: source.path, file: undefined };
  const path = pathOf(source.file);
  return path === undefined ? { name: source.file.name, path: '', file: source.file } : { name: path, path, file: undefined };
}

type TransferItem = { readonly kind: 'progress'; readonly progress: TransferProgress } | { readonly kind: 'image' };

async function untilEnd(items: AsyncIterable<TransferItem>, { progress }: ActivityHandle): Promise<void> {
  for await (const item of items) if (item.kind === 'progress') progress(item.progress);
}

type EndKey = 'pull.done' | 'push.done' | 'archive.saved' | 'archive.loaded' | 'archive.imported';
type FailedKey = 'pull.failed' | 'push.failed' | 'archive.saveFailed' | 'archive.loadFailed' | 'archive.importFailed';

function endWords(done: EndKey, failed: FailedKey, name: string): EndWords {
  return { done: () => text()(done, { name }), failed: () => text()(failed, { name }) };
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
