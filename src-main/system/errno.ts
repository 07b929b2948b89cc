import { EngineError, type ErrorCode } from '../base/errors.ts';

/** What each errno means to a caller. What is not named here is `internal`: nobody above can act on it. */
const codes: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'not-found',
  ENODEV: 'unsupported',
  ESRCH: 'not-found',
  ENXIO: 'not-found',
  EEXIST: 'already-exists',
  ENOTEMPTY: 'in-use',
  EBUSY: 'in-use',
  ETXTBSY: 'in-use',
  EADDRINUSE: 'port-in-use',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  EXDEV: 'denied',
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'disk-full',
  EINVAL: 'invalid-argument',
  ENAMETOOLONG: 'invalid-argument',
  ELOOP: 'invalid-argument',
  ENOTDIR: 'invalid-argument',
  EISDIR: 'invalid-argument',
  ENOSYS: 'unsupported',
  EOPNOTSUPP: 'unsupported',
  ENOTSUP: 'unsupported',
  EPROTONOSUPPORT: 'unsupported',
  EMFILE: 'limit-exceeded',
  ENFILE: 'limit-exceeded',
  ENOMEM: 'limit-exceeded',
  EAGAIN: 'limit-exceeded',
  E2BIG: 'limit-exceeded',
  EUSERS: 'limit-exceeded',
  ETIMEDOUT: 'timeout',
  ECONNREFUSED: 'unavailable',
  ECONNRESET: 'unavailable',
  ENOTCONN: 'unavailable',
  EPIPE: 'unavailable',
  EHOSTUNREACH: 'unavailable',
  ENETUNREACH: 'unavailable',
};

const words: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EEXIST: 'it exists already',
  ENOTEMPTY: 'the folder is not empty',
  EBUSY: 'it is in use',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EINVAL: 'invalid argument',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
  ENOTDIR: 'not a folder',
  EISDIR: 'it is a folder',
  ENOSYS: 'this kernel cannot do it',
  EOPNOTSUPP: 'the file system cannot do it',
  ENODEV: 'this kernel does not know the file system',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files on this host',
  ENOMEM: 'out of memory',
  ECONNREFUSED: 'nothing listens there',
};

/** An error for a failed system call: `call` is its name, `object` what it was about. */
export function errnoError(errno: string, call: string, object: string, cause?: unknown): EngineError {
  const text = words[errno];
  return new EngineError(codes[errno] ?? 'internal', `${call} ${object}: ${text === undefined ? errno : `${text} (${errno})`}`, {
    details: { errno, call },
    ...(cause === undefined ? {} : { cause }),
    ...(errno === 'ENOSPC' || errno === 'EDQUOT' ? { fix: 'free space on that disk' } : {}),
  });
}

/** The errno name of what node:fs threw, or of an error made by {@link errnoError}; undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof EngineError) return typeof error.details['errno'] === 'string' ? error.details['errno'] : undefined;
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

/** Turns what node:fs threw into an EngineError; an EngineError stays as it is, a bug too. */
export function toEngineError(error: unknown, call: string, object: string): unknown {
  if (error instanceof EngineError) return error;
  const errno = errnoOf(error);
  return errno === undefined ? error : errnoError(errno, call, object, error);
}

/** Runs a node:fs call; its errno becomes an EngineError. */
export function withErrno<T>(call: string, object: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw toEngineError(error, call, object);
  }
}
