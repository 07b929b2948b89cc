/** Files of the person who sits here, to the engine and from it. None of them is ever in memory as a whole. */
import type { Downloadable } from '../../src-main/contract/desktop.ts';
import { EngineError, messageOf } from '../../src-main/base/errors.ts';
import { pieceBytes } from '../../src-main/contract/image.ts';
import type { Duplex } from '../../src-main/rpc/rpc.ts';
import type { ActivityHandle } from './activity.ts';
import { desktop } from './connection.ts';
import { isInWindow } from './transport.ts';

/** What the preload of a window hands over. */
interface WindowFiles {
  /** Empty for a file that lies nowhere. */
  readonly pathOf: (file: File) => string;
}

/** Where a chosen file lies, so that the engine reads it itself; undefined in a browser, which does not tell. */
export function pathOf(file: File): string | undefined {
  const { selkieFiles } = window as { readonly selkieFiles?: WindowFiles };
  return selkieFiles?.pathOf(file) || undefined;
}

/** In a browser a file can be downloaded; in a window it is written to a path. */
export const canDownload = (): boolean => !isInWindow();

/** How far the sender may be ahead of what the engine has written down. */
const windowBytes = 4 * 1024 * 1024;

type Received = { readonly kind: 'received'; readonly bytes: number };

/**
 * Sends a file in pieces, as fast as the engine writes it down, and yields what the engine says besides.
 * @param open the route, under the signal that ends it
 */
export async function* sendFile<D extends { readonly kind: string }>(
  file: File,
  { signal, passed }: Pick<ActivityHandle, 'signal' | 'passed'>,
  open: (signal: AbortSignal) => Duplex<Uint8Array<ArrayBuffer>, D | Received>,
): AsyncGenerator<Exclude<D, Received>> {
  const failed = new AbortController();
  const link = open(AbortSignal.any([signal, failed.signal]));
  let received = 0;
  let wake: (() => void) | undefined;
  const sending = send(file, link, async (sent) => {
    while (sent - received > windowBytes)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }).catch((error: unknown) => {
    failed.abort();
    return error;
  });
  try {
    for await (const item of link) {
      if (item.kind !== 'received') {
        yield item as Exclude<D, Received>;
        continue;
      }
      received = (item as Received).bytes;
      wake?.();
      passed({ direction: 'up', doneBytes: received, totalBytes: file.size });
    }
  } catch (error) {
    // The file could not be read: that is why the route was left.
    if (failed.signal.aborted && !signal.aborted) throw unreadable(file, await sending);
    throw error;
  } finally {
    received = Infinity;
    wake?.();
    link.close();
  }
}

async function send(file: File, link: Duplex<Uint8Array<ArrayBuffer>, unknown>, room: (sent: number) => Promise<void>): Promise<undefined> {
  let sent = 0;
  const reader = file.stream().getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read())
    for (let at = 0; at < next.value.length; at += pieceBytes) {
      const piece = next.value.slice(at, at + pieceBytes);
      await room(sent);
      try {
        await link.send(piece);
      } catch {
        // The engine has ended it, and says why in its own words.
        await reader.cancel();
        return;
      }
      sent += piece.length;
    }
  link.end();
}

function unreadable(file: File, error: unknown): EngineError {
  return new EngineError('unavailable', `${file.name} cannot be read any more: ${messageOf(error)}`, {
    fix: 'Choose it again: it was changed, moved or removed.',
  });
}

/** Hands a file over to the browser's own downloads. */
export function takeFile(url: string, name: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}

/** Makes a file and has the browser download it; resolves when all of it is with the browser. */
export async function downloadFile(
  what: Downloadable,
  fileName: string,
  { signal, progress, passed }: Pick<ActivityHandle, 'signal' | 'progress' | 'passed'>,
): Promise<void> {
  for await (const item of desktop().desktop.download({ what, fileName }, { signal })) {
    if (item.kind === 'progress') progress(item.progress);
    else if (item.kind === 'ready') takeFile(item.path, fileName);
    else passed({ direction: 'down', doneBytes: item.bytes, totalBytes: item.totalBytes });
  }
}
