import type { EngineHandlers } from '../../contract/engine.ts';
import type { Rooms } from './rooms.ts';

export function trashHandlers({ trash }: Rooms): EngineHandlers['trash'] {
  return {
    async list() {
      const items = await trash.list();
      return { items, totalBytes: (await trash.usage()).bytes, ...trash.limits() };
    },
    restore: ({ entry, name }) => trash.restore(entry, name),
    empty: ({ entries }) => trash.empty(entries),
  };
}
