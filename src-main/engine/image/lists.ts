import type { ImageContext } from './context.ts';
import type { ImageStore } from './image.ts';

type Lists = Pick<ImageStore, 'createList' | 'addToList' | 'annotateList' | 'removeFromList' | 'resolveList' | 'inspectList' | 'pushList'>;

/** Loaded when they are needed, as most of this room is. */
export function createLists(context: ImageContext): Lists {
  const room = () => import('./list.ts');
  return {
    createList: async (...given) => (await room()).createList(context, ...given),
    addToList: async (...given) => (await room()).addToList(context, ...given),
    annotateList: async (...given) => (await room()).annotateList(context, ...given),
    removeFromList: async (...given) => (await room()).removeFromList(context, ...given),
    resolveList: async (name) => (await room()).resolveList(context, name),
    inspectList: async (...given) => (await room()).inspectList(context, ...given),
    async pushList(name, destination, options) {
      const { ListPush } = await import('./list-push.ts');
      return new ListPush(context, options).run(name, destination);
    },
  };
}
