import { EngineError, isEngineError } from '../../../base/errors.ts';
import type { ExecSpec, ForwardedSignal } from '../../../contract/container.ts';
import { statusOf } from '../attached-run.ts';
import { command } from '../command.ts';
import { containerEnvironment } from '../options/environment.ts';
import { flagTable } from '../options/flags.ts';
import { print } from '../output/print.ts';
import { runSession, terminalSize } from '../session.ts';
import { latest, reportFailures } from '../targets.ts';

type ExecInput = Partial<ExecSpec> & Pick<ExecSpec, 'container' | 'command'>;

export const exec = command({
  name: 'exec',
  usage: '[options] CONTAINER COMMAND [ARG...]',
  description: 'Run one more process in a running container.',
  examples: ['exec -it web sh', 'exec -d -e MODE=batch web /job'],
  flags: flagTable({
    detach: { kind: 'bool', short: 'd', help: 'Leave it running and print its id' },
    'detach-keys': { kind: 'string', help: 'Key sequence that detaches from the process', default: 'ctrl-p,ctrl-q' },
    env: { kind: 'array', short: 'e', word: 'KEY[=VALUE]', help: "Set a variable; without a value the host's is taken" },
    'env-file': { kind: 'array', word: 'path', help: 'Read variables from a file' },
    interactive: { kind: 'bool', short: 'i', help: 'Pass stdin on' },
    latest: { kind: 'bool', short: 'l', help: 'The newest container' },
    privileged: { kind: 'bool', help: 'With all capabilities' },
    tty: { kind: 'bool', short: 't', help: 'Give the process a terminal' },
    user: { kind: 'string', short: 'u', word: 'user[:group]', help: 'Names or numbers to run as' },
    workdir: { kind: 'string', short: 'w', word: 'path', help: 'Working directory in the container' },
  }),
  unsupported: { 'preserve-fds': '', 'preserve-fd': '', 'no-session': '' },
  interspersed: false,
  arguments: [0, Infinity],
  async run({ flags, positionals }, context) {
    const api = await context.engine();
    const [name, ...words] = flags.latest === true ? [(await latest(api)).id, ...positionals] : positionals;
    if (name === undefined) throw new EngineError('invalid-argument', 'exec requires the name or ID of a container or the --latest flag');
    if (words.length === 0)
      throw new EngineError('invalid-argument', 'must provide a non-empty command to start an exec session: invalid argument');
    const tty = flags.tty === true;
    const size = tty ? terminalSize() : undefined;
    const spec: ExecInput = {
      container: name,
      command: words,
      tty,
      interactive: flags.interactive === true,
      environment: containerEnvironment({ env: flags.env, files: flags['env-file'], all: false, proxies: false }, context.environment),
      privileged: flags.privileged === true,
      ...(flags.user === undefined ? {} : { user: flags.user }),
      ...(flags.workdir === undefined ? {} : { workingDirectory: flags.workdir }),
      ...(flags['detach-keys'] === undefined ? {} : { detachKeys: flags['detach-keys'] }),
      ...(size === undefined ? {} : { size }),
    };
    try {
      if (flags.detach === true) {
        await print(`${(await api.container.execDetached(spec)).execId}\n`);
        return 0;
      }
      const duplex = api.container.exec(spec);
      // A terminal's signals are typed into it; of those that come from elsewhere its hang-up is enough.
      const forwardSignal = tty ? undefined : (signal: ForwardedSignal) => duplex.send({ kind: 'signal', signal });
      const streams = { tty, stdin: flags.interactive === true, stdout: true, stderr: true };
      const end = await runSession(duplex, { ...streams, forwardSignal }, context);
      return statusOf(end) ?? 0;
    } catch (error) {
      // Podman's status for a container that is not running.
      return reportFailures([error], context, (failure) => (isEngineError(failure, 'wrong-state') ? 255 : undefined));
    }
  },
});
