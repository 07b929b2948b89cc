import { EngineError } from '../../base/errors.ts';
import type { ContainerMount } from '../state/state.ts';

type Words = Pick<ContainerMount, 'type' | 'readOnly' | 'options' | 'target'>;

const propagations: ReadonlySet<string> = new Set([
  'private',
  'rprivate',
  'slave',
  'rslave',
  'shared',
  'rshared',
  'unbindable',
  'runbindable',
]);
const flags: ReadonlySet<string> = new Set([
  ...['ro', 'rw', 'suid', 'nosuid', 'dev', 'nodev', 'exec', 'noexec', 'sync', 'async', 'atime', 'noatime', 'relatime', 'norelatime'],
  ...['strictatime', 'diratime', 'nodiratime'],
]);
/** Of those that contradict each other only one may be named. */
const opposites = [
  ['ro', 'rw'],
  ['suid', 'nosuid'],
  ['dev', 'nodev'],
  ['exec', 'noexec'],
  ['rbind', 'bind'],
] as const;
/** What is done to the files before they are mounted belongs to the volume room and is no option of mount(2). */
const elsewhere: ReadonlySet<string> = new Set(['copy', 'nocopy', 'z', 'Z']);
const refused: Readonly<Record<string, string>> = {
  U: 'changing the owner of the source is not supported: chown it yourself',
  O: 'overlay volumes are not supported: mount it read-only, or use a named volume',
  idmap: 'idmapped mounts are not supported',
};

/** Throws `invalid-argument` for a word that is no option of such a mount, `unsupported` for one that Selkie cannot honour. */
export function checkMountOptions(mount: Words): void {
  if (mount.type === 'tmpfs') tmpfsOptions(mount);
  else bindOptions(mount);
}

/** Podman's defaults: recursive and private; named volumes also nosuid and nodev. */
export function bindOptions(mount: Words): string[] {
  const words = wordsOf(mount, (word) => flags.has(word) || propagations.has(word) || word === 'bind' || word === 'rbind');
  if (mount.type === 'volume') defaults(words, ['suid', 'nosuid'], ['dev', 'nodev']);
  defaults(words, ['bind', 'rbind']);
  if (![...words].some((word) => propagations.has(word))) words.add('rprivate');
  return [...words];
}

/** A tmpfs shows what the image has at that place (tmpcopyup), unless it is told not to. */
export function tmpfsOptions(mount: Words): string[] {
  const words = wordsOf(mount, (word) => flags.has(word) || propagations.has(word) || tmpfsWord(word));
  defaults(words, ['suid', 'nosuid'], ['dev', 'nodev'], ['ro', 'rw']);
  if (![...words].some((word) => propagations.has(word))) words.add('rprivate');
  if (!words.delete('notmpcopyup')) words.add('tmpcopyup');
  return [...words];
}

function tmpfsWord(word: string): boolean {
  return /^(size=\d+[kmgtKMGT%]?|mode=[0-7]{1,4}|(uid|gid|nr_inodes|nr_blocks)=\d+[kmg]?|tmpcopyup|notmpcopyup)$/.test(word);
}

function wordsOf(mount: Words, known: (word: string) => boolean): Set<string> {
  const words = new Set<string>();
  for (const option of mount.options) {
    const word = mount.type === 'tmpfs' ? option.replace(/^tmpfs-/, '') : option;
    const name = word.split('=', 1)[0] ?? word;
    if (refused[name] !== undefined)
      throw new EngineError('unsupported', `mount option "${option}" of ${mount.target}: ${refused[name]}`, { details: { option } });
    if (elsewhere.has(word) && mount.type !== 'tmpfs') continue;
    if (!known(word))
      throw new EngineError('invalid-argument', `unknown mount option "${option}": invalid mount option`, {
        fix: `Leave it out of the mount at ${mount.target}.`,
        details: { field: 'mounts', option },
      });
    words.add(word);
  }
  if (mount.readOnly) {
    words.delete('rw');
    words.add('ro');
  }
  const contradiction = opposites.find(([left, right]) => words.has(left) && words.has(right));
  if (contradiction)
    throw new EngineError('invalid-argument', `the mount at ${mount.target} has both "${contradiction[0]}" and "${contradiction[1]}"`, {
      fix: 'Keep one of them.',
      details: { field: 'mounts' },
    });
  return words;
}

/** Adds the second word of a pair unless one of the two was named. */
function defaults(words: Set<string>, ...pairs: readonly (readonly [string, string])[]): void {
  for (const [other, word] of pairs) if (!words.has(other)) words.add(word);
}
