/**
 * Typed RPC between two processes, or two halves of one. It knows nothing of containers.
 *
 * Terms. A *contract* is an object of groups of *routes*. A route is a `call` (input → output), a `stream` (input →
 * items) or a `duplex` (input, then items in both directions). A *channel* carries frames (plain objects) in order.
 *
 * Laws
 * - Only routes that the contract names exist: a frame with any other path is refused, nothing is looked up reflectively.
 * - The server parses every input strictly (unknown keys are refused) and every upstream item too.
 * - The first frame each way is `hello` with the contract's version; a mismatch closes the channel with words for a person.
 * - Streams have credit: the receiver grants a number of items, the sender stops when it has used them up. A slow reader
 *   thus slows the producer, through every hop. Leaving the loop or aborting runs the producer's `finally`.
 * - Bytes stay bytes: a `Uint8Array` in a frame crosses every transport as such.
 * - An error that is no `EngineError` is reported to `onBug` and reaches the peer as an opaque `internal`.
 *
 * It does not reconnect: a client whose channel closed fails all that is open with `disconnected`; its owner decides.
 *
 * Why own code: oRPC and tRPC (looked at in 2026-11) stream without credit and carry bytes in streams as base64;
 * see docs/decisions.
 */
export { call, stream, duplex, type Contract, type Route, type CallRoute, type StreamRoute, type DuplexRoute } from './define.ts';
export type {
  Client,
  Handlers,
  CallOptions,
  Duplex,
  DuplexPeer,
  HandlerContext,
} from './types.ts';
export { createClient, type RpcClient } from './client.ts';
export { forwardHandlers } from './forward.ts';
export { serve, type ServeOptions, type RpcServer } from './server.ts';
export type { Channel } from './channel.ts';
