import { EngineError, isCancelled, isEngineError, messageOf } from '../../base/errors.ts';

/** What node:fs threw, as an error that names its object: a full disk above all. Others pass through. */
export function toStorageError(error: unknown, what: string): unknown {
  if (isEngineError(error) || isCancelled(error) || !(error instanceof Error) || !('code' in error)) return error;
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new EngineError('disk-full', `no space left on the disk while ${what}`, {
        fix: 'Free some space, or use another graph root (--root).',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new EngineError('denied', `not permitted while ${what}: ${messageOf(error)}`, { cause: error });
    default:
      return error;
  }
}
