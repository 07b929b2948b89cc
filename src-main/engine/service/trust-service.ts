import type { EngineHandlers } from '../../contract/engine.ts';
import type { Rooms } from './rooms.ts';

// Loaded when it is needed: few commands ask.
const room = () => import('../registry/registry.ts');

export function trustHandlers({ system }: Rooms): EngineHandlers['trust'] {
  return {
    async show({ registry, ...files }) {
      const { readTrust } = await room();
      const { path, raw, lines } = await readTrust({ system, ...files }, registry);
      return { path, raw, lines: lines.map((line) => ({ ...line })) };
    },
    async set({ policyFile, registriesDirectory, ...change }) {
      const { setTrust } = await room();
      return { path: setTrust({ system, policyFile, registriesDirectory }, change) };
    },
  };
}
