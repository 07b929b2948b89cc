/** What only the window's host can do: kept apart from the engine, which knows no windows. */
import * as v from 'valibot';
import { call, stream } from '../rpc/define.ts';
import type { Contract } from '../rpc/define.ts';
import { nameOrId } from './ids.ts';
import { transferProgress } from './image.ts';

/** What a person can take away as a file. */
export const downloadable = v.variant('kind', [
  v.strictObject({
    kind: v.literal('images'),
    images: v.pipe(v.array(nameOrId), v.nonEmpty()),
    /** Further ones of the first image. */
    names: v.optional(v.array(v.string()), []),
    format: v.picklist(['docker-archive', 'oci-archive']),
  }),
  /** All files of a container. */
  v.strictObject({ kind: v.literal('container'), container: nameOrId }),
]);
export type Downloadable = v.InferOutput<typeof downloadable>;

export const desktopContract = {
  version: '1',
  routes: {
    desktop: {
      info: call({
        input: v.strictObject({}),
        output: v.strictObject({ host: v.picklist(['electron', 'web']), platform: v.string(), version: v.string() }),
      }),
      /** Only http and https; anything else is refused. */
      openExternal: call({ input: v.strictObject({ url: v.pipe(v.string(), v.url(), v.regex(/^https?:/)) }), output: v.strictObject({}) }),
      /**
       * A file for the browser. `ready`: it is to be fetched by a GET of `path`, once, within a minute; what cannot be made has failed before
       * that. Then what was sent of it; the end is when all was. Leaving the stream ends the download, and a broken-off download the stream
       * (`cancelled`). Only of the web host: a window has paths.
       */
      download: stream({
        input: v.strictObject({ what: downloadable, fileName: v.pipe(v.string(), v.regex(/^[^/\\\0-\x1f\x7f]{1,200}$/)) }),
        item: v.variant('kind', [
          v.strictObject({ kind: v.literal('progress'), progress: transferProgress }),
          v.strictObject({ kind: v.literal('ready'), path: v.string() }),
          /** `totalBytes` 0: nobody knows yet. */
          v.strictObject({ kind: v.literal('sent'), bytes: v.number(), totalBytes: v.number() }),
        ]),
      }),
    },
  },
} satisfies Contract;
