import { EngineError } from '../../../base/errors.ts';
import { attachTo } from '../attached-run.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { latest } from '../targets.ts';

export const attach = command({
  name: 'attach',
  usage: '[options] CONTAINER',
  description: 'Join a running container: its output, its input, its end.',
  examples: ['attach web', 'attach --no-stdin web'],
  flags: flagTable({
    'detach-keys': { kind: 'string', help: 'Key sequence that detaches from the container', default: 'ctrl-p,ctrl-q' },
    latest: { kind: 'bool', short: 'l', help: 'The newest container' },
    'no-stdin': { kind: 'bool', help: 'Do not pass stdin on' },
    'sig-proxy': { kind: 'bool', help: 'Pass received signals on to the process', default: 'true' },
  }),
  arguments: [0, 1],
  async run({ flags, positionals }, context) {
    const api = await context.engine({ watchExits: true });
    const name = flags.latest === true ? (await latest(api)).id : positionals[0];
    if (name === undefined)
      throw new EngineError('invalid-argument', 'attach requires the name or id of one running container or the latest flag');
    const detail = await api.container.inspect({ container: name });
    if (detail.state !== 'running' && detail.state !== 'stopping')
      throw new EngineError('wrong-state', `you can only attach to running containers, and ${detail.name} is ${detail.state}`, {
        fix: `selkie start --attach ${detail.name}`,
      });
    const status = await attachTo(
      api,
      {
        container: detail.id,
        tty: detail.config.tty,
        start: false,
        stdin: flags['no-stdin'] !== true && detail.config.interactive,
        stdout: true,
        stderr: true,
        sigProxy: flags['sig-proxy'] !== false,
        detachKeys: flags['detach-keys'],
      },
      context,
    );
    return status ?? 0;
  },
});
