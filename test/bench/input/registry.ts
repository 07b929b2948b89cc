/** A docker-registry of our own on loopback, filled once. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { output } from '../measure.ts';
import { which } from '../which.ts';

export interface Registry {
  /** host:port */
  readonly address: string;
  push(archive: string, name: string): Promise<void>;
  close(): Promise<void>;
}

export async function openRegistry(directory: string): Promise<Registry> {
  const program = which('docker-registry');
  if (program === undefined) throw new Error('docker-registry is not installed');
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  mkdirSync(join(directory, 'data'), { recursive: true });
  const config = join(directory, 'config.yml');
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${JSON.stringify(join(directory, 'data'))}}}\nhttp: {addr: "${address}"}\n`,
  );
  const server = spawn(program, ['serve', config], { stdio: 'ignore' });
  await answers(address, server);
  return {
    address,
    async push(archive, name) {
      const skopeo = which('skopeo');
      if (skopeo === undefined) throw new Error('skopeo is not installed');
      const policy = join(directory, 'policy.json');
      writeFileSync(policy, '{"default": [{"type": "insecureAcceptAnything"}]}');
      await output({
        program: skopeo,
        args: ['copy', '--policy', policy, '--dest-tls-verify=false', `docker-archive:${archive}`, `docker://${address}/${name}`],
      });
    },
    async close() {
      const exited = once(server, 'exit');
      server.kill('SIGTERM');
      await exited;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function answers(address: string, server: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (server.exitCode !== null) throw new Error('docker-registry ended at once');
    try {
      if ((await fetch(`http://${address}/v2/`)).ok) return;
    } catch {
      // Not listening yet.
    }
    await pause(50);
  }
  throw new Error('docker-registry does not answer');
}
