import { command } from '../command.ts';

export const rename = command({
  name: 'rename',
  usage: 'CONTAINER NAME',
  description: 'Give a container another name.',
  examples: ['rename web web-old'],
  flags: {},
  arguments: [2, 2],
  async run({ positionals: [container = '', name = ''] }, context) {
    const api = await context.engine();
    await api.container.rename({ container, name });
    return 0;
  },
});
