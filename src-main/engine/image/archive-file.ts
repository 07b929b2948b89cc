/**
 * A tar that is written, ustar (pax(1) "ustar Interchange Format"). Not tar-stream's: of a layer that is compressed on its way in, name
 * and size are known when it is in; here its header is written last. Always the same bytes for the same members: no owner, no time.
 */
import type { FileHandle } from 'node:fs/promises';
import { EngineError } from '../../base/errors.ts';

const blockBytes = 512;
/** What the eleven octal digits of a header can say. */
const largestOctal = 0o77777777777;

export class ArchiveFile {
  readonly #file: FileHandle;
  #end = 0;
  #start = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  begin(): void {
    this.#start = this.#end;
    this.#end += blockBytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#put(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Ends the member that was begun, under that name. */
  async end(name: string): Promise<void> {
    const size = this.#end - this.#start - blockBytes;
    await this.#put(header(name, size), this.#start);
    const padding = (blockBytes - (size % blockBytes)) % blockBytes;
    if (padding > 0) await this.write(Buffer.alloc(padding));
  }

  /** Forgets the member that was begun. */
  drop(): void {
    this.#end = this.#start;
  }

  async finish(): Promise<void> {
    // A dropped member may have left something behind the end.
    await this.#file.truncate(this.#end);
    await this.write(Buffer.alloc(2 * blockBytes));
  }

  async #put(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; )
      done += (await this.#file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

function header(name: string, size: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new EngineError('internal', `${name} is too long for a tar header`);
  const block = Buffer.alloc(blockBytes);
  block.write(name, 0);
  for (const [at, octal] of [
    [100, '0000644'],
    [108, '0000000'],
    [116, '0000000'],
  ] as const)
    block.write(octal, at, 'latin1');
  if (size <= largestOctal) block.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  else {
    // GNU's base 256, which every reader of archives of that size knows.
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(size), 128);
  }
  block.write('00000000000', 136, 'latin1');
  // The checksum counts itself as blanks.
  block.write('        0', 148, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
