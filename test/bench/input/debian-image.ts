/** A Debian of about 120 MB compressed in four layers. Made once by mmdebstrap and kept in test/.output, since it takes a minute. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { output } from '../measure.ts';
import { which } from '../which.ts';
import { makeDockerArchive } from './busybox-image.ts';

export const debianImage = 'debian:bench';

/** What a development image carries; brings a minimal Debian from 56 MB to about 120. */
const packages = 'gcc,libc6-dev,make,ca-certificates';

export async function debianArchive(cache: string, scratch: string): Promise<string> {
  const archive = join(cache, 'debian-bench.tar');
  if (existsSync(archive)) return archive;
  if (which('mmdebstrap') === undefined) throw new Error('mmdebstrap is not installed');
  mkdirSync(cache, { recursive: true });
  const root = join(scratch, 'debian');
  await output({ program: 'mmdebstrap', args: ['--variant=minbase', `--include=${packages}`, '--mode=auto', 'bookworm', root] });
  const lib = readdirSync(join(root, 'usr/lib')).map((name) => `./usr/lib/${name}`);
  const rest = readdirSync(root).filter((name) => !['usr', 'dev', 'proc', 'sys'].includes(name));
  const usr = readdirSync(join(root, 'usr')).filter((name) => !['lib', 'share'].includes(name));
  const made = await makeDockerArchive(join(scratch, 'debian-archive'), `localhost/${debianImage}`, [
    { root, paths: rest.map((name) => `./${name}`) },
    { root, paths: usr.map((name) => `./usr/${name}`) },
    { root, paths: lib },
    { root, paths: ['./usr/share'] },
  ]);
  // Another file system perhaps.
  await output({ program: 'cp', args: [made, `${archive}.tmp`] });
  renameSync(`${archive}.tmp`, archive);
  rmSync(root, { recursive: true, force: true });
  return archive;
}
