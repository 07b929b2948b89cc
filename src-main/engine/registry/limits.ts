/** How long to wait and how often to try. */
export interface Limits {
  /** In all, without progress in between. */
  readonly attempts: number;
  /** Before the second attempt; doubles with each further one, with jitter. */
  readonly pauseMs: number;
  readonly longestPauseMs: number;
  /** A server that asks for a longer pause is not waited for. */
  readonly longestRetryAfterMs: number;
  readonly connectMs: number;
  readonly headersMs: number;
  /** Without a single byte of the body. */
  readonly idleMs: number;
}

export const defaultLimits: Limits = {
  attempts: 5,
  pauseMs: 400,
  longestPauseMs: 10_000,
  longestRetryAfterMs: 60_000,
  connectMs: 10_000,
  headersMs: 30_000,
  idleMs: 30_000,
};

/** OCI distribution-spec: registries should accept at least 4 MiB; nobody needs more. */
export const largestManifestBytes = 4 * 1024 * 1024;
export const largestConfigBytes = 8 * 1024 * 1024;
export const largestErrorBytes = 64 * 1024;
export const largestTokenBytes = 256 * 1024;
