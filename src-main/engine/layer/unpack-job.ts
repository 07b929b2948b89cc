/** What goes between the layer store and its worker threads. Plain data: it is cloned. */
import type { ErrorData } from '../../base/errors.ts';
import type { WhiteoutForm } from '../snapshot/snapshot.ts';
import type { RecipeFiles } from './recipe-format.ts';

export interface UnpackJob {
  readonly diffDirectory: string;
  readonly alias: string;
  /** Where on the disk that is, as a person knows it. */
  readonly place: string;
  readonly whiteoutForm: WhiteoutForm;
  readonly xattrPrefix: string;
  readonly files: RecipeFiles;
  /** A file that holds the blob; undefined: it comes in `chunk` messages. */
  readonly path: string | undefined;
  /** Of that file, when it is still being written: how much of it is there comes in `size` messages. */
  readonly inode: number | undefined;
  /** Whether anybody wants the digest of the compressed bytes. */
  readonly hashBlob: boolean;
  /** One 32-bit word; not 0: stop. Shared, so that it is seen in the middle of synchronous work. */
  readonly stop: SharedArrayBuffer;
}

/** To put a layer's archive together again. */
export interface ReadJob {
  readonly diffDirectory: string;
  readonly files: RecipeFiles;
  /** As in {@link UnpackJob}. */
  readonly stop: SharedArrayBuffer;
}

export interface ReadResult {
  readonly diffId: string;
  readonly tarBytes: number;
}

export interface UnpackResult {
  /** Undefined unless it was asked for. */
  readonly blobDigest: string | undefined;
  readonly diffId: string;
  /** Of the uncompressed archive. */
  readonly tarBytes: number;
  readonly blobBytes: number;
  readonly entries: number;
  /** Whether the archive described its own root directory. */
  readonly rootSeen: boolean;
}

export type ToWorker =
  | { readonly type: 'job'; readonly job: UnpackJob }
  | { readonly type: 'chunk'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: 'size'; readonly bytes: number }
  | { readonly type: 'end' }
  | { readonly type: 'read'; readonly job: ReadJob }
  /** So many bytes of what was read were used. */
  | { readonly type: 'used'; readonly bytes: number };

export type FromWorker =
  | { readonly type: 'consumed'; readonly bytes: number }
  | { readonly type: 'progress'; readonly tarBytes: number }
  | { readonly type: 'done'; readonly result: UnpackResult }
  | { readonly type: 'part'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: 'read'; readonly result: ReadResult }
  | { readonly type: 'failed'; readonly error: ErrorData };
