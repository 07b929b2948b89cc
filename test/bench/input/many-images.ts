/** A docker-archive of many images that share one layer and differ in a label. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output } from '../measure.ts';

export function imageName(index: number): string {
  return `localhost/many/image${index}:bench`;
}

export async function manyImagesArchive(directory: string, count: number): Promise<string> {
  mkdirSync(join(directory, 'empty'), { recursive: true });
  const layer = 'layer.tar';
  await output({ program: 'tar', args: ['-C', directory, '-cf', join(directory, layer), 'empty'] });
  const diffId = `sha256:${createHash('sha256')
    .update(readFileSync(join(directory, layer)))
    .digest('hex')}`;
  const manifest = Array.from({ length: count }, (_, index) => {
    const config = JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Cmd: ['sh'], Labels: { index: String(index) } },
      rootfs: { type: 'layers', diff_ids: [diffId] },
      created: '2026-01-01T00:00:00Z',
    });
    const name = `${createHash('sha256').update(config).digest('hex')}.json`;
    writeFileSync(join(directory, name), config);
    return { Config: name, RepoTags: [imageName(index)], Layers: [layer] };
  });
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
  const members = join(directory, 'members');
  writeFileSync(members, ['manifest.json', layer, ...manifest.map(({ Config }) => Config)].join('\n'));
  const archive = `${directory}.tar`;
  await output({ program: 'tar', args: ['-C', directory, '-cf', archive, '-T', members] });
  return archive;
}
