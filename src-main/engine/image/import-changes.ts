/** `--change` of import and commit: instructions of a Containerfile, with a blank or = behind the word, as Podman takes them. */
import { constants } from 'node:os';
import { posix } from 'node:path';
import { EngineError } from '../../base/errors.ts';

/** What is to be other than in the image's configuration. Lists are added to, single values replaced. */
export interface ConfigPatch {
  readonly user?: string;
  /** port/protocol */
  readonly exposedPorts: readonly string[];
  /** KEY=VALUE */
  readonly environment: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly volumes: readonly string[];
  readonly workingDirectory?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
  readonly onBuild: readonly string[];
}

type Draft = { -readonly [K in keyof ConfigPatch]: ConfigPatch[K] };

/** Errors: `invalid-argument`, which names the instruction. */
export function parseChanges(changes: readonly string[]): ConfigPatch {
  const draft: Draft = { exposedPorts: [], environment: [], volumes: [], labels: {}, onBuild: [] };
  for (const change of changes) {
    const [, word, value] = /^\s*([^\s=]+)(?:\s+|\s*=)([\s\S]*)$/.exec(change) ?? [];
    if (word === undefined || value === undefined) throw invalid(change, 'must be formatted as KEY VALUE');
    const apply = Object.hasOwn(instructions, word.toUpperCase()) ? instructions[word.toUpperCase()] : undefined;
    if (!apply) throw invalid(change, `invalid instruction ${word.toUpperCase()}`);
    apply(draft, value.trim(), change);
  }
  return draft;
}

type Instruction = (draft: Draft, value: string, change: string) => void;

const instructions: Readonly<Record<string, Instruction>> = {
  CMD(draft, value) {
    draft.command = execOrShell(value);
  },
  ENTRYPOINT(draft, value) {
    draft.entrypoint = execOrShell(value);
  },
  ENV(draft, value, change) {
    const pairs = parsePairs(value, change);
    draft.environment = [...draft.environment, ...pairs.map(([key, text]) => `${key}=${text}`)];
  },
  EXPOSE(draft, value, change) {
    draft.exposedPorts = [...draft.exposedPorts, ...value.split(/\s+/).map((port) => parsePort(port, change))];
  },
  LABEL(draft, value, change) {
    draft.labels = { ...draft.labels, ...Object.fromEntries(parsePairs(value, change)) };
  },
  ONBUILD(draft, value, change) {
    if (value === '') throw invalid(change, 'must provide an instruction to ONBUILD');
    draft.onBuild = [...draft.onBuild, value];
  },
  STOPSIGNAL(draft, value, change) {
    draft.stopSignal = parseStopSignal(value, change);
  },
  USER(draft, value, change) {
    if (value === '') throw invalid(change, 'must provide a value to USER');
    draft.user = value;
  },
  VOLUME(draft, value, change) {
    const paths = parseJsonList(value) ?? value.split(/\s+/);
    if (paths.some((path) => path.trim() === '')) throw invalid(change, 'VOLUME paths must not be empty');
    draft.volumes = [...draft.volumes, ...paths];
  },
  WORKDIR(draft, value, change) {
    if (value === '') throw invalid(change, 'must provide a value to WORKDIR');
    draft.workingDirectory = posix.resolve('/', draft.workingDirectory ?? '', value);
  },
};

function execOrShell(value: string): string[] {
  const list = parseJsonList(value);
  return list ?? (value === '' ? [] : ['/bin/sh', '-c', value]);
}

function parseJsonList(value: string): string[] | undefined {
  try {
    const list: unknown = JSON.parse(value);
    return Array.isArray(list) && list.every((item): item is string => typeof item === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}

function parsePort(text: string, change: string): string {
  const [, digits, protocol = 'tcp', rest] = /^([^/]*)(?:\/([^/]*))?(\/.*)?$/.exec(text) ?? [];
  if (rest !== undefined) throw invalid(change, 'EXPOSE port must be formatted as PORT[/PROTO]');
  if (digits === undefined || !/^\d+$/.test(digits)) throw invalid(change, 'EXPOSE port must be an integer');
  const port = Number(digits);
  if (port < 1 || port > 65535) throw invalid(change, 'EXPOSE port must be a valid port number');
  if (!['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase())) throw invalid(change, 'EXPOSE protocol must be TCP, UDP or SCTP');
  return `${String(port)}/${protocol.toLowerCase()}`;
}

function parseStopSignal(value: string, change: string): string {
  const name = value.toUpperCase().replace(/^(?!SIG|\d)/, 'SIG');
  const isNumber = /^\d{1,2}$/.test(value) && Number(value) >= 1 && Number(value) <= 64;
  if (isNumber || Object.hasOwn(constants.signals, name) || /^SIGRTM(?:IN\+\d{1,2}|AX-\d{1,2}|IN|AX)$/.test(name)) return name;
  throw invalid(change, 'STOPSIGNAL must be given a valid signal');
}

/** `a=b "c d"=e f='g h'`, or, in the old form, a key and all the rest as its value. */
function parsePairs(value: string, change: string): [string, string][] {
  const words = splitWords(value, change);
  const [first] = words;
  if (first === undefined) throw invalid(change, 'must have at least one argument');
  if (!first.includes('=')) {
    const [, key = '', text = ''] = /^(\S+)\s*([\s\S]*)$/.exec(value) ?? [];
    return [[unquote(key), unquote(text)]];
  }
  return words.map((word) => {
    const equals = word.indexOf('=');
    if (equals <= 0) throw invalid(change, 'each argument has to be KEY=VALUE');
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

function unquote(text: string): string {
  return /^(["']).*\1$/s.test(text) ? text.slice(1, -1) : text;
}

/** At blanks that are not quoted; quotes and backslashes are taken away. */
function splitWords(text: string, change: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (quote === '' && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === quote) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else if (character === '\\' && quote !== "'" && at + 1 < text.length) word = (word ?? '') + text.charAt(++at);
    else word = (word ?? '') + character;
  }
  if (quote !== '') throw invalid(change, `a ${quote} is not closed`);
  return word === undefined ? words : [...words, word];
}

function invalid(change: string, why: string): EngineError {
  return new EngineError('invalid-argument', `invalid change ${JSON.stringify(change)} - ${why}`, {
    fix: 'write an instruction as in a Containerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR',
    details: { field: 'changes' },
  });
}
