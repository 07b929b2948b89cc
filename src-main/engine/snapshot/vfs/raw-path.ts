/**
 * Paths as bytes, one per character: names in an image need not be UTF-8. `rawPath` makes one of an ordinary path; node:fs gets it by `toFs`.
 */
export function rawPath(path: string): string {
  return Buffer.from(path).toString('latin1');
}

export function toFs(raw: string): Buffer {
  return Buffer.from(raw, 'latin1');
}
