/** Help pages, made from the tables. */
import type { HelpPage } from '../command.ts';
import type { Flag, FlagTable } from '../options/flags.ts';

export function commandHelp(page: HelpPage): string {
  const sections = [page.description, `Usage:\n  selkie ${`${page.name} ${page.usage}`.trim()}`];
  if (page.examples.length > 0) sections.push(`Examples:\n${page.examples.map((line) => `  selkie ${line}`).join('\n')}`);
  const options = flagLines(page.flags);
  if (options !== '') sections.push(`Options:\n${options}`);
  return `${sections.join('\n\n')}\n`;
}

export interface GroupPage {
  /** Empty for the program itself. */
  readonly name: string;
  readonly description: string;
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  readonly flags: FlagTable;
}

export function groupHelp(page: GroupPage): string {
  const width = Math.max(...page.commands.map((entry) => entry.name.length)) + 2;
  const commands = page.commands.map((entry) => `  ${entry.name.padEnd(width)}${entry.summary}`).join('\n');
  const prefix = page.name === '' ? 'selkie [options]' : `selkie ${page.name}`;
  const sections = [page.description, `Usage:\n  ${prefix} [command]`, `Available Commands:\n${commands}`];
  const options = flagLines(page.flags);
  if (options !== '') sections.push(`Options:\n${options}`);
  return `${sections.join('\n\n')}\n`;
}

function flagLines(table: FlagTable): string {
  const rows = Object.entries(table)
    .filter(([, flag]) => flag.hidden !== true)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]): [string, string] => [spelling(name, flag), explanation(flag)]);
  const width = Math.max(0, ...rows.map(([left]) => left.length)) + 3;
  return rows.map(([left, right]) => `${left.padEnd(width)}${right}`).join('\n');
}

function spelling(name: string, flag: Flag): string {
  const short = flag.short === undefined ? '      ' : `  -${flag.short}, `;
  const word = flag.kind === 'bool' ? '' : ` ${flag.word ?? flag.kind}`;
  return `${short}--${name}${word}`;
}

function explanation(flag: Flag): string {
  return flag.default === undefined ? flag.help : `${flag.help} (default ${flag.default})`;
}
