import { flagTable } from './flags.ts';

/** Of everything that removes. */
export const trashFlags = flagTable({
  'no-trash': { kind: 'bool', help: 'Delete at once instead of keeping it in the trash for a while' },
});
