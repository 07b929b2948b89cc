/** Adds up what a pull reports: layers in the order of their first mention, bytes, speed and the time left. */
import type { TransferProgress } from '../../src-main/contract/image.ts';

export type LayerProgress = Extract<TransferProgress, { kind: 'layer' }>;

/** A file on its way between this page and the engine: another measure than that of layers, before or after them. */
export interface Passage {
  readonly direction: 'up' | 'down';
  readonly doneBytes: number;
  /** 0: nobody knows yet. */
  readonly totalBytes: number;
}

export interface Transfer {
  readonly layers: readonly LayerProgress[];
  readonly passage: Passage | undefined;
  readonly source: string;
  readonly warnings: readonly string[];
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Over the last seconds; undefined until there is something to measure. */
  readonly bytesPerSecond: number | undefined;
  readonly samples: readonly { readonly atMs: number; readonly doneBytes: number }[];
}

export const noTransfer: Transfer = {
  layers: [],
  passage: undefined,
  source: '',
  warnings: [],
  doneBytes: 0,
  totalBytes: 0,
  bytesPerSecond: undefined,
  samples: [],
};

const windowMs = 5_000;

export function foldTransfer(transfer: Transfer, progress: TransferProgress, nowMs: number): Transfer {
  switch (progress.kind) {
    case 'resolved':
      return { ...transfer, source: progress.source };
    case 'warning':
      return { ...transfer, warnings: [...transfer.warnings, progress.message] };
    case 'layer':
      return measured({ ...(transfer.passage ? afresh(transfer) : transfer), layers: withLayer(transfer.layers, progress) }, nowMs);
    case 'mapping':
    case 'config':
    case 'manifest':
      return transfer;
  }
}

function withLayer(layers: readonly LayerProgress[], layer: LayerProgress): readonly LayerProgress[] {
  const at = layers.findIndex((known) => known.digest === layer.digest);
  return at < 0 ? [...layers, layer] : layers.with(at, layer);
}

/** Layers that were there already cost nothing and say nothing about speed. */
function measured(transfer: Transfer, nowMs: number): Transfer {
  const fetched = transfer.layers.filter((layer) => layer.state !== 'present');
  const doneBytes = sum(
    fetched.map((layer) => (layer.state === 'done' || layer.state === 'unpacking' ? layer.totalBytes || layer.doneBytes : layer.doneBytes)),
  );
  return withSpeed({ ...transfer, doneBytes, totalBytes: sum(fetched.map((layer) => layer.totalBytes)) }, nowMs);
}

/** Another measure begins: what was done by the last one says nothing about its speed. */
function afresh(transfer: Transfer): Transfer {
  return { ...transfer, passage: undefined, doneBytes: 0, totalBytes: 0, samples: [], bytesPerSecond: undefined };
}

export function foldPassage(transfer: Transfer, passage: Passage, nowMs: number): Transfer {
  const { doneBytes, totalBytes } = passage;
  return withSpeed({ ...(transfer.passage ? transfer : afresh(transfer)), passage, doneBytes, totalBytes }, nowMs);
}

/** How large it will be nobody knows before the end. */
export function foldWritten(transfer: Transfer, doneBytes: number, nowMs: number): Transfer {
  return withSpeed({ ...transfer, doneBytes }, nowMs);
}

function withSpeed(transfer: Transfer, nowMs: number): Transfer {
  const { doneBytes } = transfer;
  const recent = transfer.samples.filter((sample) => nowMs - sample.atMs <= windowMs);
  const last = recent.at(-1);
  // One sample in 200 ms is enough for a speed, and bounds the list.
  const samples = last && nowMs - last.atMs < 200 ? recent : [...recent, { atMs: nowMs, doneBytes }];
  const first = samples[0];
  const seconds = first ? (nowMs - first.atMs) / 1000 : 0;
  const bytesPerSecond = first && seconds >= 0.4 ? Math.max(0, (doneBytes - first.doneBytes) / seconds) : transfer.bytesPerSecond;
  return { ...transfer, samples, bytesPerSecond };
}

export function secondsLeft(transfer: Transfer): number | undefined {
  const speed = transfer.bytesPerSecond;
  if (speed === undefined || speed <= 0 || transfer.totalBytes === 0) return undefined;
  return Math.max(0, (transfer.totalBytes - transfer.doneBytes) / speed);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
