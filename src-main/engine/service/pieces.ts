import { pieceBytes } from '../../contract/image.ts';

/** Whatever size they come in: what a slow reader was granted is counted in pieces, and has to fit into memory. */
export async function* pieces(chunks: AsyncIterable<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const chunk of chunks) for (let at = 0; at < chunk.length; at += pieceBytes) yield chunk.subarray(at, at + pieceBytes);
}
