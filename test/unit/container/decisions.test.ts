import { describe, expect, test } from 'vitest';
import { parseExposed } from '../../../src-main/engine/container/create-config.ts';
import { parseDurationMs, parseMoment } from '../../../src-main/engine/container/moment.ts';
import { generateName, newContainerId } from '../../../src-main/engine/container/names.ts';
import { restartDelayMs, wantsRestart } from '../../../src-main/engine/container/restart-policy.ts';
import type { ContainerRecord } from '../../../src-main/engine/state/state.ts';

describe('restart policy', () => {
  const record = (name: string, more: object = {}, maximumRetries = 0) =>
    ({
      ...{ exitCode: 1, error: '', stoppedByUser: false, restartCount: 0, ...more },
      config: { spec: { remove: false, restartPolicy: { name, maximumRetries } } },
    }) as unknown as ContainerRecord;

  test.each([
    ['no', {}, 0, false],
    ['always', { exitCode: 0 }, 0, true],
    ['unless-stopped', { exitCode: 0 }, 0, true],
    ['always', { stoppedByUser: true }, 0, false],
    ['always', { error: 'it could not start' }, 0, false],
    ['on-failure', {}, 0, true],
    ['on-failure', { exitCode: 0 }, 0, false],
    ['on-failure', { restartCount: 2 }, 3, true],
    ['on-failure', { restartCount: 3 }, 3, false],
  ] as const)('%s %o, at most %i: %s', (name, more, retries, wanted) => {
    expect(wantsRestart(record(name, more, retries))).toBe(wanted);
  });

  test('the delay doubles to a minute, and begins anew after a good run', () => {
    let delay = 0;
    const delays = Array.from({ length: 12 }, () => (delay = restartDelayMs(delay, 50)));
    expect(delays.slice(0, 4)).toEqual([100, 200, 400, 800]);
    expect(delays.at(-1)).toBe(60_000);
    expect(restartDelayMs(60_000, 10_000)).toBe(100);
  });
});

describe('names and ids', () => {
  test('an adjective and a surname; another when it is taken', () => {
    const taken = new Set<string>();
    for (let count = 0; count < 2000; count += 1) {
      const name = generateName((candidate) => taken.has(candidate));
      expect(name).toMatch(/^[a-z]+_[a-z]+\d*$/);
      taken.add(name);
    }
    expect(taken.size).toBe(2000);
    let asked = 0;
    expect(generateName(() => (asked += 1) < 20)).toMatch(/\d$/);
  });

  test('64 hexadecimal digits whose short form is no number', () => {
    for (let count = 0; count < 1000; count += 1) expect(newContainerId()).toMatch(/^(?!\d{12})[0-9a-f]{64}$/);
  });
});

describe('words', () => {
  test('exposed ports', () => {
    expect(parseExposed('80')).toEqual([{ hostIp: '', containerPort: 80, range: 1, protocol: 'tcp' }]);
    expect(parseExposed('8000-8002/UDP').map(({ containerPort, protocol }) => `${containerPort}/${protocol}`)).toEqual([
      '8000/udp',
      '8001/udp',
      '8002/udp',
    ]);
    for (const wrong of ['', '0', '70000', '90-80', '80/icmp', 'a']) expect(() => parseExposed(wrong)).toThrow('invalid exposed port');
  });

  test('moments and durations', () => {
    expect(parseDurationMs('1h30m')).toBe(5_400_000);
    expect(parseDurationMs('-1.5s')).toBe(-1500);
    expect(parseDurationMs('90')).toBeUndefined();
    expect(parseMoment('10m', 1_000_000)).toBe(400_000);
    expect(parseMoment('1700000000.5', 0)).toBe(1_700_000_000_500);
    expect(parseMoment('2023-11-14T22:13:20Z', 0)).toBe(1_700_000_000_000);
    expect(parseMoment('yesterday', 0)).toBeUndefined();
  });
});
