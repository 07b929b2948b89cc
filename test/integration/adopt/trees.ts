/** What foreign stores are made from and held against. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import { type TestImage, makeImage, makeTar, noise } from '../image/test-image.ts';

/** Hard links, attributes, long names, names that are no UTF-8, a hole. */
export function oddTree(directory: string): string {
  const long = 'n'.repeat(120);
  mkdirSync(join(directory, 'etc'), { recursive: true });
  mkdirSync(join(directory, long, long), { recursive: true });
  writeFileSync(join(directory, 'etc/one'), 'one\n', { mode: 0o640 });
  linkSync(join(directory, 'etc/one'), join(directory, 'etc/hard'));
  symlinkSync('etc', join(directory, 'soft'));
  writeFileSync(join(directory, long, long, long), 'long');
  writeFileSync(Buffer.concat([Buffer.from(`${directory}/caf`), Buffer.from([0xe9])]), 'bytes');
  writeFileSync(join(directory, 'big'), noise(3_000_000, 'big'));
  writeFileSync(join(directory, 'sparse'), '');
  truncateSync(join(directory, 'sparse'), 3_000_000);
  const fd = openSync(join(directory, 'sparse'), 'r+');
  writeSync(fd, 'x', 2_000_000);
  closeSync(fd);
  createLinuxSystem().attributes.setXattr(join(directory, 'etc/one'), 'user.color', Buffer.from('blue'));
  return directory;
}

export function oddTar(directory: string): string {
  const tar = `${directory}.tar`;
  execFileSync('tar', ['--xattrs', '--format=posix', '-C', oddTree(directory), '-cf', tar, '.']);
  return tar;
}

/** Two layers, of which the upper one takes away what the lower one has. */
export async function whiteoutImage(): Promise<TestImage> {
  const lower = await makeTar({ 'etc/kept': 'kept', 'etc/gone': 'gone', 'dir/old': 'old' });
  return makeImage([lower, await makeTar({ 'etc/.wh.gone': '', 'dir/.wh..wh..opq': '', 'dir/new': 'new' })]);
}

export async function dockerArchive(path: string, image: TestImage, name: string): Promise<string> {
  const layers = image.layers.map(({ diffId }) => `${diffId.slice(7)}/layer.tar`);
  const manifest = JSON.stringify([{ Config: `${image.id}.json`, RepoTags: [name], Layers: layers }]);
  const tars = Object.fromEntries(image.layers.map(({ tar }, index) => [layers[index] ?? '', tar]));
  writeFileSync(path, await makeTar({ ...tars, [`${image.id}.json`]: image.config.bytes, 'manifest.json': manifest }));
  return path;
}

/** Each name with all that a writer would change: kind, mode, owner, size, times of its last changes, content. Of a copy without what cannot be the same. */
export function listing(root: string, options: { readonly ofCopy?: boolean } = {}): string[] {
  const lines: string[] = [];
  const visit = (path: Buffer): void => {
    const stats = lstatSync(path, { bigint: true });
    const content = stats.isFile()
      ? createHash('sha256').update(readFileSync(path)).digest('hex')
      : stats.isSymbolicLink()
        ? readlinkSync(path)
        : '';
    const { mode, uid, gid, size, nlink, mtimeNs, ctimeNs } = stats;
    // The change time shows what sets the other times back.
    const more = options.ofCopy === true ? [stats.isDirectory() ? 0n : size] : [size, ctimeNs];
    lines.push(`${path.toString('latin1').slice(root.length)} ${[mode, uid, gid, nlink, mtimeNs, ...more].join(' ')} ${content}`);
    if (!stats.isDirectory()) return;
    for (const name of readdirSync(path, { encoding: 'buffer' }).sort((a, b) => a.compare(b)))
      visit(Buffer.concat([path, Buffer.from('/'), name]));
  };
  visit(Buffer.from(root));
  return lines;
}
