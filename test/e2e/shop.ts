/** A store as a developer's might be: a few images of different sizes, and containers that serve, work, wait and have failed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeImage, makeTar, noise, type TestImage } from '../integration/image/test-image.ts';
import { layerOf } from './team-registry.ts';

/** Runs the command line to its end; answers what it printed. */
export type Selkie = (...args: string[]) => string;

const registry = 'docker.io/shop';

const apiLog = `i=0
while [ $i -lt 1200 ]; do
  case $((i % 47)) in
    7) echo "GET /orders/$((4000 + i)) 200 $((i % 13 + 180)) ms slow" >&2 ;;
    31) printf 'POST /orders \\033[33m409\\033[0m %d ms\\n' $((i % 9 + 2)) ;;
    *) echo "GET /items?page=$((i % 20)) 200 $((i % 9 + 1)) ms" ;;
  esac
  i=$((i+1))
done
exec sleep 100000
`;

/** Answers the ids by name. */
export async function fillStore(selkie: Selkie, starter: string, directory: string): Promise<Readonly<Record<string, string>>> {
  const base = await layerOf(starter);
  for (const [name, bytes] of [
    ['web:2.4', 14_000_000],
    ['web:2.3', 13_500_000],
    ['api:1.19', 32_000_000],
    ['worker:1.19', 32_400_000],
    ['db:16', 61_000_000],
  ] as const) {
    const image = makeImage([base, await makeTar({ 'srv/data': noise(bytes, name), 'srv/log.sh': apiLog })], {
      compression: 'none',
      extra: { config: { Cmd: ['/bin/serve-page'], Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] }, created: new Date().toISOString() },
    });
    const archive = join(directory, 'image.tar');
    writeFileSync(archive, await dockerArchive(image, `${registry}/${name}`));
    selkie('load', '-i', archive);
  }
  const run = (name: string, ...args: string[]) => selkie('run', '-d', '--name', name, ...args);
  const ids: Record<string, string> = {};
  ids['shop-db'] = run('shop-db', '-v', 'shop-data:/data', `${registry}/db:16`, 'sh', '-c', 'trap exit TERM; sleep 100000 & wait');
  ids['db-migrate'] = selkie('create', '--name', 'db-migrate', `${registry}/api:1.19`, 'true');
  selkie('start', 'db-migrate');
  ids['shop-worker'] = run(
    'shop-worker',
    `${registry}/worker:1.19`,
    'sh',
    '-c',
    'i=0; while :; do i=$((i+1)); [ $((i % 300000)) = 0 ] && echo "job $i done"; done',
  );
  ids['shop-api'] = run('shop-api', '-p', '8082:8080', `${registry}/api:1.19`, 'sh', '/srv/log.sh');
  ids['shop-web'] = run('shop-web', '-p', '8081:8080', '-e', 'SHOP_REGION=eu-north', `${registry}/web:2.4`);
  ids['nightly-backup'] = run(
    'nightly-backup',
    `${registry}/worker:1.19`,
    'sh',
    '-c',
    'echo "backup of shop-data begins"; echo "error: cannot reach backup.example.org: no route to host" >&2; exit 4',
  );
  ids['hello'] = run('hello', '-p', '8080', 'localhost/selkie/starter');
  selkie('wait', 'db-migrate', 'nightly-backup');
  // Something in the trash, and what a build has left.
  selkie('commit', 'nightly-backup', `${registry}/backup:1.0`);
  selkie('commit', '--change', 'LABEL again=yes', 'nightly-backup', `${registry}/backup:1.0`);
  selkie('volume', 'create', 'old-reports');
  selkie('create', '--name', 'old-worker', `${registry}/worker:1.19`, 'true');
  selkie('rm', 'old-worker');
  selkie('rmi', `${registry}/web:2.3`);
  return ids;
}

export const manyName = (index: number): string =>
  `registry.example.org/team-${String(index % 7)}/service-${String(index)}:1.${String(index)}`;

/** A docker archive of so many small images. */
export async function manyImages(count: number): Promise<Buffer> {
  const files: Record<string, string | Buffer> = {};
  const manifest: object[] = [];
  for (let index = 0; index < count; index++) {
    const { layers, config } = makeImage([await makeTar({ 'srv/data': noise(2_000 + index * 997, String(index)) })], {
      compression: 'none',
      extra: { created: new Date(Date.UTC(2026, 0, 1) + index * 3_600_000).toISOString() },
    });
    files[`${String(index)}.tar`] = layers[0]?.tar ?? Buffer.alloc(0);
    files[`${String(index)}.json`] = config.bytes;
    manifest.push({ Config: `${String(index)}.json`, RepoTags: [manyName(index)], Layers: [`${String(index)}.tar`] });
  }
  return makeTar({ ...files, 'manifest.json': JSON.stringify(manifest) });
}

function dockerArchive(image: TestImage, name: string): Promise<Buffer> {
  const layers = image.layers.map((layer, index) => [`layer-${index}.tar`, layer.tar] as const);
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: layers.map(([path]) => path) }];
  return makeTar({ ...Object.fromEntries(layers), 'config.json': image.config.bytes, 'manifest.json': JSON.stringify(manifest) });
}
