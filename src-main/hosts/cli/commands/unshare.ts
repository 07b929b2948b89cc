import { command } from '../command.ts';
import { toEngineOptions } from '../connect.ts';

export const unshare = command({
  name: 'unshare',
  usage: '[COMMAND [ARG...]]',
  description:
    "Run a command, or a shell, where the engine is: in the user's namespaces, in which files of containers have the owners that containers see and `selkie mount` can be used.",
  examples: ['unshare', 'unshare ls -l ~/.local/share/selkie/volumes'],
  flags: {},
  unsupported: { 'rootless-netns': '' },
  interspersed: false,
  arguments: [0, Infinity],
  async run({ positionals }, context) {
    const { runInSandbox } = await import('../../../launch/launch.ts');
    const shell = context.environment.SHELL;
    return runInSandbox({
      options: toEngineOptions(context.globals),
      argv: positionals.length > 0 ? positionals : [shell === undefined || shell === '' ? '/bin/sh' : shell],
    });
  },
});
