import type { ContainerDetail, LogEntry } from '../../../src-main/contract/container.ts';
import { takeFile } from '../../client/files.ts';
import { readLog } from './queries.ts';

function head(entry: LogEntry): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${entry.timestamp} ${entry.source} `);
}

/** Reads the whole log anew, byte for byte as it was written, and hands it to the browser as a file. Answers its name. */
export async function downloadLog(container: ContainerDetail, timestamps: boolean): Promise<string> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const newline = new Uint8Array([10]);
  let atStart = true;
  for await (const entry of readLog({ container: container.id, follow: false }, new AbortController().signal)) {
    if (timestamps && atStart) parts.push(head(entry));
    const bytes = Uint8Array.from(entry.bytes);
    parts.push(bytes);
    if (!entry.partial && bytes.at(-1) !== 10) parts.push(newline);
    atStart = !entry.partial;
  }
  const name = `${container.name}.log`;
  const url = URL.createObjectURL(new Blob(parts, { type: 'text/plain' }));
  takeFile(url, name);
  // The browser has taken it over by then.
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 60_000);
  return name;
}
