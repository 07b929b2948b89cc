import type { EngineHandlers } from '../../contract/engine.ts';
import { type Rooms, withReserve } from './rooms.ts';

export function trashHandlers({ state, trash }: Rooms): EngineHandlers['trash'] {
  return {
    async list() {
      const items = await trash.list();
      return { items, totalBytes: (await trash.usage()).bytes, ...trash.limits() };
    },
    restore: ({ entry, name }) => trash.restore(entry, name),
    empty: ({ entries }) => withReserve(state, () => trash.empty(entries)),
  };
}
