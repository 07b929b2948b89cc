import { appendFileSync, closeSync, openSync, renameSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LogEntry } from '../../../src-main/contract/container.ts';
import { create, lacking, Sandbox, type EngineProcess } from './sandbox.ts';

const reason = lacking('root');

describe.skipIf(reason !== undefined)(reason ?? 'logs of real containers', () => {
  let sandbox: Sandbox;
  let engine: EngineProcess;

  beforeAll(async () => {
    sandbox = await Sandbox.open('root');
    engine = await sandbox.engine();
  });
  afterAll(async () => {
    for (const { id } of await engine.api.container.list({ all: true }))
      await engine.api.container.remove({ container: id, force: true, timeoutSeconds: 0 });
    await engine[Symbol.asyncDispose]();
    await sandbox.quiet();
    await sandbox[Symbol.asyncDispose]();
  });

  const text = ({ bytes }: LogEntry): string => Buffer.from(bytes).toString();

  async function texts(items: AsyncIterable<LogEntry>): Promise<string[]> {
    const lines: string[] = [];
    for await (const entry of items) lines.push(text(entry));
    return lines;
  }

  test('follows until the container has ended, from the last so many lines', async () => {
    const id = await create(engine.api, { command: ['sh', '-c', 'seq 1 5; read x; seq 6 8; printf end'], interactive: true });
    const attached = engine.api.container.attach({ container: id, start: true });
    const lines: string[] = [];
    const output: string[] = [];
    const follow = async (): Promise<void> => {
      for await (const entry of engine.api.container.logs({ container: id, follow: true, tail: 2 })) {
        if (lines.push(text(entry)) === 2) await attached.send({ kind: 'stdin', bytes: Buffer.from('go on\n') });
      }
    };
    let following: Promise<void> | undefined;
    for await (const item of attached) {
      if (item.kind !== 'stdout') continue;
      output.push(Buffer.from(item.bytes).toString());
      if (output.join('').endsWith('5\n')) following ??= follow();
    }
    await following;
    expect(lines).toEqual(['4', '5', '6', '7', '8', 'end', ...lines.slice(6)]);
    expect(lines.slice(6).join('')).toBe('');
  });

  test('--tail of a large log reads its end alone; since and until cut it', async () => {
    const id = await create(engine.api, { command: ['true'] });
    await engine.api.container.start({ container: id });
    await engine.api.container.wait({ container: id });
    const { logPath } = (await engine.api.container.inspect({ container: id })).host;
    const base = Date.parse('2026-01-01T00:00:00Z');
    const record = (index: number): string =>
      `${new Date(base + index * 1000).toISOString().replace('Z', '000000+00:00')} stdout F line ${index}\n`;
    const block = Array.from({ length: 20_000 }, (_, index) => record(index)).join('');
    // Sparse in front: a gigabyte that costs no disk, and that nobody may read.
    writeFileSync(logPath, '\n');
    truncateSync(logPath, 1 << 30);
    appendFileSync(logPath, `\n${block}`);
    const started = performance.now();
    expect(await texts(engine.api.container.logs({ container: id, tail: 10 }))).toEqual(
      Array.from({ length: 10 }, (_, index) => `line ${19_990 + index}`),
    );
    expect(performance.now() - started).toBeLessThan(2000);
    writeFileSync(logPath, block);
    const some = await texts(engine.api.container.logs({ container: id, sinceMs: base + 15_000_500, untilMs: base + 15_003_000 }));
    expect(some).toEqual(['line 15001', 'line 15002', 'line 15003']);
  });

  test('pages from the end to the beginning make the whole log, however it is cut, and a log that is no more has no pages', async () => {
    const id = await create(engine.api, { command: ['true'] });
    await engine.api.container.start({ container: id });
    await engine.api.container.wait({ container: id });
    const { logPath } = (await engine.api.container.inspect({ container: id })).host;
    // All of one moment, as conmon writes them: a time tells no page from another.
    const record = (index: number): string => `2026-01-01T00:00:00.000000000+00:00 stdout ${index % 5 === 2 ? 'P' : 'F'} line ${index}\n`;
    writeFileSync(logPath, Array.from({ length: 1_001 }, (_, index) => record(index)).join(''));
    const pages: string[][] = [];
    let last = '';
    let before: string | undefined;
    do {
      const page: LogEntry[] = [];
      for await (const entry of engine.api.container.logs({ container: id, tail: 300, paged: true, ...(before ? { before } : {}) }))
        page.push(entry);
      expect(page.slice(1).filter(({ position }) => position !== undefined)).toEqual([]);
      pages.unshift(page.map(text));
      before = page[0]?.position;
      last ||= before ?? '';
      // What is added at the end moves no page.
      appendFileSync(logPath, record(9_999));
    } while (before !== undefined);
    expect(pages).toHaveLength(3);
    expect(pages.flat()).toEqual(Array.from({ length: 1_001 }, (_, index) => `line ${index}`));
    writeFileSync(`${logPath}.tmp`, record(0));
    renameSync(`${logPath}.tmp`, logPath);
    const gone = { container: id, before: last, tail: 10 };
    expect(await texts(engine.api.container.logs(gone))).toEqual([]);
    await expect(texts(engine.api.container.logs({ ...gone, follow: true }))).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  test('a rotation while one follows loses nothing', async () => {
    const id = await create(engine.api, { command: ['sleep', '1000'] });
    await engine.api.container.start({ container: id });
    const { logPath } = (await engine.api.container.inspect({ container: id })).host;
    const record = (name: string): string => `2026-01-01T00:00:00.000000000+00:00 stdout F ${name}\n`;
    appendFileSync(logPath, record('first'));
    const lines: string[] = [];
    for await (const entry of engine.api.container.logs({ container: id, follow: true })) {
      lines.push(text(entry));
      if (text(entry) === 'first') {
        // As conmon rotates: a new file takes the name; what was written to the old one before is read first.
        appendFileSync(logPath, record('late'));
        writeFileSync(`${logPath}.tmp`, '');
        renameSync(`${logPath}.tmp`, logPath);
        const fd = openSync(logPath, 'a');
        writeSync(fd, record('second'));
        closeSync(fd);
      }
      if (text(entry) === 'second') await engine.api.container.kill({ container: id });
    }
    expect(lines).toEqual(['first', 'late', 'second']);
  });

  test("conmon's own limit keeps the file small", async () => {
    const id = await create(engine.api, { command: ['seq', '1', '20000'], logMaxSizeBytes: 16_384 });
    await engine.api.container.start({ container: id });
    await engine.api.container.wait({ container: id });
    const lines = await texts(engine.api.container.logs({ container: id }));
    expect(lines.at(-1)).toBe('20000');
    expect(lines.length).toBeLessThan(1000);
  });

  test('without a log there is nothing to read, in words', async () => {
    const id = await create(engine.api, { command: ['true'], logDriver: 'none' });
    await expect(texts(engine.api.container.logs({ container: id }))).rejects.toMatchObject({ code: 'unsupported' });
  });
});
