import { faultCases } from './snapshot-faults.ts';
import { mappedCases } from './snapshot-mapped.ts';
import { basicCases } from './snapshot-store.ts';
import type { SnapshotStoreCase } from './snapshot-store.ts';
import { treeCases } from './snapshot-trees.ts';

export const snapshotStoreCases: readonly SnapshotStoreCase[] = [...basicCases, ...treeCases, ...mappedCases, ...faultCases];
