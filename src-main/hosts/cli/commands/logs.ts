import { EngineError } from '../../../base/errors.ts';
import type { LogEntry } from '../../../contract/container.ts';
import type { EngineClient } from '../../../contract/engine.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { flagTable } from '../options/flags.ts';
import { parseMoment } from '../options/values.ts';
import { shortId } from '../output/human.ts';
import { write } from '../output/print.ts';
import { latest } from '../targets.ts';

/** What stands in front of each line, and the newline behind it: entries are lines, or parts of one. */
export class LogWriter {
  readonly #prefix: (entry: LogEntry) => string;
  readonly #inLine = { stdout: false, stderr: false };

  constructor(prefix: (entry: LogEntry) => string) {
    this.#prefix = prefix;
  }

  /** The bytes to write for an entry. */
  render(entry: LogEntry): Uint8Array {
    const begins = !this.#inLine[entry.source];
    this.#inLine[entry.source] = entry.partial;
    return Buffer.concat([Buffer.from(begins ? this.#prefix(entry) : ''), entry.bytes, Buffer.from(entry.partial ? '' : '\n')]);
  }
}

export interface LogPrefix {
  readonly name: string | undefined;
  readonly timestamps: boolean;
}

export function logPrefix(options: LogPrefix): (entry: LogEntry) => string {
  return (entry) => `${options.name === undefined ? '' : `${options.name} `}${options.timestamps ? `${entry.timestamp} ` : ''}`;
}

interface Request {
  readonly follow: boolean;
  readonly tail: number | undefined;
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
}

async function copy(api: EngineClient, container: string, request: Request, prefix: LogPrefix, context: Context): Promise<void> {
  const writer = new LogWriter(logPrefix(prefix));
  const entries = api.container.logs(
    {
      container,
      follow: request.follow,
      ...(request.tail === undefined ? {} : { tail: request.tail }),
      ...(request.sinceMs === undefined ? {} : { sinceMs: request.sinceMs }),
      ...(request.untilMs === undefined ? {} : { untilMs: request.untilMs }),
    },
    { signal: context.signal },
  );
  for await (const entry of entries) await write(entry.source === 'stdout' ? 'stdout' : 'stderr', writer.render(entry));
}

export const logs = command({
  name: 'logs',
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Show what containers wrote.',
  examples: ['logs web', 'logs --follow --tail 100 web', 'logs --names --since 10m web db'],
  flags: flagTable({
    follow: { kind: 'bool', short: 'f', help: 'Go on as it is written' },
    latest: { kind: 'bool', short: 'l', help: 'The newest container' },
    names: { kind: 'bool', short: 'n', help: "With the container's name on each line" },
    since: { kind: 'string', word: 'time', help: 'From a time or a duration before now on' },
    tail: { kind: 'int', word: 'lines', help: 'The last so many lines; -1 is all', default: '-1' },
    timestamps: { kind: 'bool', short: 't', help: 'With the time of each line' },
    until: { kind: 'string', word: 'time', help: 'Up to a time or a duration before now' },
  }),
  unsupported: { color: '' },
  arguments: [0, Infinity],
  async run({ flags, positionals }, context) {
    const nowMs = Date.now();
    const request: Request = {
      follow: flags.follow === true,
      tail: flags.tail === undefined || flags.tail < 0 ? undefined : flags.tail,
      sinceMs: flags.since === undefined ? undefined : parseMoment(flags.since, nowMs, '--since'),
      untilMs: flags.until === undefined ? undefined : parseMoment(flags.until, nowMs, '--until'),
    };
    const api = await context.engine();
    const typed = flags.latest === true ? [(await latest(api)).id] : positionals;
    if (typed.length === 0) throw new EngineError('invalid-argument', 'specify at least one container name or ID to log');
    // All are looked up before the first line is written.
    const details = await Promise.all(typed.map((container) => api.container.inspect({ container })));
    const timestamps = flags.timestamps === true;
    const several = details.length > 1;
    const jobs = details.map((detail) => () => {
      const name = flags.names === true ? detail.name : several ? shortId(detail.id) : undefined;
      return copy(api, detail.id, request, { name, timestamps }, context);
    });
    // Followed they are written as they come, else one after the other.
    if (request.follow) await Promise.all(jobs.map((job) => job()));
    else for (const job of jobs) await job();
    return 0;
  },
});
