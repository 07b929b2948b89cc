/** The progress of a pull or a load on stderr: lines, or in a terminal lines that are drawn again. */
import type { TransferProgress } from '../../../contract/image.ts';
import { humanSize } from './human.ts';
import { write } from './print.ts';

type LayerProgress = Extract<TransferProgress, { kind: 'layer' }>;

/** Redrawing more often than that is only work. */
const redrawMs = 80;

export interface ProgressDisplay {
  show(progress: TransferProgress): Promise<void>;
  /** Draws the last state. */
  finish(): Promise<void>;
}

export function progressDisplay(options: { readonly quiet: boolean }): ProgressDisplay {
  if (options.quiet) return { show: () => Promise.resolve(), finish: () => Promise.resolve() };
  return process.stderr.isTTY ? new TerminalProgress() : new LineProgress();
}

/** @returns undefined for what only a terminal shows */
export function progressLine(progress: TransferProgress): string | undefined {
  switch (progress.kind) {
    case 'resolved':
      return `Trying to pull ${progress.reference}...`;
    case 'layer':
      if (progress.state === 'retrying') return `Retrying blob ${progress.digest}: ${progress.message ?? 'the transfer broke off'}`;
      return undefined;
    case 'mapping':
      return progress.state === 'copying' && progress.entries === 0 ? `Copying ${progress.digest} for the ids of the container` : undefined;
    case 'config':
      return `Copying config ${progress.digest}`;
    case 'manifest':
      return 'Writing manifest to image destination';
    default:
      return `Warning: ${progress.message}`;
  }
}

class LineProgress implements ProgressDisplay {
  readonly #announced = new Set<string>();

  async show(progress: TransferProgress): Promise<void> {
    if (progress.kind === 'layer' && progress.state !== 'retrying' && progress.state !== 'waiting') {
      if (this.#announced.has(progress.digest)) return;
      this.#announced.add(progress.digest);
      const skipped = progress.state === 'present' ? ' skipped: already exists' : '';
      await write('stderr', `Copying blob ${progress.digest}${skipped}\n`);
      return;
    }
    const line = progressLine(progress);
    if (line !== undefined) await write('stderr', `${line}\n`);
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }
}

class TerminalProgress implements ProgressDisplay {
  readonly #layers = new Map<string, LayerProgress>();
  #drawnLines = 0;
  #drawnAt = 0;

  async show(progress: TransferProgress): Promise<void> {
    if (progress.kind !== 'layer') {
      const line = progressLine(progress);
      if (line === undefined) return;
      await this.#draw([line]);
      return;
    }
    this.#layers.set(progress.digest, progress);
    const now = performance.now();
    if (now - this.#drawnAt >= redrawMs || progress.state === 'done') await this.#draw([]);
  }

  async finish(): Promise<void> {
    await this.#draw([]);
    this.#drawnLines = 0;
  }

  /** @param above lines that stay */
  async #draw(above: readonly string[]): Promise<void> {
    this.#drawnAt = performance.now();
    const columns = process.stderr.columns || 80;
    const most = Math.max(1, (process.stderr.rows || 24) - 1);
    const layers = [...this.#layers.values()].slice(-most).map((layer) => layerLine(layer, columns));
    const up = this.#drawnLines > 0 ? `\x1b[${this.#drawnLines}A\r` : '';
    this.#drawnLines = layers.length;
    await write('stderr', up + [...above, ...layers].map((line) => `${line}\x1b[K\n`).join(''));
  }
}

const words: Readonly<Record<LayerProgress['state'], string>> = {
  waiting: 'waiting',
  present: 'already exists',
  fetching: '',
  unpacking: 'unpacking',
  copying: '',
  done: 'done',
  retrying: 'retrying',
};

export function layerLine(layer: LayerProgress, columns: number): string {
  const name = `Copying blob ${layer.digest.slice('sha256:'.length, 'sha256:'.length + 12)} `;
  if (layer.state !== 'fetching' && layer.state !== 'copying') return (name + words[layer.state]).slice(0, columns);
  const amount =
    layer.totalBytes > 0 ? `${humanSize(layer.doneBytes, 3)} / ${humanSize(layer.totalBytes, 3)}` : humanSize(layer.doneBytes, 3);
  const room = Math.min(40, columns - name.length - amount.length - 4);
  if (layer.totalBytes <= 0 || room < 5) return (name + amount).slice(0, columns);
  const filled = Math.min(room, Math.floor((layer.doneBytes / layer.totalBytes) * room));
  const bar = filled >= room ? '='.repeat(room) : `${'='.repeat(filled)}>${'-'.repeat(room - filled - 1)}`;
  return `${name}[${bar}] ${amount}`;
}
