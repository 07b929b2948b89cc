import { describe, expect, test } from 'vitest';
import type { CheckLine } from '../../../src-main/contract/system.ts';
import { checkHost } from '../../../src-main/engine/host/host.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import type { System } from '../../../src-main/system/system.ts';
import { checkWords } from '../../../src-renderer/features/system/check-words.ts';

const real = createLinuxSystem();
const identity = { ...real.identity, uid: 1000, hostUid: 1000, rootless: true, userName: 'selkie-no-such-user' };
/** Hosts on which much is missing. */
const hosts: readonly System[] = [
  real,
  { ...real, identity, processes: { ...real.processes, find: () => undefined } },
  { ...real, identity, cgroups: { ...real.cgroups, version: 'v2', availableControllers: () => [] } },
  { ...real, identity: { ...identity, rootless: false }, processes: { ...real.processes, find: () => undefined } },
];
const lines = (await Promise.all(hosts.map((host) => checkHost(host)))).flat();
const japanese = /[぀-ヿ一-鿿]/;

describe('the host check', () => {
  test('in Japanese says why each line matters and what to do, with everything filled in', () => {
    expect(lines.some((line) => line.status !== 'ok')).toBe(true);
    for (const line of lines) {
      const { value, why, fix } = checkWords(line, 'ja');
      expect(`${line.id}: ${why.text}`).toMatch(japanese);
      expect(why.language).toBe('ja');
      if (line.valueKey !== undefined) expect(value.text).toMatch(japanese);
      if (line.fix !== '') expect(fix.text).toMatch(japanese);
      expect([value, why, fix].map(({ text }) => text).join()).not.toContain('{{');
    }
  });

  test('in English is word for word what the engine says', () => {
    for (const line of lines) {
      const { value, why, fix } = checkWords(line, 'en');
      expect([value.text, why.text, fix.text]).toEqual([line.value, line.why, line.fix]);
    }
  });

  test('a line that there are no words for, and data, stay the engine’s', () => {
    const unknown: CheckLine = {
      ...{ id: 'tool:new', title: 'new', status: 'ok', value: '1.2', why: 'Because.', fix: '', command: '' },
      ...{ fixKeys: [], values: {} },
    };
    expect(checkWords(unknown, 'ja')).toMatchObject({ value: { text: '1.2', language: 'en' }, why: { text: 'Because.', language: 'en' } });
  });
});
