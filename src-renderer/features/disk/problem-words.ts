/** The kinds of problems that the engine tells, in the reader's language. Pure. */
const known = [
  'orphan-snapshot',
  'orphan-folder',
  'orphan-trash',
  'stale-mount',
  'stale-files',
  'unread-exit',
  'half-pulled-layer',
  'missing-layer',
  'damaged-layer',
  'unreferenced-layer',
  'interrupted-operation',
  'dead-container',
  'lost-monitor',
  'leaked-process',
  'leaked-namespace',
] as const;
type Known = (typeof known)[number];

/** A kind that a newer engine tells has no words here; its message says what it is. */
export function problemText(kind: string): `repair.kind.${Known | 'other'}` {
  return `repair.kind.${known.find((one) => one === kind) ?? 'other'}`;
}
