import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { containerEnvironment, mergeEnvironment } from '../../../src-main/hosts/cli/options/environment.ts';
import { parseMount, parseTmpfs, parseVolume } from '../../../src-main/hosts/cli/options/mounts.ts';
import { parseExpose, parsePort } from '../../../src-main/hosts/cli/options/ports.ts';
import { parseUlimit } from '../../../src-main/hosts/cli/options/resources.ts';
import { parseDurationMs, parseFilters, parseKeyValues, parseMoment, parseSize } from '../../../src-main/hosts/cli/options/values.ts';

describe('sizes, durations, moments', () => {
  test.each([
    ['512m', 536_870_912],
    ['1g', 1_073_741_824],
    ['1.5G', 1_610_612_736],
    ['64MiB', 67_108_864],
    ['64mb', 67_108_864],
    ['10k', 10_240],
    ['1000', 1000],
    ['7b', 7],
    ['0', 0],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text, 'memory')).toBe(bytes);
  });

  test.each(['', 'x', '5x', '-1', '1mm', '1e3', '9999999999999999g', '1 2m', 'b'])('%j is no size', (text) => {
    expect(() => parseSize(text, 'memory')).toThrow(/invalid value for memory/);
  });

  test.each([
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['250ms', 250],
    ['-2s', -2000],
    ['0', 0],
  ])('%s lasts %d ms', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  test('a bare number or a word is no duration', () => {
    for (const text of ['10', '', 'x', '1d', 'm', '1h 2m']) expect(parseDurationMs(text)).toBeUndefined();
  });

  test('moments: dates, seconds since 1970, durations before now', () => {
    const now = Date.UTC(2026, 0, 2);
    expect(parseMoment('2026-01-01T00:00:00Z', now, '--since')).toBe(Date.UTC(2026, 0, 1));
    expect(parseMoment('2026-01-01T01:00:00+01:00', now, '--since')).toBe(Date.UTC(2026, 0, 1));
    expect(parseMoment('2026-01-01 10:30', now, '--since')).toBe(new Date(2026, 0, 1, 10, 30).getTime());
    expect(parseMoment('1767225600.5', now, '--since')).toBe(1_767_225_600_500);
    expect(parseMoment('10m', now, '--since')).toBe(now - 600_000);
    expect(() => parseMoment('foo', now, '--since')).toThrow('parsing --since "foo": unable to interpret time value');
  });

  test('KEY=VALUE and filters', () => {
    expect(parseKeyValues(['a=b=c', 'd', 'a=e'], 'label')).toEqual({ a: 'e', d: '' });
    expect(Object.keys(parseKeyValues(['__proto__=x'], 'label'))).toEqual(['__proto__']);
    expect(() => parseKeyValues(['=x'], 'label')).toThrow(/part before = is empty/);
    expect(parseFilters(['label=a=b', 'label!=x'])).toEqual([
      { key: 'label', value: 'a=b' },
      { key: 'label!', value: 'x' },
    ]);
    expect(() => parseFilters(['status'])).toThrow(/key=value/);
  });

  test('ulimits', () => {
    expect(parseUlimit('nofile=1024:2048')).toEqual({ name: 'nofile', soft: 1024, hard: 2048 });
    expect(parseUlimit('core=-1')).toEqual({ name: 'core', soft: -1, hard: -1 });
    expect(() => parseUlimit('nofile=5:4')).toThrow(/above the hard one/);
    expect(() => parseUlimit('host')).toThrow('invalid ulimit argument: host');
  });
});

describe('ports', () => {
  const port = (over: object) => ({ hostIp: '', hostPort: undefined, containerPort: 80, range: 1, protocol: 'tcp', ...over });
  test.each([
    ['80', port({})],
    ['8080:80', port({ hostPort: 8080 })],
    ['127.0.0.1:8080:80', port({ hostIp: '127.0.0.1', hostPort: 8080 })],
    ['127.0.0.1::80', port({ hostIp: '127.0.0.1' })],
    ['[::1]:8080:80/udp', port({ hostIp: '::1', hostPort: 8080, protocol: 'udp' })],
    [':80', port({})],
    ['9000-9002:80-82', port({ hostPort: 9000, range: 3 })],
    ['80/SCTP', port({ protocol: 'sctp' })],
  ])('%s', (text, expected) => {
    expect(parsePort(text)).toEqual(expected);
  });

  test.each(['abc', '', '0', '65536', '80:', '1-2:80', '90-80', '300.1.1.1:80:80', '1:2:3:4', '80/icmp', '::1:80:80', '-80', '1.2.3:4'])(
    '%j is refused with its own words in the message',
    (text) => {
      expect(() => parsePort(text)).toThrow(`invalid port mapping "${text}"`);
    },
  );

  test('exposed ranges are spread out', () => {
    expect(parseExpose('80-82/udp')).toEqual(['80/udp', '81/udp', '82/udp']);
    expect(parseExpose('443')).toEqual(['443/tcp']);
  });
});

describe('mounts', () => {
  test.each([
    ['/data', { type: 'volume', source: '', target: '/data', readOnly: false, options: [] }],
    ['vol:/data:ro,Z', { type: 'volume', source: 'vol', target: '/data', readOnly: true, options: ['Z'] }],
    ['/src:/dst', { type: 'bind', source: '/src', target: '/dst', readOnly: false, options: [] }],
    ['./sub:/dst:rw,rslave', { type: 'bind', source: '/work/sub', target: '/dst', readOnly: false, options: ['rslave'] }],
  ])('-v %s', (text, expected) => {
    expect(parseVolume(text, '/work')).toEqual(expected);
  });

  test.each([
    ['a:b:c:d', 'a:b:c:d: incorrect volume format, should be [host-dir:]ctr-dir[:option]'],
    ['vol:data', 'the path in the container has to be absolute'],
    [':/x', 'the source is empty'],
    ['v:/x:bogus', 'unknown option bogus'],
    ['v:/x:O', 'overlay volumes'],
  ])('-v %s is refused', (text, words) => {
    expect(() => parseVolume(text, '/work')).toThrow(words);
  });

  test.each([
    ['type=bind,src=/a,dst=/b,ro', { type: 'bind', source: '/a', target: '/b', readOnly: true, options: [] }],
    [
      'type=bind,source=a,target=/b,readonly=false,bind-propagation=rshared,relabel=private',
      { type: 'bind', source: '/work/a', target: '/b', readOnly: false, options: ['rshared', 'Z'] },
    ],
    ['target=/b', { type: 'volume', source: '', target: '/b', readOnly: false, options: [] }],
    [
      'type=volume,src=v,destination=/b,U=true,nocopy',
      { type: 'volume', source: 'v', target: '/b', readOnly: false, options: ['U', 'nocopy'] },
    ],
    [
      'type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1777',
      { type: 'tmpfs', source: '', target: '/t', readOnly: false, options: ['size=1048576', 'mode=1777'] },
    ],
    ['"type=bind","src=/a,b",dst=/c', { type: 'bind', source: '/a,b', target: '/c', readOnly: false, options: [] }],
  ])('--mount %s', (text, expected) => {
    expect(parseMount(text, '/work')).toEqual(expected);
  });

  test.each([
    ['type=foo,dst=/x', 'invalid filesystem type "foo"'],
    ['type=image,src=x,dst=/x', 'is not supported yet'],
    ['type=bind,src=/a', 'must set volume destination'],
    ['type=tmpfs,src=/a,dst=/b', 'a tmpfs has no source'],
    ['type=bind,src=/a,dst=/b,ro=maybe', 'the value has to be true or false'],
    ['type=bind,src=/a,dst=/b,tmpfs-size=1', 'unknown option tmpfs-size'],
    ['type=volume,dst=/b,volume-opt=o=x', 'is not supported yet'],
  ])('--mount %s is refused', (text, words) => {
    expect(() => parseMount(text, '/work')).toThrow(words);
  });

  test('--tmpfs', () => {
    expect(parseTmpfs('/t')).toEqual({ type: 'tmpfs', source: '', target: '/t', readOnly: false, options: [] });
    expect(parseTmpfs('/t:size=1m,noexec,ro')).toMatchObject({ readOnly: true, options: ['size=1m', 'noexec'] });
    expect(() => parseTmpfs('t')).toThrow(/absolute/);
    expect(() => parseTmpfs('/t:bogus')).toThrow(/unknown option bogus/);
  });
});

describe('environment', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'selkie-cli-env-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('files: comments, host values, no quoting; -e wins; proxies come first', () => {
    const file = join(folder, 'env');
    writeFileSync(file, '# comment\n\n  A=1\nB="two words"\nHOME_LIKE\nABSENT\r\nC=x # y\nP*\n');
    const host = { HOME_LIKE: 'h', PX: '1', PY: '2', http_proxy: 'http://proxy', HTTP_PROXY: undefined };
    const flags = { env: ['A=over', 'NEW=', 'ABSENT2'], files: [file], all: false, proxies: true };
    expect(containerEnvironment(flags, host)).toEqual([
      'http_proxy=http://proxy',
      'A=over',
      'B="two words"',
      'HOME_LIKE=h',
      'C=x # y',
      'PX=1',
      'PY=2',
      'NEW=',
    ]);
  });

  test('a missing file and an empty key are refused', () => {
    expect(() => containerEnvironment({ env: [], files: [join(folder, 'none')], all: false, proxies: false }, {})).toThrow(
      /reading environment file/,
    );
    expect(() => mergeEnvironment(['=x'], {})).toThrow(/part before = is empty/);
  });
});
