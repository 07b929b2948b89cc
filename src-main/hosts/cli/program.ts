/** One run of `selkie`: words in, exit status out. */
import { constants } from 'node:os';
import { isCancelled } from '../../base/errors.ts';
import type { InProcessEngine } from '../../launch/launch.ts';
import type { Context } from './context.ts';
import { dispatch, type Globals } from './dispatch.ts';
import type { Invocation } from './command.ts';
import { toGlobalOptions } from './options/global-flags.ts';
import { print, write } from './output/print.ts';
import { SignalKeeper } from './signals.ts';

export { flush } from './output/print.ts';

export async function runProgram(words: readonly string[]): Promise<number> {
  let debug = false;
  try {
    const dispatched = await dispatch(words);
    if (dispatched.kind === 'version') {
      const { build } = await import('../../base/version.ts');
      await print(`selkie version ${build.version}\n`);
      return 0;
    }
    if (dispatched.kind === 'text') {
      await print(dispatched.text);
      if (dispatched.complaint === undefined) return 0;
      await write('stderr', `Error: ${dispatched.complaint}\n`);
      return 125;
    }
    const level = dispatched.globals['log-level'];
    debug = level === 'debug' || level === 'trace';
    return await runCommand(dispatched.invocation, dispatched.globals, words);
  } catch (error) {
    const { describeFailure } = await import('./output/failure.ts');
    const failure = describeFailure(error, debug);
    await write('stderr', failure.text);
    return failure.exitCode;
  }
}

async function runCommand(invocation: Invocation, values: Globals, words: readonly string[]): Promise<number> {
  const globals = toGlobalOptions(values);
  using signals = new SignalKeeper();
  let opened: Promise<InProcessEngine> | undefined;
  const context: Context = {
    globals,
    environment: process.env,
    // Asked for late: on the way into the sandbox we are elsewhere for a moment.
    get workingDirectory() {
      return process.cwd();
    },
    commandLine: ['selkie', ...words],
    signal: signals.signal,
    takeSignals: (names, listener) => signals.take(names, listener),
    async engine(options) {
      opened ??= import('./connect.ts').then(({ connect }) => connect(globals, options?.watchExits === true));
      const engine = await opened;
      if (options?.watchExits === true) engine.watchExits();
      return engine.api;
    },
  };
  try {
    return await invocation.run(context);
  } catch (error) {
    if (isCancelled(error) && signals.received !== undefined) return 128 + constants.signals[signals.received];
    throw error;
  } finally {
    // What could not be opened has been reported by who asked for it.
    await opened?.then(
      (engine) => engine.close(),
      () => undefined,
    );
  }
}
