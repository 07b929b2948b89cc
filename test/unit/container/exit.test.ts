import { expect, test } from 'vitest';
import { findExit } from '../../../src-main/engine/container/exit.ts';
import type { Room } from '../../../src-main/engine/container/room.ts';
import type { ContainerRecord } from '../../../src-main/engine/state/state.ts';

const running = {
  id: 'a',
  state: 'running',
  pid: 7,
  pidStartTime: 1,
  conmonPid: 8,
  conmonStartTime: 1,
  bootId: 'b',
  error: '',
} as ContainerRecord;

/** A host on which neither the process nor its monitor is there any more, and no report either. */
function roomWith(now: ContainerRecord | undefined): Room {
  return {
    state: { containers: { find: () => now } },
    system: { identity: { bootId: 'b' }, processes: { startTime: () => undefined }, clock: { nowMs: () => 5 } },
    exitHub: { read: () => undefined },
  } as object as Room;
}

test('an exit that another engine has handled since the record was read has its code from there, and is not lost', () => {
  expect(findExit(roomWith({ ...running, state: 'exited', exitCode: 42, finishedAt: 3 }), running)).toEqual({
    code: 42,
    finishedAt: 3,
    lost: '',
  });
  expect(findExit(roomWith(undefined), running)).toBeUndefined();
  // Restarted meanwhile.
  expect(findExit(roomWith({ ...running, pidStartTime: 2 }), running)).toBeUndefined();
  expect(findExit(roomWith(running), running)).toMatchObject({ code: 255, lost: expect.stringContaining('monitor') as string });
});
