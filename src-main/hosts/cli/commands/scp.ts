import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { EngineError, throwIfAborted } from '../../../base/errors.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { describeEnd, type ImageEnd, parseImageEnd } from '../options/image-end.ts';
import { flagTable } from '../options/flags.ts';
import { globalFlags } from '../options/global-flags.ts';
import { parseFlags } from '../options/parse.ts';
import { print, write } from '../output/print.ts';

interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

/** This program once more. Not in this process: it would be in the namespaces of the engine then, where ssh finds neither the user nor its keys. */
function ourselves(): readonly string[] {
  return [process.execPath, ...process.execArgv, process.argv[1] ?? ''];
}

/** The global options as they were typed, wherever they stood. */
function globalWords({ commandLine }: Context): string[] {
  const words = commandLine.slice(1);
  const { flags, given } = parseFlags({ ...globalFlags, ...scpFlags }, words, {
    command: 'image scp',
    interspersed: true,
    unsupported: {},
  });
  return Object.keys(globalFlags).flatMap((name) => {
    const value = flags[name as keyof typeof globalFlags];
    if (!given.has(name) || value === undefined) return [];
    return (typeof value === 'string' ? [value] : value).flatMap((one) => [`--${name}`, one]);
  });
}

interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

function findAccount(name: string): Account {
  const { stdout, status } = spawnSync('getent', ['passwd', name], { encoding: 'utf8' });
  const [, , uid, gid, , home] = stdout.split('\n')[0]?.split(':') ?? [];
  if (status !== 0 || uid === undefined || gid === undefined || home === undefined)
    throw new EngineError('not-found', `there is no user ${name} on this machine`);
  return { uid: Number(uid), gid: Number(gid), home };
}

function asUser(name: string, verb: readonly string[], context: Context): Program {
  const { uid, gid, home } = findAccount(name);
  if (uid === process.getuid?.()) return hereProgram(verb, context);
  if (process.getuid?.() !== 0)
    throw new EngineError('denied', `only root may reach into the store of ${name}`, {
      fix: `run: sudo selkie ${context.commandLine.slice(1).join(' ')}`,
    });
  const runtime = `/run/user/${String(uid)}`;
  const environment = {
    HOME: home,
    USER: name,
    LOGNAME: name,
    LANG: context.environment['LANG'] ?? 'C.UTF-8',
    PATH: context.environment['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    ...(existsSync(runtime) ? { XDG_RUNTIME_DIR: runtime } : {}),
  };
  const become = [`--reuid=${String(uid)}`, `--regid=${String(gid)}`, '--init-groups', '--'];
  return { file: 'setpriv', args: [...become, ...ourselves(), ...verb], environment };
}

function hereProgram(verb: readonly string[], context: Context): Program {
  const [file = '', ...args] = ourselves();
  return { file, args: [...args, ...globalWords(context), ...verb], environment: { ...context.environment } };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Whichever is there: both have the same words. */
function onHost(end: Extract<ImageEnd, { readonly kind: 'host' }>, verb: readonly string[], context: Context): Program {
  const words = verb.map(quoted).join(' ');
  const script = `for p in selkie podman; do command -v $p >/dev/null 2>&1 && exec $p ${words}; done; echo 'there is neither selkie nor podman' >&2; exit 127`;
  const port = end.port === undefined ? [] : ['-p', String(end.port)];
  const destination = end.destination.replace(/\[([0-9a-f:]+)\]$/i, '$1');
  return { file: 'ssh', args: ['-T', ...port, '--', destination, `sh -c ${quoted(script)}`], environment: { ...context.environment } };
}

function programFor(end: ImageEnd, verb: readonly string[], context: Context): Program {
  if (end.kind === 'here') return hereProgram(verb, context);
  return end.kind === 'user' ? asUser(end.name, verb, context) : onHost(end, verb, context);
}

interface Outcome {
  readonly code: number;
  readonly stderr: string;
}

const mostErrorBytes = 64 * 1024;

async function outcomeOf(child: ChildProcess, file: string): Promise<Outcome> {
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('utf8')).slice(-mostErrorBytes);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'ENOENT'
          ? new EngineError(
              'missing-tool',
              `${file} is not installed`,
              file === 'ssh' ? { fix: 'Install an ssh client (Debian: apt install openssh-client).' } : {},
            )
          : new EngineError('unavailable', `${file} cannot be started: ${error.message}`, { cause: error }),
      );
    });
    child.once('close', (code, signal) => {
      resolve({ code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), stderr });
    });
  });
}

/** One line: the other side's last error, without its word for it. */
function reasonOf({ stderr, code }: Outcome): string {
  const lines = stderr.split(/\r?\n/).filter((line) => line.trim() !== '');
  const line = lines.findLast((one) => one.startsWith('Error: ')) ?? lines.at(-1);
  return (line ?? `it ended with status ${String(code)}`)
    .replace(/^Error: /, '')
    .replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?')
    .slice(0, 400);
}

function failure(end: ImageEnd, what: string, outcome: Outcome): EngineError {
  // ssh(1), EXIT STATUS: 255 is its own.
  if (end.kind === 'host' && outcome.code === 255)
    return new EngineError('unavailable', `cannot reach ${end.destination} by ssh: ${reasonOf(outcome)}`, {
      fix: `Try: ssh ${end.port === undefined ? '' : `-p ${String(end.port)} `}${end.destination}`,
    });
  return new EngineError('unavailable', `cannot ${what} ${describeEnd(end)}: ${reasonOf(outcome)}`);
}

async function copy(from: ImageEnd, to: ImageEnd, image: string, context: Context): Promise<string> {
  const saving = programFor(from, ['save', '--quiet', image], context);
  const loading = programFor(to, ['load'], context);
  const folder = '/';
  const save = spawn(saving.file, saving.args, {
    env: saving.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: from.kind === 'user' ? folder : undefined,
  });
  const saved = outcomeOf(save, saving.file);
  const load = spawn(loading.file, loading.args, {
    env: loading.environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: to.kind === 'user' ? folder : undefined,
  });
  const loaded = outcomeOf(load, loading.file);
  const stop = (): void => {
    for (const child of [save, load]) child.kill('SIGTERM');
  };
  context.signal.addEventListener('abort', stop, { once: true });
  let output = '';
  load.stdout.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-mostErrorBytes);
  });
  // Who ends first breaks the other's pipe: the statuses tell which of them failed.
  load.stdin.on('error', () => undefined);
  load.once('exit', () => save.stdout.destroy());
  save.stdout.pipe(load.stdin);
  const outcomes = await Promise.allSettled([saved, loaded]);
  context.signal.removeEventListener('abort', stop);
  throwIfAborted(context.signal);
  const [first, second] = outcomes;
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  // One that died of a broken pipe is not the one to blame.
  const brokenPipe = second.value.code !== 0 && [128 + constants.signals.SIGTERM, 141].includes(first.value.code);
  if (first.value.code !== 0 && !brokenPipe) throw failure(from, `save ${image} from`, first.value);
  if (second.value.code !== 0) throw failure(to, `load ${image} into`, second.value);
  return output;
}

const scpFlags = flagTable({ quiet: { kind: 'bool', short: 'q', help: 'Say nothing of what is done' } });

export const scp = command({
  name: 'image scp',
  usage: '[options] SOURCE [DESTINATION]',
  description:
    'Copy an image between stores: [USER@]HOST[:PORT]::IMAGE over ssh to where selkie or podman is, USER@localhost::IMAGE between users of this machine (as root), IMAGE here. The destination ends with :: and names no image; without it the image comes here.',
  examples: [
    'image scp alpine server.example.com::',
    'image scp server.example.com::alpine',
    'image scp root@localhost::alpine anna@localhost::',
  ],
  flags: scpFlags,
  arguments: [1, 2],
  async run({ flags, positionals: [source = '', destination] }, context) {
    const from = parseImageEnd(source);
    const to = parseImageEnd(destination ?? '::');
    if (from.image === '') throw new EngineError('invalid-argument', `${JSON.stringify(source)} names no image`);
    if (from.image.startsWith('-')) throw new EngineError('invalid-argument', `${JSON.stringify(from.image)} is no name of an image`);
    if (destination !== undefined && !destination.includes('::'))
      throw new EngineError('invalid-argument', `the destination ${JSON.stringify(destination)} is no place`, {
        fix: `Write ${destination}:: for a host.`,
      });
    if (to.image !== '')
      throw new EngineError('invalid-argument', 'an image keeps its name: the destination names none', {
        fix: 'Give it another name there with tag.',
      });
    if (from.end.kind === 'here' && to.end.kind === 'here')
      throw new EngineError('invalid-argument', 'both ends are the store of this user', {
        fix: 'Give a destination: HOST:: or USER@localhost::',
      });
    if (flags.quiet !== true) await write('stderr', `Copying ${from.image} from ${describeEnd(from.end)} to ${describeEnd(to.end)}\n`);
    await print(await copy(from.end, to.end, from.image, context));
    return 0;
  },
});
