/** A docker-archive of one layer with busybox, from this host's static one: the same image for every contender. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output } from '../measure.ts';
import { which } from '../which.ts';

export const busyboxImage = 'localhost/busybox:bench';

export interface BusyboxImage {
  readonly archive: string;
  /** The unpacked root file system, for the raw runtime. */
  readonly rootfs: string;
}

export async function makeBusyboxImage(directory: string): Promise<BusyboxImage> {
  const busybox = which('busybox');
  if (busybox === undefined) throw new Error('busybox is not installed (package busybox-static)');
  const rootfs = join(directory, 'rootfs');
  for (const folder of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev', 'run']) mkdirSync(join(rootfs, folder), { recursive: true });
  copyFileSync(busybox, join(rootfs, 'bin/busybox'));
  for (const applet of ['sh', 'true', 'sleep', 'echo', 'cat']) symlinkSync('busybox', join(rootfs, 'bin', applet));
  writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n');
  writeFileSync(join(rootfs, 'etc/group'), 'root:x:0:\n');
  const archive = await makeDockerArchive(join(directory, 'busybox-archive'), busyboxImage, [{ root: rootfs, paths: ['.'] }]);
  return { archive, rootfs };
}

export interface LayerSource {
  readonly root: string;
  /** Relative to it. */
  readonly paths: readonly string[];
}

/** docker-archive as `docker save` writes it (moby, image/spec). */
export async function makeDockerArchive(directory: string, name: string, sources: readonly LayerSource[]): Promise<string> {
  mkdirSync(directory, { recursive: true });
  const layers: string[] = [];
  const diffIds: string[] = [];
  for (const [index, { root, paths }] of sources.entries()) {
    const layer = `layer${index}.tar`;
    const list = join(directory, 'paths');
    writeFileSync(list, paths.join('\n'));
    await output({
      program: 'tar',
      args: ['-C', root, '--numeric-owner', '--sort=name', '--exclude=./dev/*', '-cf', join(directory, layer), '-T', list],
    });
    diffIds.push(`sha256:${await sha256(join(directory, layer))}`);
    layers.push(layer);
  }
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Cmd: ['sh'], Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: layers.map(() => ({ created: '2026-01-01T00:00:00Z', created_by: 'bench' })),
    created: '2026-01-01T00:00:00Z',
  });
  const configName = `${createHash('sha256').update(config).digest('hex')}.json`;
  writeFileSync(join(directory, configName), config);
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify([{ Config: configName, RepoTags: [name], Layers: layers }]));
  const archive = `${directory}.tar`;
  await output({ program: 'tar', args: ['-C', directory, '-cf', archive, 'manifest.json', configName, ...layers] });
  return archive;
}

async function sha256(path: string): Promise<string> {
  const [digest = ''] = (await output({ program: 'sha256sum', args: [path] })).split(' ');
  return digest;
}
