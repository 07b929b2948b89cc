/** A command is its help page, its table of flags, and what it does. */
import { EngineError } from '../../base/errors.ts';
import type { Context } from './context.ts';
import type { FlagTable, UnsupportedFlags } from './options/flags.ts';
import { globalFlags, unsupportedGlobalFlags } from './options/global-flags.ts';
import { parseFlags, type Parsed } from './options/parse.ts';

export interface CommandDefinition<T extends FlagTable> {
  /** Its name behind `selkie`: `ps`, `volume create`. */
  readonly name: string;
  /** What stands behind the name in the usage line: `[options] CONTAINER [CONTAINER...]`. */
  readonly usage: string;
  readonly description: string;
  readonly examples: readonly string[];
  readonly flags: T;
  readonly unsupported?: UnsupportedFlags;
  /** False for run and exec: what stands behind the first argument belongs to the container. */
  readonly interspersed?: boolean;
  /** How many arguments there may be. */
  readonly arguments: readonly [number, number];
  /** @returns the exit status */
  run(parsed: Parsed<T>, context: Context): Promise<number> | number;
}

/** A command without its types, as main.ts sees it. */
export interface Command {
  readonly help: HelpPage;
  parse(words: readonly string[]): Invocation;
}

export interface Invocation {
  readonly help: boolean;
  /** Global options that stood behind the command's name. */
  readonly globals: Parsed<typeof globalFlags>['flags'];
  readonly globalsGiven: ReadonlySet<string>;
  run(context: Context): Promise<number>;
}

export type HelpPage = Pick<CommandDefinition<FlagTable>, 'name' | 'usage' | 'description' | 'examples' | 'flags'>;

export function command<T extends FlagTable>(definition: CommandDefinition<T>): Command {
  return {
    help: definition,
    parse(words) {
      // The command's own flags win over global ones of the same name.
      const table: typeof globalFlags & T = { ...globalFlags, ...definition.flags };
      const parsed = parseFlags(table, words, {
        command: definition.name,
        interspersed: definition.interspersed ?? true,
        unsupported: { ...unsupportedGlobalFlags, ...definition.unsupported },
      });
      return {
        help: parsed.help,
        globals: parsed.flags,
        globalsGiven: new Set([...parsed.given].filter((name) => name in globalFlags && !(name in definition.flags))),
        async run(context) {
          checkCount(parsed.positionals.length, definition);
          return definition.run(parsed, context);
        },
      };
    },
  };
}

function checkCount(count: number, definition: Pick<HelpPage, 'name'> & { readonly arguments: readonly [number, number] }): void {
  const [least, most] = definition.arguments;
  if (count >= least && count <= most) return;
  const hint = `See 'selkie ${definition.name} --help'`;
  const complaint =
    most === 0
      ? `\`selkie ${definition.name}\` takes no arguments`
      : least === most
        ? `accepts ${least} arg(s), received ${count}`
        : count < least
          ? `requires at least ${least} arg(s), only received ${count}`
          : `accepts at most ${most} arg(s), received ${count}`;
  throw new EngineError('invalid-argument', complaint, { details: { hint } });
}
