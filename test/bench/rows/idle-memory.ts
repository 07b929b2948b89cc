import { idleCosts } from './idle.ts';
import { atMost, type Row } from '../row.ts';

export const idleMemory: Row = {
  id: 'idle-memory',
  title: 'idle engine: RSS',
  unit: 'MB',
  target: '< 90 MB',
  isMet: atMost(90),
  async measure(bench) {
    const { selkie, docker } = await idleCosts(bench);
    return { values: { ...(selkie && { selkie: selkie.engineMegabytes }), ...(docker && { docker: docker.engineMegabytes }) } };
  },
};
