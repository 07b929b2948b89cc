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
const elsewhere: ReadonlySet<string> = new Set(['copy', 'nocopy', 'z', 'Z', 'U']);
const refused: Readonly<Record<string, string>> = {
  O: 'overlay volumes are not supported: mount it read-only, or use a named volume',
};

/** Throws `invalid-argument` for a word that is no option of such a mount, `unsupported` for one that Selkie cannot honour. */
export function checkMountOptions(mount: Words): void {
  if (mount.type === 'tmpfs') tmpfsOptions(mount);
  else bindOptions(mount);
}

/** crun(1), "idmap mount options": the container's own map, or one that is named. */
const idmapWord = /^idmap(=(uids|gids)=@?\d+-\d+-\d+(#@?\d+-\d+-\d+)*(;(uids|gids)=@?\d+-\d+-\d+(#@?\d+-\d+-\d+)*)?)?$/;

/**
 * Whether the files of this mount are shown with other owners. Errors: `unsupported` where the kernel does not let us do that, or the runtime cannot;
 * `invalid-argument` without a user namespace whose ids they could get.
 */
export function checkIdmap(
  { target, options }: Words,
  { mapped, rootless, runtime }: { readonly mapped: boolean; readonly rootless: boolean; readonly runtime: () => string },
): void {
  const option = options.find((one) => one === 'idmap' || one.startsWith('idmap='));
  if (option === undefined) return;
  const refuse = (code: 'unsupported' | 'invalid-argument', why: string, fix: string): EngineError =>
    new EngineError(code, `mount option "${option}" of ${target}: ${why}`, { fix, details: { field: 'mounts', option } });
  if (rootless)
    throw refuse(
      'unsupported',
      'the kernel lets only the owner of a file system translate its owners, which a user is not of a disk of the host',
      'use --userns=keep-id, which shows you your own files as yours, or the option U',
    );
  if (runtime() !== 'crun') throw refuse('unsupported', `${runtime()} knows no idmapped mounts`, 'use --runtime crun');
  if (!mapped && option === 'idmap')
    throw refuse('invalid-argument', 'the container has no user namespace of its own', 'add --userns=auto, or --uidmap and --gidmap');
}

/** Podman's defaults: recursive and private; named volumes also nosuid and nodev. */
export function bindOptions(mount: Words): string[] {
  const words = wordsOf(
    mount,
    (word) => flags.has(word) || propagations.has(word) || word === 'bind' || word === 'rbind' || idmapWord.test(word),
  );
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
