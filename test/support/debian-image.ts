import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';

const cache = resolve(import.meta.dirname, '../.output');

/** The tar of a real, minimal Debian: some nine thousand files of every kind. Made once in a checkout, which takes a minute. */
export function debianTar(): Buffer {
  const path = join(cache, 'debian-minbase.tar');
  if (!existsSync(path)) {
    mkdirSync(cache, { recursive: true });
    execFileSync('mmdebstrap', ['--quiet', '--variant=minbase', 'bookworm', `${path}.new.tar`], { stdio: ['ignore', 'ignore', 'inherit'] });
    renameSync(`${path}.new.tar`, path);
  }
  return readFileSync(path);
}
