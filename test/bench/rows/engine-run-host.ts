import { atMost, type Row } from '../row.ts';
import { measureRunToStarted } from './run-to-started.ts';

export const engineRunHost: Row = {
  id: 'engine-run-host',
  title: 'engine call "run to started", host network, worker warm',
  unit: 'ms',
  target: '≤ 25 ms median, ≤ 0.2 × podman',
  isMet: atMost(25, 0.2),
  measure: (bench) => measureRunToStarted(bench, 'host'),
};
