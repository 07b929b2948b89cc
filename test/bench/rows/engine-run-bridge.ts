import { atMost, type Row } from '../row.ts';
import { measureRunToStarted } from './run-to-started.ts';

export const engineRunBridge: Row = {
  id: 'engine-run-bridge',
  title: 'engine call "run to started", bridge by netavark (floor: netavark alone)',
  unit: 'ms',
  target: '≤ 70 ms median, ≤ 0.25 × podman',
  isMet: atMost(70, 0.25),
  measure: (bench) => measureRunToStarted(bench, 'bridge'),
};
