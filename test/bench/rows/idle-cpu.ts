import { idleCosts } from './idle.ts';
import { atMost, type Row } from '../row.ts';

export const idleCpu: Row = {
  id: 'idle-cpu',
  title: 'idle engine and interface: CPU',
  unit: '%',
  target: '< 0.2 % over 60 s',
  isMet: atMost(0.2),
  async measure(bench) {
    const { selkie, docker } = await idleCosts(bench);
    return { values: { ...(selkie && { selkie: selkie.cpuPercent }), ...(docker && { docker: docker.cpuPercent }) } };
  },
};
