import { isEngineError } from '../../../base/errors.ts';
import { command } from '../command.ts';

export const containerExists = command({
  name: 'container exists',
  usage: 'CONTAINER',
  description: 'Exit with 0 when there is such a container, with 1 when there is none.',
  examples: ['container exists web'],
  flags: {},
  unsupported: { external: '' },
  arguments: [1, 1],
  async run({ positionals: [container = ''] }, context) {
    const api = await context.engine();
    try {
      await api.container.inspect({ container });
      return 0;
    } catch (error) {
      if (isEngineError(error, 'not-found')) return 1;
      throw error;
    }
  },
});

export const imageExists = command({
  name: 'image exists',
  usage: 'IMAGE',
  description: 'Exit with 0 when there is such an image, with 1 when there is none.',
  examples: ['image exists alpine'],
  flags: {},
  arguments: [1, 1],
  async run({ positionals: [image = ''] }, context) {
    const api = await context.engine();
    return (await api.image.exists({ image })) ? 0 : 1;
  },
});
