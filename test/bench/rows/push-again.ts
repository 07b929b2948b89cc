import { atMost, type Row } from '../row.ts';
import { measurePush } from './push.ts';

export const pushAgain: Row = {
  id: 'push-again',
  title: 'push again, with everything there',
  unit: 'ms',
  target: '≤ 300 ms',
  isMet: atMost(300),
  measure: (bench) => measurePush(bench, true),
};
