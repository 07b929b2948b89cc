/**
 * The closed list of what can go wrong in Selkie, and what each host makes of it.
 *
 * Throw an {@link EngineError} where a caller or a person can act on it. Anything else that is thrown is a bug:
 * it is logged whole and shown as `internal`, without its stack.
 */

/** How the interface treats a code: `form` beside the field, `notice` as a toast, `page` as a full-page state, `none` silently. */
export type ErrorTreatment = 'form' | 'notice' | 'page' | 'none';

interface ErrorTraits {
  readonly httpStatus: number;
  /** Exit status of `selkie`; 125 is Podman's for "the error is in the tool itself" (podman-run(1), Exit Status). */
  readonly exitCode: number;
  readonly treatment: ErrorTreatment;
}

export const errorTable = {
  'invalid-argument': { httpStatus: 400, exitCode: 125, treatment: 'form' },
  'not-found': { httpStatus: 404, exitCode: 125, treatment: 'notice' },
  /** A short id or a name fits several objects; `details.candidates` lists them. */
  ambiguous: { httpStatus: 409, exitCode: 125, treatment: 'notice' },
  'already-exists': { httpStatus: 409, exitCode: 125, treatment: 'form' },
  /** The object's state forbids it: removing a running container without force. */
  'wrong-state': { httpStatus: 409, exitCode: 125, treatment: 'notice' },
  /** Something else still refers to it: an image used by a container. */
  'in-use': { httpStatus: 409, exitCode: 125, treatment: 'notice' },
  /** Podman fails here when it starts the container, with the status of a failed runtime. */
  'port-in-use': { httpStatus: 409, exitCode: 126, treatment: 'form' },
  /** This host or this version cannot do it. */
  unsupported: { httpStatus: 501, exitCode: 125, treatment: 'notice' },
  /** Something outside of Selkie does not answer: registry, network. */
  unavailable: { httpStatus: 503, exitCode: 125, treatment: 'notice' },
  /** A program that Selkie needs (crun, conmon, newuidmap …) is not there or not usable. */
  'missing-tool': { httpStatus: 503, exitCode: 125, treatment: 'page' },
  unauthorized: { httpStatus: 401, exitCode: 125, treatment: 'form' },
  /** A policy (policy.json, kernel permission) says no. */
  denied: { httpStatus: 403, exitCode: 125, treatment: 'notice' },
  'digest-mismatch': { httpStatus: 502, exitCode: 125, treatment: 'notice' },
  /** Data that breaks its own format: a truncated archive, a manifest that is not JSON. */
  corrupt: { httpStatus: 422, exitCode: 125, treatment: 'notice' },
  'disk-full': { httpStatus: 507, exitCode: 125, treatment: 'notice' },
  'limit-exceeded': { httpStatus: 429, exitCode: 125, treatment: 'notice' },
  timeout: { httpStatus: 504, exitCode: 125, treatment: 'notice' },
  /** Cancelled by the one who asked for it: not a failure. */
  cancelled: { httpStatus: 499, exitCode: 130, treatment: 'none' },
  /** The container's command exists but cannot be executed. */
  'command-not-executable': { httpStatus: 400, exitCode: 126, treatment: 'notice' },
  /** The container's command does not exist in the container. */
  'command-not-found': { httpStatus: 400, exitCode: 127, treatment: 'notice' },
  /** The OCI runtime, the monitor or the network tool failed for a reason of its own; its words are in `why`. */
  'runtime-failed': { httpStatus: 500, exitCode: 126, treatment: 'notice' },
  /** Peers of different contract versions. */
  'version-mismatch': { httpStatus: 426, exitCode: 125, treatment: 'page' },
  /** The engine's process ended while the call was under way. */
  disconnected: { httpStatus: 502, exitCode: 125, treatment: 'page' },
  internal: { httpStatus: 500, exitCode: 125, treatment: 'notice' },
} as const satisfies Record<string, ErrorTraits>;

export type ErrorCode = keyof typeof errorTable;

export interface EngineErrorOptions {
  /** What to do about it, as an imperative sentence. */
  readonly fix?: string;
  /** Plain data for programs: candidates, the field's name, the port's owner. Crosses the RPC. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** What of an error crosses a process boundary. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * An error that a person can read: `message` is one line, says what happened to which object and why
 * (lower case, no full stop, as Podman's are); `fix` says what to do.
 */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: ErrorCode;
  readonly fix: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: EngineErrorOptions = {}) {
    super(shorten(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fix = options.fix;
    this.details = options.details ?? {};
  }

  /** Adds one clause in front, keeps code, fix and details; the receiver becomes the cause. */
  within(clause: string): EngineError {
    return new EngineError(this.code, `${clause}: ${this.message}`, {
      ...(this.fix === undefined ? {} : { fix: this.fix }),
      details: this.details,
      cause: this,
    });
  }

  toData(): ErrorData {
    return {
      code: this.code,
      message: this.message,
      ...(this.fix === undefined ? {} : { fix: this.fix }),
      ...(Object.keys(this.details).length === 0 ? {} : { details: this.details }),
    };
  }

  static fromData(data: ErrorData): EngineError {
    return new EngineError(data.code in errorTable ? data.code : 'internal', data.message, {
      ...(data.fix === undefined ? {} : { fix: data.fix }),
      ...(data.details === undefined ? {} : { details: data.details }),
    });
  }
}

/** Who writes a file that we quote, or a name, decides how long that is: what a person reads has an end. */
const longestMessage = 1200;

function shorten(message: string): string {
  return message.length <= longestMessage ? message : `${message.slice(0, longestMessage - 200)} … ${message.slice(-190)}`;
}

export function isEngineError(error: unknown, code?: ErrorCode): error is EngineError {
  return error instanceof EngineError && (code === undefined || error.code === code);
}

export function isCancelled(error: unknown): boolean {
  return isEngineError(error, 'cancelled') || (error instanceof Error && error.name === 'AbortError');
}

/** The message of anything that was thrown, in one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

/** Throws `cancelled` when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new EngineError('cancelled', 'cancelled', { cause: signal.reason });
}
