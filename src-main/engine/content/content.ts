/**
 * Blobs by digest: manifests, indexes and image configurations for good, layers only on their way in.
 *
 * Terms. A *blob* is kept whole in content/blobs/sha256 and small. A *download* is a layer blob that is being fetched into
 * content/partial: its beginning survives an interruption and is used by the next attempt, in any engine.
 *
 * Laws
 * - What is read back was verified against its digest in that very read; what does not verify is `corrupt`, never returned.
 * - A blob is durable before `put` returns.
 * - One engine at a time writes a download, under a lock that the kernel releases with its holder. Its readers follow the growing
 *   file, so fetching and unpacking overlap in bounded memory, and their end of file comes only after the digest was verified.
 * - Bytes that a crash left are hashed again before they count.
 * It knows neither registries nor what the bytes mean.
 */
export { type BlobStore, createBlobStore } from './blob-store.ts';
export { type Download, type DownloadStore, type GrowingFile, createDownloadStore } from './download-store.ts';
