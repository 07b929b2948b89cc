import type { Digest } from '../../contract/ids.ts';
import type { Database } from './database.ts';
import type { BlobPlace, LayerRecord, LayerTable } from './state.ts';

export function createLayerTable(database: Database): LayerTable {
  return {
    find(chainId) {
      const row = database.get('SELECT * FROM layers WHERE chain_id = ?', chainId);
      return row && toLayer(row);
    },
    list: () => database.all('SELECT * FROM layers ORDER BY created_at, chain_id').map(toLayer),
    put(record) {
      database.change(
        'INSERT OR REPLACE INTO layers (chain_id, diff_id, parent_chain_id, size_bytes, created_at) VALUES (?, ?, ?, ?, ?)',
        record.chainId,
        record.diffId,
        record.parentChainId ?? null,
        record.sizeBytes,
        record.createdAt,
      );
    },
    remove(chainId) {
      database.change('DELETE FROM layers WHERE chain_id = ?', chainId);
    },
    findBlob(blobDigest) {
      const row = database.get('SELECT * FROM blobs WHERE blob_digest = ?', blobDigest);
      return row && { blobDigest, diffId: row['diff_id'] as Digest, sizeBytes: Number(row['size_bytes']) };
    },
    blobsOf: (diffId) =>
      database
        .all('SELECT * FROM blobs WHERE diff_id = ? ORDER BY blob_digest', diffId)
        .map((row) => ({ blobDigest: row['blob_digest'] as Digest, diffId, sizeBytes: Number(row['size_bytes']) })),
    placesOf: (blobDigest) => database.all('SELECT * FROM blob_places WHERE blob_digest = ?', blobDigest).map(toPlace),
    putPlace({ blobDigest, registry, repository, compression }) {
      database.change(
        'INSERT OR REPLACE INTO blob_places (blob_digest, registry, repository, compression) VALUES (?, ?, ?, ?)',
        blobDigest,
        registry,
        repository,
        compression,
      );
    },
    putBlob(record) {
      database.change(
        'INSERT OR REPLACE INTO blobs (blob_digest, diff_id, size_bytes) VALUES (?, ?, ?)',
        record.blobDigest,
        record.diffId,
        record.sizeBytes,
      );
    },
  };
}

function toPlace(row: Record<string, unknown>): BlobPlace {
  return {
    blobDigest: row['blob_digest'] as Digest,
    registry: String(row['registry']),
    repository: String(row['repository']),
    compression: row['compression'] === 'zstd' ? 'zstd' : 'gzip',
  };
}

export function toLayer(row: Record<string, unknown>): LayerRecord {
  return {
    chainId: row['chain_id'] as Digest,
    diffId: row['diff_id'] as Digest,
    parentChainId: row['parent_chain_id'] === null ? undefined : (row['parent_chain_id'] as Digest),
    sizeBytes: Number(row['size_bytes']),
    createdAt: Number(row['created_at']),
  };
}
