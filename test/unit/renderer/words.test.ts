import { parse } from 'valibot';
import { describe, expect, test } from 'vitest';
import { containerId } from '../../../src-main/contract/ids.ts';
import { explain, type Explained } from '../../../src-renderer/features/containers/why.ts';
import { matches, networkText } from '../../../src-renderer/features/containers/verbs.ts';
import { splitPath } from '../../../src-renderer/ui/front-clipped.tsx';
import { orderTags, searchTerm, splitName } from '../../../src-renderer/features/images/names.ts';
import { en } from '../../../src-renderer/text/en.ts';
import { formatBytes, formatDuration, formatRelative } from '../../../src-renderer/text/format.ts';
import { ja } from '../../../src-renderer/text/ja.ts';
import { preferredLanguage } from '../../../src-renderer/text/text.ts';

const ended = (exitCode: number, more: Partial<Explained> = {}): Explained => ({
  state: 'exited',
  exitCode,
  error: '',
  process: { oomKilled: false },
  host: { resources: {} },
  ...more,
});

describe('why a container is not running', () => {
  test.each<[string, Explained, string, string | undefined]>([
    ['ended by itself', ended(0), 'done', undefined],
    ['an error', ended(3), 'failure', 'failureFix'],
    ['killed', ended(137), 'kill', undefined],
    ['asked to end', ended(143), 'term', undefined],
    ['crashed', ended(139), 'segv', undefined],
    ['another signal', ended(129), 'signal', undefined],
    ['255 is no signal', ended(255), 'failure', 'failureFix'],
    ['out of its memory', ended(137, { process: { oomKilled: true }, host: { resources: { memoryBytes: 1 } } }), 'oom', 'oomFix'],
    ['out of the memory of the machine', ended(137, { process: { oomKilled: true } }), 'oomNoLimit', 'oomFix'],
    ['no such command', ended(127), 'notFound', 'notFoundFix'],
    ['not executable', ended(126, { state: 'created', error: 'permission denied' }), 'notExecutable', 'notExecutableFix'],
    ['never started', { ...ended(0), state: 'created' }, 'neverStarted', undefined],
    ['could not start', { ...ended(0), state: 'created', error: 'port 80 is taken' }, 'startFailed', undefined],
    ['running', { ...ended(0), state: 'running' }, 'running', undefined],
  ])('%s', (_, container, text, fix) => {
    expect(explain(container)).toMatchObject({ text, ...(fix === undefined ? {} : { fix }) });
  });
});

describe('numbers and dates', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [1024 * 1024 - 1, '1.00 MiB'],
    [123_456_789, '118 MiB'],
    [-1, '–'],
  ])('%d bytes are %s', (bytes, shown) => {
    expect(formatBytes(bytes)).toBe(shown);
  });

  test('relative dates and durations, in both languages', () => {
    const now = 1_800_000_000_000;
    expect(formatRelative(now - 59_000, now, 'en')).toBeUndefined();
    expect(formatRelative(now - 3_600_000 * 5, now, 'en')).toBe('5 hours ago');
    expect(formatRelative(now - 86_400_000 * 2, now, 'ja')).toBe('2 日前');
    // A week that has begun a second ago.
    expect(formatRelative(now + 86_400_000 * 7 - 1_000, now, 'en')).toBe('in 7 days');
    expect(formatDuration(125_000, 'en')).toBe('2 min 5 sec');
    expect(formatDuration(340, 'en')).toBe('340 ms');
  });
});

test.each([
  ['docker.io/library/nginx:1.29', 'nginx', '1.29'],
  ['docker.io/me/app', 'me/app', 'latest'],
  ['registry.example.org:5000/team/app:rc', 'registry.example.org:5000/team/app', 'rc'],
  ['registry.example.org:5000/app', 'registry.example.org:5000/app', 'latest'],
  ['localhost/mine:1', 'mine', '1'],
])('the name %s is shown as %s and %s', (reference, repository, tag) => {
  expect(splitName(reference)).toEqual({ repository, tag });
});

test.each([
  [' nginx:1.29 ', 'nginx'],
  ['docker://reg.test:5000/team/web', 'reg.test:5000/team/web'],
  ['reg.test:5000/team/web:1@sha256:ab', 'reg.test:5000/team/web'],
  ['reg.test:5000/', 'reg.test:5000/'],
  ['', ''],
])('%j is searched by %j', (typed, term) => {
  expect(searchTerm(typed)).toBe(term);
});

test('tags: latest, then the highest number', () => {
  expect(orderTags(['1.9', 'alpine', '1.10', 'latest', '1.10-rc1'])).toEqual(['latest', 'alpine', '1.10-rc1', '1.10', '1.9']);
});

test.each([
  ['registry.example.org:5000/team/app:1.2', 'registry.example.org:5000/team/', 'app:1.2'],
  ['nginx:1.29', '', 'nginx:1.29'],
])('of %s the head %s gives way before %s', (name, head, tail) => {
  expect(splitPath(name)).toEqual({ head, tail });
});

test('what is said of the network of a container without addresses', () => {
  expect(networkText({ state: 'exited', networkMode: 'bridge' })).toBe('detail.networkBridgeLater');
  expect(networkText({ state: 'created', networkMode: 'pasta' })).toBe('detail.networkOtherLater');
  expect(networkText({ state: 'running', networkMode: 'pasta' })).toBe('detail.networkOther');
  expect(networkText({ state: 'exited', networkMode: 'none' })).toBe('detail.networkNone');
  expect(networkText({ state: 'running', networkMode: 'host' })).toBe('detail.networkHost');
});

test('an id is found by its beginning, and by no number within it', () => {
  const container = { name: 'web', imageName: 'nginx', id: parse(containerId, 'ab19'.padEnd(64, '0')), ports: [], command: [] };
  expect(['ab1', 'web', '19', 'ng ab'].map((typed) => matches(container, typed))).toEqual([true, true, false, true]);
});

test('the language is the first of the wanted ones that there is', () => {
  expect(preferredLanguage(['fr', 'ja-JP', 'en'])).toBe('ja');
  expect(preferredLanguage(['de'])).toBe('en');
});

describe('texts', () => {
  function leaves(texts: object, path = ''): [string, string][] {
    return Object.entries(texts).flatMap(([key, value]: [string, unknown]) =>
      typeof value === 'string' ? [[path + key, value] as [string, string]] : leaves(value as object, `${path}${key}.`),
    );
  }
  const english = new Map(leaves(en));
  const japanese = new Map(leaves(ja));

  test('Japanese fills in the same values as English', () => {
    const wanted = (text: string | undefined) => [...new Set(text?.match(/\{\{\w+\}\}/g) ?? [])].sort();
    const different = [...japanese].filter(([key, text]) => wanted(text).join() !== wanted(english.get(key)).join()).map(([key]) => key);
    expect(different).toEqual([]);
  });

  test('nothing is left in English but names and words of the command line', () => {
    const same = [...japanese].filter(([key, text]) => text === english.get(key) && /[a-z]{4}/i.test(text)).map(([key]) => key);
    expect(same).toEqual(['app.name', 'run.networkPasta', 'run.networkSlirp']);
  });
});
