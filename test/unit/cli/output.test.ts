import { describe, expect, test } from 'vitest';
import { EngineError } from '../../../src-main/base/errors.ts';
import type { ContainerSummary } from '../../../src-main/contract/container.ts';
import type { ContainerId, ImageId } from '../../../src-main/contract/ids.ts';
import { sortContainers } from '../../../src-main/hosts/cli/commands/ps.ts';
import { containerHeadings, containerJson, containerRow } from '../../../src-main/hosts/cli/output/container-row.ts';
import { describeFailure } from '../../../src-main/hosts/cli/output/failure.ts';
import { goDuration, humanDuration, humanSize } from '../../../src-main/hosts/cli/output/human.ts';
import { imageNames, imageRow } from '../../../src-main/hosts/cli/output/image-row.ts';
import { portsText, publishedPorts } from '../../../src-main/hosts/cli/output/ports.ts';
import { layerLine } from '../../../src-main/hosts/cli/output/progress.ts';
import { renderReport } from '../../../src-main/hosts/cli/output/report.ts';
import { alignColumns } from '../../../src-main/hosts/cli/output/table.ts';
import { toJson } from '../../../src-main/hosts/cli/output/template/template.ts';
import { toYaml } from '../../../src-main/hosts/cli/output/yaml.ts';

const now = Date.UTC(2026, 10, 24, 6, 0, 0);
const id = (digit: string): ContainerId => digit.repeat(64) as ContainerId;

function container(over: Partial<ContainerSummary>): ContainerSummary {
  return {
    id: id('d'),
    name: 'web',
    imageName: 'localhost/bb:latest',
    imageId: 'e'.repeat(64) as ImageId,
    command: ['sleep', '3000'],
    state: 'running',
    createdAt: now - 3500,
    startedAt: now - 3000,
    pid: 7,
    ports: [],
    networkMode: 'host',
    mounts: [],
    labels: {},
    restartPolicy: 'no',
    restartCount: 0,
    removeOnExit: false,
    error: '',
    ...over,
  };
}

const recorded = [
  container({}),
  container({
    id: id('3'),
    name: 'done',
    command: ['sh', '-c', 'exit 3'],
    state: 'exited',
    exitCode: 3,
    createdAt: now - 2500,
    finishedAt: now - 2000,
  }),
  container({
    id: id('2'),
    name: 'br',
    command: ['sleep', '3001'],
    createdAt: now - 1700,
    startedAt: now - 1200,
    networkMode: 'bridge',
    labels: { 'a.b': 'c' },
    ports: [
      { hostIp: '127.0.0.1', hostPort: 8081, containerPort: 80, range: 1, protocol: 'tcp' },
      { hostIp: '', hostPort: 9000, containerPort: 9000, range: 3, protocol: 'tcp' },
    ],
  }),
];

describe('ps', () => {
  test('the table is laid out as Podman lays it out', () => {
    const rows = recorded.map((item) => containerRow(item, { nowMs: now, noTruncate: false, size: false }));
    const headings = new Map([...containerHeadings, ['RunningFor', 'CREATED'] as const]);
    const format = 'table {{.ID}} {{.Image}} {{.Command}} {{.RunningFor}} {{.Status}} {{.Ports}} {{.Names}}';
    expect(renderReport({ name: 'ps', rows, format, headings })).toBe(
      [
        'CONTAINER ID  IMAGE                COMMAND       CREATED        STATUS                    PORTS                                                     NAMES',
        'dddddddddddd  localhost/bb:latest  sleep 3000    3 seconds ago  Up 3 seconds ago                                                                    web',
        '333333333333  localhost/bb:latest  sh -c exit 3  2 seconds ago  Exited (3) 2 seconds ago                                                            done',
        '222222222222  localhost/bb:latest  sleep 3001    1 second ago   Up 1 second ago           0.0.0.0:9000-9002->9000-9002/tcp, 127.0.0.1:8081->80/tcp  br',
        '',
      ].join('\n'),
    );
  });

  test('JSON has Podman’s keys in Podman’s order', () => {
    const json = JSON.parse(toJson(containerJson(container({ labels: { b: '2', a: '1' } }), now))) as Record<string, unknown>;
    const podman =
      'AutoRemove Command CreatedAt Exited ExitedAt ExitCode Id Image ImageID IsInfra Labels Mounts Names Namespaces Networks Pid Pod PodName Ports Size StartedAt State Status Created';
    expect(Object.keys(json).filter((key) => key !== 'Restarts')).toEqual(podman.split(' '));
    expect(json).toMatchObject({
      Labels: { a: '1', b: '2' },
      Ports: null,
      Size: null,
      ExitedAt: -62135596800,
      Names: ['web'],
      Networks: [],
    });
  });

  test('long commands are cut at twenty', () => {
    const row = containerRow(container({ command: ['sh', '-c', 'a very long command line'] }), {
      nowMs: now,
      noTruncate: false,
      size: false,
    });
    expect(row.Command).toBe('sh -c a very long...');
    expect(
      containerRow(container({ size: { writableBytes: 12, virtualBytes: 1_980_000 } }), { nowMs: now, noTruncate: true, size: true }),
    ).toMatchObject({
      Size: '12B (virtual 1.98MB)',
      ID: 'd'.repeat(64),
    });
  });

  test('sorting', () => {
    expect(sortContainers(recorded, 'names').map((item) => item.name)).toEqual(['br', 'done', 'web']);
    expect(sortContainers(recorded, 'runningfor').map((item) => item.name)).toEqual(['br', 'done', 'web']);
    expect(() => sortContainers([], 'toString')).toThrow(EngineError);
  });
});

describe('words for numbers', () => {
  test.each([
    [0, 'Less than a second'],
    [1000, '1 second'],
    [59_999, '59 seconds'],
    [60_000, 'About a minute'],
    [46 * 60_000, '46 minutes'],
    [60 * 60_000, 'About an hour'],
    [3 * 3_600_000, '3 hours'],
    [47 * 3_600_000, '47 hours'],
    [48 * 3_600_000, '2 days'],
    [14 * 24 * 3_600_000, '2 weeks'],
    [60 * 24 * 3_600_000, '2 months'],
    [800 * 24 * 3_600_000, '2 years'],
  ])('%d ms are %s', (ms, words) => {
    expect(humanDuration(ms)).toBe(words);
  });

  test('sizes and CPU times', () => {
    expect([humanSize(0), humanSize(12), humanSize(1_997_977), humanSize(1_997_977, 3, ' '), humanSize(25_276_026_880)]).toEqual([
      '0B',
      '12B',
      '1.998MB',
      '2 MB',
      '25.28GB',
    ]);
    expect([goDuration(0), goDuration(12_370_417), goDuration(1_500_000_000), goDuration(90_500_000_000), goDuration(3_661e9)]).toEqual([
      '0s',
      '12.370417ms',
      '1.5s',
      '1m30.5s',
      '1h1m1s',
    ]);
  });

  test('ports: neighbours are joined, IPv6 has brackets', () => {
    const port = (hostPort: number | undefined, containerPort: number, hostIp = '') => ({
      hostIp,
      hostPort,
      containerPort,
      range: 1,
      protocol: 'tcp' as const,
    });
    expect(portsText([port(81, 81), port(80, 80), port(90, 90)])).toBe('0.0.0.0:80-81->80-81/tcp, 0.0.0.0:90->90/tcp');
    expect(portsText([port(80, 80, '::1'), port(undefined, 443)])).toBe('443/tcp, [::1]:80->80/tcp');
    expect(publishedPorts([{ ...port(9000, 80), range: 2 }]).map((entry) => `${entry.container} -> ${entry.host}`)).toEqual([
      '80/tcp -> 0.0.0.0:9000',
      '81/tcp -> 0.0.0.0:9001',
    ]);
  });
});

describe('tables and YAML', () => {
  test('a column ends where a line has no cell', () => {
    expect(alignColumns('a\tb\nlonger than twelve\tc\n\nx\ty\n')).toBe('a                   b\nlonger than twelve  c\n\nx           y\n');
    expect(alignColumns('plain\n')).toBe('plain\n');
  });

  test('info', () => {
    expect(
      toYaml({
        b: { list: ['x', { k: 1 }], none: null, empty: {}, nothing: [] },
        a: '12',
        t: 'two\nlines',
        q: 'a: b',
        v: '4.3.1',
        z: 'yes',
      }),
    ).toBe(
      '\na: "12"\nb:\n  empty: {}\n  list:\n  - x\n  - k: 1\n  none: null\n  nothing: []\nq: \'a: b\'\nt: |-\n  two\n  lines\nv: 4.3.1\nz: "yes"\n',
    );
  });
});

describe('images', () => {
  test('one row for each name, none for none', () => {
    const image = {
      id: 'a'.repeat(64) as ImageId,
      names: ['localhost:5000/bb:two', 'localhost/bb:latest'],
      repoDigests: [],
      createdAt: now - 60_000,
      sizeBytes: 1_997_977,
      labels: {},
      containers: 1,
      architecture: 'amd64',
      os: 'linux',
      dangling: false,
    };
    const rows = imageNames(image).map((name) => imageRow(name, { nowMs: now, noTruncate: false }));
    expect(rows).toMatchObject([
      { Repository: 'localhost:5000/bb', Tag: 'two', ID: 'aaaaaaaaaaaa', CreatedSince: 'About a minute ago', Size: '2 MB' },
      { Repository: 'localhost/bb', Tag: 'latest' },
    ]);
    expect(imageNames({ ...image, names: [] })).toMatchObject([{ repository: '<none>', tag: '<none>' }]);
    expect(imageNames({ ...image, names: [], repoDigests: ['q.io/x@sha256:1'] })).toMatchObject([{ repository: 'q.io/x', tag: '<none>' }]);
  });

  test('a layer’s line fits its terminal', () => {
    const layer = {
      kind: 'layer' as const,
      digest: `sha256:${'a'.repeat(64)}` as never,
      state: 'fetching' as const,
      doneBytes: 50,
      totalBytes: 100,
    };
    for (const columns of [10, 40, 80, 200]) expect(layerLine(layer, columns).length).toBeLessThanOrEqual(columns);
    expect(layerLine(layer, 80)).toContain('>');
    expect(layerLine({ ...layer, doneBytes: 200 }, 80)).not.toContain('>');
  });
});

describe('failures', () => {
  test('two lines, the table’s status, no stack', () => {
    const error = new EngineError('command-not-found', 'no such\n  program', { fix: 'install it', cause: new Error('deep') });
    expect(describeFailure(error)).toEqual({ text: 'Error: no such program\nFix: install it\n', exitCode: 127 });
    expect(describeFailure(error, true).text).toBe('Error: no such program\nFix: install it\n  caused by: deep\n');
    expect(describeFailure(new EngineError('ambiguous', 'x', { details: { candidates: ['a', 'b'] } })).text).toBe(
      'Error: x\nCandidates: a, b\n',
    );
    expect(describeFailure(new TypeError('boom'))).toEqual({ text: 'Error: internal error: boom\n', exitCode: 125 });
    expect(describeFailure(new EngineError('cancelled', 'x'))).toEqual({ text: '', exitCode: 130 });
  });
});
