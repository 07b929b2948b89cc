/** Twelve layers of about 25 MB compressed, each of two thousand files: what a large application image looks like. Made once, kept in test/.output. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output } from '../measure.ts';
import { makeDockerArchive } from './busybox-image.ts';

export const layeredImage = 'layered:bench';

const layers = 12;
const smallFiles = 2000;
const largeFiles = 20;
const megabyte = 1024 * 1024;

export async function layeredArchive(cache: string, scratch: string): Promise<string> {
  const archive = join(cache, 'layered-bench.tar');
  if (existsSync(archive)) return archive;
  mkdirSync(cache, { recursive: true });
  const root = join(scratch, 'layered');
  for (let layer = 0; layer < layers; layer++) fill(join(root, `part${layer}`), layer);
  const sources = Array.from({ length: layers }, (_, layer) => ({ root, paths: [`./part${layer}`] }));
  const made = await makeDockerArchive(join(scratch, 'layered-archive'), `localhost/${layeredImage}`, sources);
  // Another file system perhaps.
  await output({ program: 'cp', args: [made, `${archive}.tmp`] });
  renameSync(`${archive}.tmp`, archive);
  rmSync(root, { recursive: true, force: true });
  return archive;
}

/** Text compresses, the rest does not: together about as programs and libraries do. */
function fill(directory: string, seed: number): void {
  for (let folder = 0; folder < 20; folder++) mkdirSync(join(directory, `lib${folder}`), { recursive: true });
  for (let file = 0; file < smallFiles; file++) {
    const text = Array.from(
      { length: 60 },
      (_, line) => `line ${line} of file ${file} in part ${seed}: ${(line * file + seed).toString(36)}`,
    );
    writeFileSync(join(directory, `lib${file % 20}`, `text${file}.py`), text.join('\n'));
  }
  for (let file = 0; file < largeFiles; file++) writeFileSync(join(directory, `lib${file}`, 'library.so'), randomBytes(1.15 * megabyte));
}
