import { atMost, type Row } from '../row.ts';
import { measurePush } from './push.ts';

export const pushImage: Row = {
  id: 'push-image',
  title: 'push of the Debian layer set to an empty registry',
  unit: 'ms',
  target: '≤ 0.8 × podman',
  isMet: atMost(Infinity, 0.8),
  measure: (bench) => measurePush(bench, false),
};
