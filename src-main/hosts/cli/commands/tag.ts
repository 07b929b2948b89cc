import { command } from '../command.ts';

export const tag = command({
  name: 'tag',
  usage: 'IMAGE TARGET_NAME [TARGET_NAME...]',
  description: 'Give an image more names.',
  examples: ['tag alpine localhost/base:1'],
  flags: {},
  arguments: [2, Infinity],
  async run({ positionals: [image = '', ...names] }, context) {
    const api = await context.engine();
    await api.image.tag({ image, names });
    return 0;
  },
});

export const untag = command({
  name: 'untag',
  usage: 'IMAGE [NAME...]',
  description: 'Take names from an image; without names all of them.',
  examples: ['untag localhost/base:1 localhost/base:1'],
  flags: {},
  arguments: [1, Infinity],
  async run({ positionals: [image = '', ...names] }, context) {
    const api = await context.engine();
    await api.image.untag({ image, names });
    return 0;
  },
});
