import { expect, test } from 'vitest';
import { extendMap } from '../../../src-main/engine/container/extend-map.ts';
import { parseMaps } from '../../../src-main/engine/container/id-maps.ts';

const range = (containerId: number, hostId: number, size: number) => ({ containerId, hostId, size });
const none = { uids: [], gids: [] };
const whole = { uids: [range(0, 0, 65_536)], gids: [range(0, 0, 65_536)] };
const fromHost = (_kind: 'uid' | 'gid', id: number): number | undefined => (id >= 100_000 ? id - 99_999 : undefined);
const parse = (uidMap: string[], gidMap: string[] = [], before: Parameters<typeof parseMaps>[1]['before'] = none) =>
  parseMaps({ uidMap, gidMap }, { fromHost, before, whole });

test('what is laid over takes ids away on both sides', () => {
  expect(extendMap([range(0, 0, 65_000)], range(100_000, 1, 1))).toEqual([range(0, 0, 1), range(2, 2, 64_998), range(100_000, 1, 1)]);
  expect(extendMap([range(0, 10, 10)], range(5, 100, 2))).toEqual([range(0, 10, 5), range(5, 100, 2), range(7, 17, 3)]);
  expect(extendMap([range(0, 0, 10)], range(2, 5, 2))).toEqual([range(0, 0, 2), range(2, 5, 2), range(4, 4, 1), range(7, 7, 3)]);
  expect(extendMap([range(3, 30, 4)], range(0, 0, 100))).toEqual([range(0, 0, 100)]);
});

test('neighbours that go on where the other ends are one', () => {
  expect(extendMap([range(0, 0, 5), range(6, 6, 4)], range(5, 5, 1))).toEqual([range(0, 0, 10)]);
});

test('no id is named twice, whatever is laid over what', () => {
  let seed = 7;
  const next = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 300; round += 1) {
    let map = [range(0, 0, 40)];
    for (let step = 0; step < 6; step += 1) {
      const added = range(next(50), next(50), 1 + next(12));
      map = extendMap(map, added);
      for (let offset = 0; offset < added.size; offset += 1) {
        const holder = map.find(
          ({ containerId, size }) => added.containerId + offset >= containerId && added.containerId + offset < containerId + size,
        );
        expect(holder && holder.hostId - holder.containerId).toBe(added.hostId - added.containerId);
      }
      for (const side of ['containerId', 'hostId'] as const) {
        const ids = map.flatMap((one) => Array.from({ length: one.size }, (_, index) => one[side] + index));
        expect(new Set(ids).size).toBe(ids.length);
      }
    }
  }
});

test('+ without anything before it is laid over all that there is, for the kind that it names', () => {
  expect(parse([], ['+g60000:@100001:1'])).toEqual({
    uids: whole.uids,
    gids: [range(0, 0, 2), range(3, 3, 59_997), range(60_000, 2, 1), range(60_001, 60_001, 5535)],
  });
});

test('+ is laid over what was named before it, and over what a name in /etc/subuid stands for', () => {
  expect(parse(['0:0:100', '+200:5:1'])).toEqual({
    uids: [range(0, 0, 5), range(6, 6, 94), range(200, 5, 1)],
    gids: [range(0, 0, 5), range(6, 6, 94), range(200, 5, 1)],
  });
  expect(parse(['+1:50:1'], [], { uids: [range(0, 10, 3)], gids: [range(0, 20, 3)] })).toEqual({
    uids: [range(0, 10, 1), range(1, 50, 1), range(2, 12, 1)],
    gids: [range(0, 20, 1), range(1, 50, 1), range(2, 22, 1)],
  });
});

test('without + nothing is laid over: what both are about is found later', () => {
  expect(parse(['0:1:5', '3:9:5']).uids).toEqual([range(0, 1, 5), range(3, 9, 5)]);
  expect(parse(['u0:1:5'])).toEqual({ uids: [range(0, 1, 5)], gids: [] });
});
