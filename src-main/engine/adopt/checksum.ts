/**
 * CRC-64 of ISO 3309 as Go's hash/crc64 computes it, which tar-split keeps of each file's content: eight bytes, the highest first. It says
 * only which file was changed; that nothing was is told by the layer's digest.
 */

/** The polynomial has nothing below its upper half, so one half of a table is enough. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let high = 0;
  let low = byte;
  for (let bit = 0; bit < 8; bit++) {
    const carry = low & 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (carry !== 0) high ^= 0xd8000000;
  }
  return high >>> 0;
});

export class Checksum {
  #high = 0xffffffff;
  #low = 0xffffffff;

  update(bytes: Uint8Array): void {
    let high = this.#high;
    let low = this.#low;
    for (const byte of bytes) {
      const index = (low ^ byte) & 0xff;
      low = (low >>> 8) | (high << 24);
      high = (high >>> 8) ^ (table[index] as number);
    }
    this.#high = high;
    this.#low = low;
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(~this.#high >>> 0, 0);
    bytes.writeUInt32BE(~this.#low >>> 0, 4);
    return bytes;
  }
}
