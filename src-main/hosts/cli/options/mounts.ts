/** -v, --mount and --tmpfs. */
import { resolve } from 'node:path';
import { EngineError } from '../../../base/errors.ts';
import type { MountSpec } from '../../../contract/container-spec.ts';
import { splitList } from './parse.ts';
import { parseSize } from './values.ts';

const propagations = ['shared', 'slave', 'private', 'unbindable', 'rshared', 'rslave', 'rprivate', 'runbindable'];
const plainOptions = new Set([
  ...propagations,
  ...['z', 'Z', 'U', 'copy', 'nocopy', 'bind', 'rbind', 'exec', 'noexec', 'dev', 'nodev', 'suid', 'nosuid'],
]);

/** `-v [[SOURCE:]TARGET[:OPTIONS]]`: without a source an anonymous volume, with a path a bind mount, else a named volume. */
export function parseVolume(text: string, workingDirectory: string): MountSpec {
  const parts = text.split(':');
  if (parts.length > 3) throw invalidVolume(text, 'incorrect volume format, should be [host-dir:]ctr-dir[:option]');
  const [source, target] = parts.length === 1 ? ['', parts[0] ?? ''] : [parts[0] ?? '', parts[1] ?? ''];
  if (parts.length > 1 && source === '') throw invalidVolume(text, 'the source is empty');
  if (!target.startsWith('/'))
    throw invalidVolume(text, `the path in the container has to be absolute, and ${target || 'an empty word'} is not`);
  let readOnly = false;
  const options: string[] = [];
  for (const option of splitList(parts[2] ?? '')) {
    if (option === 'ro' || option === 'rw') readOnly = option === 'ro';
    else if (plainOptions.has(option) || isIdmap(option)) options.push(option);
    else throw unknownOption(option, text);
  }
  const isPath = source.startsWith('/') || source.startsWith('.');
  const where = isPath ? resolve(workingDirectory, source) : source;
  return { type: isPath ? 'bind' : 'volume', source: where, target, readOnly, options };
}

/** What it may look like is the engine's business. */
function isIdmap(option: string): boolean {
  return option === 'idmap' || option.startsWith('idmap=');
}

const tmpfsOptions = /^(size|mode|uid|gid|nr_inodes|nr_blocks)=\S+$/;
const tmpfsWords = new Set([
  'exec',
  'noexec',
  'dev',
  'nodev',
  'suid',
  'nosuid',
  'tmpcopyup',
  'notmpcopyup',
  'noatime',
  'strictatime',
  ...propagations,
]);

/** `--tmpfs TARGET[:OPTIONS]` */
export function parseTmpfs(text: string): MountSpec {
  const colon = text.indexOf(':');
  const target = colon < 0 ? text : text.slice(0, colon);
  if (!target.startsWith('/'))
    throw invalidVolume(text, `the path in the container has to be absolute, and ${target || 'an empty word'} is not`);
  let readOnly = false;
  const options: string[] = [];
  for (const option of colon < 0 ? [] : splitList(text.slice(colon + 1))) {
    if (option === 'ro' || option === 'rw') readOnly = option === 'ro';
    else if (tmpfsWords.has(option) || tmpfsOptions.test(option)) options.push(option);
    else throw unknownOption(option, text);
  }
  return { type: 'tmpfs', source: '', target, readOnly, options };
}

interface MountParts {
  source: string;
  target: string;
  readOnly: boolean;
  readonly options: string[];
}

/** `--mount type=…,…`, a CSV line of key[=value]. */
export function parseMount(text: string, workingDirectory: string): MountSpec {
  const words = splitList(text);
  const type = words.find((word) => word.startsWith('type='))?.slice('type='.length) ?? 'volume';
  if (type !== 'bind' && type !== 'volume' && type !== 'tmpfs') {
    if (['image', 'devpts', 'glob', 'ramfs', 'artifact'].includes(type))
      throw new EngineError('unsupported', `--mount type=${type} is not supported yet`, {
        fix: 'use type=bind, type=volume or type=tmpfs',
      });
    throw new EngineError('invalid-argument', `invalid filesystem type "${type}"`, { fix: 'use type=bind, type=volume or type=tmpfs' });
  }
  const parts: MountParts = { source: '', target: '', readOnly: false, options: [] };
  for (const word of words) if (!word.startsWith('type=')) readMountWord(word, type, parts, text);
  if (parts.target === '') throw invalidVolume(text, 'must set volume destination');
  if (!parts.target.startsWith('/')) throw invalidVolume(text, `the path in the container has to be absolute, and ${parts.target} is not`);
  if (type === 'bind' && parts.source === '') parts.source = parts.target;
  if (type === 'tmpfs' && parts.source !== '') throw invalidVolume(text, 'a tmpfs has no source');
  return { type, ...parts, source: type === 'bind' ? resolve(workingDirectory, parts.source) : parts.source };
}

function readMountWord(word: string, type: MountSpec['type'], parts: MountParts, text: string): void {
  const equals = word.indexOf('=');
  const key = equals < 0 ? word : word.slice(0, equals);
  const value = equals < 0 ? undefined : word.slice(equals + 1);
  const needed = (): string => {
    if (value === undefined || value === '') throw invalidVolume(text, `${key} needs a value`);
    return value;
  };
  const enabled = (): boolean => flagValue(value, word, text);
  switch (key) {
    case 'src':
    case 'source':
      parts.source = needed();
      return;
    case 'dst':
    case 'destination':
    case 'target':
      parts.target = needed();
      return;
    case 'ro':
    case 'readonly':
      parts.readOnly = enabled();
      return;
    case 'rw':
      parts.readOnly = !enabled();
      return;
    default:
      parts.options.push(...mountOption(key, value, type, { needed, enabled }, text));
  }
}

interface ValueOf {
  needed(): string;
  enabled(): boolean;
}

function mountOption(key: string, value: string | undefined, type: MountSpec['type'], read: ValueOf, text: string): string[] {
  if (type === 'tmpfs') {
    if (key === 'tmpfs-size' || key === 'size') return [`size=${parseSize(read.needed(), key)}`];
    if (key === 'tmpfs-mode' || key === 'mode') return [`mode=${read.needed()}`];
    if (key === 'tmpcopyup' || key === 'notmpcopyup') return [key];
  }
  if (type === 'bind') {
    if (key === 'bind-propagation') {
      if (propagations.includes(read.needed())) return [read.needed()];
      throw invalidVolume(text, `unknown propagation ${read.needed()}; there are ${propagations.join(', ')}`);
    }
    if (key === 'bind-nonrecursive') return [read.enabled() ? 'bind' : 'rbind'];
  }
  if (type !== 'tmpfs') {
    if (key === 'relabel') return [{ shared: 'z', private: 'Z' }[read.needed()] ?? refuseOption(`${key}=${value ?? ''}`, text)];
    if (key === 'U' || key === 'chown') return read.enabled() ? ['U'] : [];
    if (key === 'idmap') return idmapOption(value, read);
    if ((key === 'z' || key === 'Z') && value === undefined) return [key];
    if ((key === 'copy' || key === 'nocopy') && type === 'volume' && value === undefined) return [key];
  }
  // exec, suid and dev take a boolean; their no- forms are words.
  if (['exec', 'suid', 'dev'].includes(key)) return [read.enabled() ? key : `no${key}`];
  if (['noexec', 'nosuid', 'nodev'].includes(key) && value === undefined) return [key];
  if (key === 'consistency') return [];
  return refuseOption(key, text);
}

/** A boolean, or a map of its own. */
function idmapOption(value: string | undefined, read: ValueOf): string[] {
  if (value?.startsWith('uids=') === true || value?.startsWith('gids=') === true) return [`idmap=${value}`];
  return read.enabled() ? ['idmap'] : [];
}

function refuseOption(key: string, text: string): never {
  throw unknownOption(key, text);
}

function flagValue(value: string | undefined, word: string, text: string): boolean {
  if (value === undefined || /^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw invalidVolume(text, `${word}: the value has to be true or false`);
}

function unknownOption(option: string, text: string): EngineError {
  const known: Readonly<Record<string, string>> = { O: 'overlay volumes', 'volume-opt': 'volume options' };
  const name = option.split('=')[0] ?? option;
  if (name in known) return new EngineError('unsupported', `the option ${name} of ${text} (${known[name] ?? ''}) is not supported yet`);
  return invalidVolume(text, `unknown option ${option}`);
}

function invalidVolume(text: string, why: string): EngineError {
  return new EngineError('invalid-argument', `${text}: ${why}`, { details: { field: 'mounts' } });
}
