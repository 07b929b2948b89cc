import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

const { sockets, processes } = createLinuxSystem();
const python = processes.find('python3');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'selkie-packets-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A peer as conmon is one: says "ready", then does `body` with the accepted connection `c`. */
async function peer(path: string, body: string) {
  const code = `
import os, socket, sys
d, b = os.path.split(sys.argv[1])
os.chdir(d)
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(b); s.listen(1); print("ready", flush=True)
c, _ = s.accept()
${body}
`;
  const child = processes.spawn('python3', ['-c', code, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const output = child.pipes[1];
  if (!output) throw new Error('no pipe');
  const lines = createInterface({ input: output });
  const [first] = (await once(lines, 'line')) as [string];
  expect(first).toBe('ready');
  return { child, lines };
}

test.skipIf(python === undefined)('packets keep their boundaries and end with the peer (needs python3)', async () => {
  const path = join(folder, 'boundaries');
  const { child } = await peer(path, 'c.send(b"\\x02one"); c.send(b"\\x03" + b"x" * 8192); c.close()');
  await using socket = await sockets.connectPacket(path);
  const packets: Uint8Array[] = [];
  for await (const packet of socket.packets) packets.push(packet);
  expect(packets.map((packet) => packet.length)).toEqual([4, 8193]);
  expect(Buffer.from(packets[0] ?? []).toString()).toBe('\x02one');
  await child.exited;
});

test.skipIf(python === undefined)('a path longer than a socket address is reached (needs python3)', async () => {
  const long = join(folder, 'a'.repeat(100), 'b'.repeat(60));
  mkdirSync(long, { recursive: true });
  const { child } = await peer(join(long, 'attach'), 'c.send(b"hello"); c.close()');
  await using socket = await sockets.connectPacket(join(long, 'attach'));
  for await (const packet of socket.packets) expect(Buffer.from(packet).toString()).toBe('hello');
  await child.exited;
});

test.skipIf(python === undefined)('a slow reader slows the sender, nothing is lost (needs python3)', async () => {
  const path = join(folder, 'slow');
  const { child } = await peer(path, 'for i in range(5000): c.send(i.to_bytes(4, "little") + b"x" * 4092)');
  await using socket = await sockets.connectPacket(path);
  let expected = 0;
  for await (const packet of socket.packets) {
    expect(Buffer.from(packet).readUInt32LE(0)).toBe(expected++);
    if (expected % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(expected).toBe(5000);
  await child.exited;
});

test.skipIf(python === undefined)(
  'sending waits for the kernel, the end of writing is seen, a dead peer is told (needs python3)',
  async () => {
    const path = join(folder, 'send');
    const { child, lines } = await peer(
      path,
      'n = 0\nwhile True:\n  p = c.recv(65536)\n  if not p: break\n  n += len(p)\nprint(n, flush=True)\nc.close()',
    );
    const socket = await sockets.connectPacket(path);
    const block = Buffer.alloc(8192);
    for (let index = 0; index < 1000; index++) await socket.send(block);
    const total = once(lines, 'line');
    socket.endWriting();
    expect(await total).toEqual([String(8192 * 1000)]);
    for await (const packet of socket.packets) expect(packet).toBeUndefined();
    await child.exited;
    await expect(socket.send(block)).rejects.toMatchObject({ code: 'unavailable' });
    socket.close();
    await expect(socket.send(block)).rejects.toMatchObject({ code: 'unavailable' });
  },
);

test('nobody there: not found, or unavailable', async () => {
  await expect(sockets.connectPacket(join(folder, 'nobody'))).rejects.toMatchObject({ code: 'not-found' });
  await expect(sockets.connectPacket(join(folder, 'x'.repeat(200)))).rejects.toMatchObject({ code: 'invalid-argument' });
});
