/**
 * Images: what references point to. Resolves, pulls, loads, tags, removes; keeps manifests and configurations in the content room and
 * has layers unpacked by the layer room.
 *
 * Laws: an image becomes visible in one transaction, after all its layers; an interrupted pull leaves nothing half
 * visible, and its verified partial blobs are used by the next one.
 */
import type { Digest, ImageId } from '../../contract/ids.ts';
import type { ImageConfig, ImageDetail, TransferProgress } from '../../contract/image.ts';
import type { ImageRecord } from '../state/state.ts';

export interface PullOptions {
  readonly policy: 'always' | 'missing' | 'never' | 'newer';
  readonly platform?: string;
  readonly tlsVerify?: boolean;
  readonly credentials?: string;
  readonly authFile?: string;
  readonly certDirectory?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TransferProgress) => void;
}

export interface ResolvedImage {
  readonly record: ImageRecord;
  /** The full name under which it was found; the id when it was asked for by id. */
  readonly name: string;
}

export interface ImageStore {
  /** By short or full name, name@digest, id or its beginning. `not-found`, or `ambiguous` with the candidates. */
  resolve(nameOrId: string): ResolvedImage;
  find(nameOrId: string): ResolvedImage | undefined;
  list(): ImageRecord[];
  config(id: ImageId): ImageConfig;
  inspect(nameOrId: string): ImageDetail;
  pull(reference: string, options: PullOptions): Promise<ResolvedImage>;
  /** One item per image in the archive. */
  load(
    path: string,
    options: { readonly signal?: AbortSignal; readonly onProgress?: (progress: TransferProgress) => void },
  ): Promise<readonly ResolvedImage[]>;
  tag(nameOrId: string, names: readonly string[]): ImageRecord;
  /** Without names: all of them. */
  untag(nameOrId: string, names: readonly string[]): ImageRecord;
  /** Podman's rules: a name among several is only untagged; `in-use` with the containers when one is made from it, unless forced (the caller removes containers first). */
  remove(
    nameOrId: string,
    options: { readonly force: boolean },
  ): Promise<{ readonly untagged: readonly string[]; readonly deleted: readonly ImageId[] }>;
  /** The registries that short names are searched in, and the files that say so. */
  searchRegistries(): { search: string[]; files: string[] };
  /** Layers that no image refers to. */
  unreferencedLayers(): Digest[];
}
