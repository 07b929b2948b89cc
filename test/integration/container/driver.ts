/**
 * An engine as a process of its own, which a test may kill at any moment: serves the contract on its standard input and output. On its first
 * start in a store it puts a busybox image there, straight through the snapshot and state rooms.
 */
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { engineContract } from '../../../src-main/contract/engine.ts';
import type { Digest, ImageId } from '../../../src-main/contract/ids.ts';
import { loadConfig } from '../../../src-main/engine/config/config.ts';
import { createEngine } from '../../../src-main/engine/engine.ts';
import { openSnapshotStore } from '../../../src-main/engine/snapshot/snapshot.ts';
import { openState } from '../../../src-main/engine/state/state.ts';
import { serve } from '../../../src-main/rpc/rpc.ts';
import { nodeStreamChannel } from '../../../src-main/rpc/transports/node-stream.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

const [root = '', runRoot = '', resources = '', watch = ''] = process.argv.slice(2);
const system = createLinuxSystem();
const config = loadConfig({ system, options: { root, runRoot, cgroupManager: 'cgroupfs' }, environment: process.env, resources });

const applets =
  'sh cat true false sleep echo id ls env kill head seq yes stty tty wc dd hostname mount ip test usleep mkdir touch grep ps rm';

/** Two names: `localhost/busybox`, and `localhost/volumes` with a VOLUME. */
async function seed(): Promise<void> {
  using state = openState({ graphRoot: root, runRoot, system });
  const name = 'localhost/busybox:latest';
  if (state.images.findByName(name)) return;
  const snapshots = openSnapshotStore({ config, system });
  const chainId = `sha256:${createHash('sha256').update('busybox').digest('hex')}` as Digest;
  const { diffDirectory } = await snapshots.create(chainId, undefined);
  for (const folder of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root', 'run', 'var/tmp', 'data/deep'])
    mkdirSync(join(diffDirectory, folder), { recursive: true });
  copyFileSync('/bin/busybox', join(diffDirectory, 'bin/busybox'));
  for (const applet of applets.split(' ')) symlinkSync('busybox', join(diffDirectory, 'bin', applet));
  writeFileSync(join(diffDirectory, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000:Bob:/:/bin/sh\n');
  writeFileSync(join(diffDirectory, 'etc/group'), 'root:x:0:\nbob:x:1000:\n');
  writeFileSync(join(diffDirectory, 'data/deep/hello'), 'from the image\n');
  // An image may point its volume at anything: it is followed inside the image alone.
  symlinkSync('/etc', join(diffDirectory, 'trap'));
  writeFileSync(join(diffDirectory, 'bin/plain'), 'no program\n');
  chmodSync(join(diffDirectory, 'bin/plain'), 0o644);
  await snapshots.commit(chainId);
  mkdirSync(join(root, 'content/blobs/sha256'), { recursive: true });
  for (const [image, volumes] of [
    [name, {}],
    ['localhost/volumes:latest', { '/data': {}, '/trap': {} }],
  ] as const) {
    const text = JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/bin'], Cmd: ['sh'], Volumes: volumes, Labels: { kind: 'test' } },
      rootfs: { type: 'layers', diff_ids: [chainId] },
      history: [],
    });
    const id = createHash('sha256').update(text).digest('hex') as ImageId;
    writeFileSync(join(root, 'content/blobs/sha256', id), text);
    state.transaction(() => {
      state.layers.put({ chainId, diffId: chainId, parentChainId: undefined, sizeBytes: 2_000_000, createdAt: 1 });
      state.images.put({
        ...{ id, names: [image], chainIds: [chainId], sizeBytes: 2_000_000, createdAt: 1, storedAt: 1, labels: { kind: 'test' } },
        ...{ manifestDigest: undefined, repoDigests: [], architecture: 'amd64', os: 'linux' },
      });
    });
  }
}

/**
 * Nothing is awaited at the module's top: the bundle's parts that are loaded late import shared code from this file, so that they would wait for its end, which
 * is the engine's.
 */
async function main(): Promise<void> {
  await seed();
  const engine = createEngine(config, system);
  for (const message of await engine.recover()) process.stderr.write(`repaired: ${message}\n`);
  if (watch === 'watch') engine.watchExits();
  const server = serve(engineContract, engine.handlers, nodeStreamChannel(process.stdin, process.stdout), {
    engine: 'test',
    onBug: (error, path) => process.stderr.write(`bug in ${path}: ${error instanceof Error ? (error.stack ?? '') : String(error)}\n`),
  });
  await server.closed;
  await engine[Symbol.asyncDispose]();
  process.exit(0);
}

void main();
