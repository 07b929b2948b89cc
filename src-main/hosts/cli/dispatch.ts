/** From words to a command. */
import { EngineError } from '../../base/errors.ts';
import { commands, groups, notYet, type Entry, type Group } from './catalogue.ts';
import type { Invocation } from './command.ts';
import { globalFlags, unsupportedGlobalFlags } from './options/global-flags.ts';
import { flagTable, type FlagValues } from './options/flags.ts';
import { parseFlags } from './options/parse.ts';

const rootFlags = flagTable({
  ...globalFlags,
  version: { kind: 'bool', short: 'v', help: 'Show the version' },
});

export type Globals = Partial<FlagValues<typeof globalFlags>>;

export type Dispatched =
  | { readonly kind: 'version' }
  /** `status`: 0 when it was asked for; `complaint`: why it is shown otherwise. */
  | { readonly kind: 'text'; readonly text: string; readonly complaint?: string }
  | { readonly kind: 'run'; readonly invocation: Invocation; readonly globals: Globals };

export async function dispatch(words: readonly string[]): Promise<Dispatched> {
  const root = parseFlags(rootFlags, words, { command: '', interspersed: false, unsupported: unsupportedGlobalFlags });
  if (root.flags.version === true) return { kind: 'version' };
  const [first, ...rest] = root.positionals;
  if (first === undefined || root.help) {
    return { kind: 'text', text: await rootHelp(), ...(root.help ? {} : { complaint: "missing command 'selkie COMMAND'" }) };
  }
  if (first === 'help') return help(rest);
  const group = Object.hasOwn(groups, first) ? groups[first] : undefined;
  if (group) return dispatchGroup(first, group, rest, root.flags);
  return invoke(find(first, { ...commands, ...groupNames() }, ''), rest, root.flags);
}

async function dispatchGroup(name: string, group: Group, words: readonly string[], globals: Globals): Promise<Dispatched> {
  const [first, ...rest] = words;
  if (first === undefined)
    return { kind: 'text', text: await groupPage(name, group), complaint: `missing command 'selkie ${name} COMMAND'` };
  if (first === '--help' || first === '-h' || first === 'help') return { kind: 'text', text: await groupPage(name, group) };
  const inner = group.groups && Object.hasOwn(group.groups, first) ? group.groups[first] : undefined;
  if (inner) return dispatchGroup(`${name} ${first}`, inner, rest, globals);
  return invoke(find(first, group.commands, name), rest, globals);
}

/** Groups take part in "did you mean". */
function groupNames(): Readonly<Record<string, undefined>> {
  return Object.fromEntries(Object.keys(groups).map((name) => [name, undefined]));
}

async function invoke(entry: Entry, words: readonly string[], globals: Globals): Promise<Dispatched> {
  const command = await entry.load();
  const invocation = command.parse(words);
  if (invocation.help) {
    const { commandHelp } = await import('./output/help.ts');
    return { kind: 'text', text: commandHelp(command.help) };
  }
  const later = Object.entries(invocation.globals).filter(([name]) => invocation.globalsGiven.has(name));
  return { kind: 'run', invocation, globals: { ...globals, ...Object.fromEntries(later) } };
}

function find(word: string, entries: Readonly<Record<string, Entry | undefined>>, group: string): Entry {
  const entry = Object.hasOwn(entries, word) ? entries[word] : undefined;
  if (entry) return entry;
  const whole = `${group} ${word}`.trim();
  if (notYet.has(whole)) {
    throw new EngineError('unsupported', `\`selkie ${whole}\` is not supported yet`, {
      fix: `selkie ${group === '' ? '' : `${group} `}--help lists what there is`,
    });
  }
  const similar = Object.keys(entries).filter((name) => name.startsWith(word) || distance(word, name) <= 2);
  const suggestion = similar.length > 0 ? `Did you mean ${similar.join(', ')}? ` : '';
  throw new EngineError('invalid-argument', `unrecognized command \`selkie ${whole}\``, {
    details: { hint: `${suggestion}Try 'selkie ${group === '' ? '' : `${group} `}--help' for more information` },
  });
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a.charAt(i - 1) === b.charAt(j - 1) ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

async function help(words: readonly string[]): Promise<Dispatched> {
  const [first, second, third] = words;
  if (first === undefined) return { kind: 'text', text: await rootHelp() };
  const group = Object.hasOwn(groups, first) ? groups[first] : undefined;
  if (group && second === undefined) return { kind: 'text', text: await groupPage(first, group) };
  const inner = second !== undefined && group?.groups && Object.hasOwn(group.groups, second) ? group.groups[second] : undefined;
  if (inner) return dispatchGroup(`${first} ${second ?? ''}`, inner, third === undefined ? ['help'] : [third, '--help'], {});
  const entry = group && second !== undefined ? find(second, group.commands, first) : find(first, commands, '');
  const { commandHelp } = await import('./output/help.ts');
  return { kind: 'text', text: commandHelp((await entry.load()).help) };
}

async function rootHelp(): Promise<string> {
  const { groupHelp } = await import('./output/help.ts');
  const entries = [...Object.entries(commands), ...Object.entries(groups)].map(([name, { summary }]) => ({ name, summary }));
  return groupHelp({
    name: '',
    description: "Containers without a daemon and without root, in Podman's words",
    commands: [...entries, { name: 'help', summary: 'Show the help page of a command' }].sort((a, b) => (a.name < b.name ? -1 : 1)),
    flags: rootFlags,
  });
}

async function groupPage(name: string, group: Group): Promise<string> {
  const { groupHelp } = await import('./output/help.ts');
  const own = Object.entries(group.commands).filter(([, entry]) => entry.alias !== true);
  const entries = [...own, ...Object.entries(group.groups ?? {})];
  return groupHelp({
    name,
    description: group.summary,
    commands: entries.map(([word, { summary }]) => ({ name: word, summary })),
    flags: {},
  });
}
