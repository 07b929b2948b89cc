import { describe, expect, test } from 'vitest';
import { parse } from 'valibot';
import { EngineError } from '../../../src-main/base/errors.ts';
import { containerSpec } from '../../../src-main/contract/container-spec.ts';
import { toCommandLine } from '../../../src-renderer/features/run/command-line.ts';
import { fieldOf } from '../../../src-renderer/features/run/engine-problems.ts';
import { problemsOf } from '../../../src-renderer/features/run/problems.ts';
import { quoteWord, quoteWords, splitWords } from '../../../src-renderer/features/run/shell-words.ts';
import { emptyValues, parseSize, type RunValues, toSpec } from '../../../src-renderer/features/run/values.ts';

const nowhere = { names: new Set<string>(), publishedBy: new Map<string, string>() };
const full: RunValues = {
  ...emptyValues,
  image: 'docker.io/library/nginx:1.29',
  name: 'web',
  command: `sh -c 'echo "it is" $HOME'`,
  ports: [
    { hostIp: '', hostPort: '8080', containerPort: '80', protocol: 'tcp' },
    { hostIp: '127.0.0.1', hostPort: '', containerPort: '53', protocol: 'udp' },
    { hostIp: '::1', hostPort: '90', containerPort: '90', protocol: 'tcp' },
  ],
  environment: [{ name: 'GREETING', value: "it's a test" }],
  mounts: [
    { type: 'volume', source: 'data', target: '/data', readOnly: true },
    { type: 'bind', source: '/srv/a:b', target: '/srv', readOnly: false },
    { type: 'tmpfs', source: '', target: '/tmp', readOnly: false },
  ],
  memory: '512m',
  cpus: '1.5',
  pids: '100',
  restart: 'on-failure',
  retries: '3',
  userns: 'keep-id',
  interactive: true,
};

describe('words of a shell', () => {
  test.each([
    ['', "''"],
    ['plain-word_1.2/3:4', 'plain-word_1.2/3:4'],
    ['two words', "'two words'"],
    ["it's", String.raw`'it'\''s'`],
    ['$HOME', "'$HOME'"],
    ['日本', "'日本'"],
  ])('quotes %j as %s', (word, quoted) => {
    expect(quoteWord(word)).toBe(quoted);
    expect(splitWords(quoted)).toEqual([word]);
  });

  test('splits as a shell does, and back', () => {
    expect(splitWords(String.raw`a  "b c" 'd "e"' f\ g "h\"i" ""`)).toEqual(['a', 'b c', 'd "e"', 'f g', 'h"i', '']);
    expect(splitWords('a \\\n b\\\nc')).toEqual(['a', 'bc']);
    const words = ['sh', '-c', `echo "$HOME" 'x' \\ \n`, ''];
    expect(splitWords(quoteWords(words))).toEqual(words);
  });

  test.each(["'open", '"open', `a 'b" c`])('an open quote in %j is no line', (line) => {
    expect(splitWords(line)).toBeUndefined();
  });
});

describe('specification and command line', () => {
  test('the specification is one that the engine takes', () => {
    const spec = parse(containerSpec, toSpec(full));
    expect(spec.command).toEqual(['sh', '-c', 'echo "it is" $HOME']);
    expect(spec.resources).toEqual({ memoryBytes: 536_870_912, cpus: 1.5, pidsLimit: 100 });
    expect(spec.ports[1]).toEqual({ hostIp: '127.0.0.1', containerPort: 53, range: 1, protocol: 'udp' });
  });

  test('an image alone leaves all defaults to the engine', () => {
    expect(toSpec({ ...emptyValues, image: ' alpine ' })).toEqual({ image: 'alpine' });
    expect(quoteWords(toCommandLine({ image: 'alpine' }))).toBe('selkie run -d alpine');
  });

  test('the line says all that was asked for', () => {
    expect(quoteWords(toCommandLine(toSpec(full)))).toBe(
      `selkie run -d -i --name web --userns keep-id -p 8080:80 -p 127.0.0.1::53/udp -p '[::1]:90:90' -e 'GREETING=it'\\''s a test' -v data:/data:ro ` +
        `--mount type=bind,source=/srv/a:b,target=/srv --tmpfs /tmp -m 512m --cpus 1.5 --pids-limit 100 --restart on-failure:3 ` +
        `docker.io/library/nginx:1.29 sh -c 'echo "it is" $HOME'`,
    );
  });

  test('what is not complete yet is left out of it', () => {
    const spec = toSpec({
      ...emptyValues,
      image: 'a',
      ports: [{ hostIp: '', hostPort: 'x', containerPort: '', protocol: 'tcp' }],
      environment: [{ name: '', value: 'v' }],
      mounts: [{ type: 'volume', source: '', target: '', readOnly: false }],
      cpus: 'x',
      pids: 'y',
      memory: 'z',
    });
    expect(spec).toEqual({ image: 'a' });
  });

  test.each([
    ['512m', 536_870_912],
    ['1.5g', 1_610_612_736],
    ['2GiB', 2_147_483_648],
    ['100', 100],
    ['lots', undefined],
    ['-1m', undefined],
    ['9999999999t', undefined],
  ])('reads the size %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });
});

describe('problems', () => {
  test('valid values have none', () => {
    expect([...problemsOf(full, nowhere)]).toEqual([]);
  });

  test.each<[Partial<RunValues>, string, string]>([
    [{ image: ' ' }, 'image', 'imageNeeded'],
    [{ image: 'a b' }, 'image', 'imageSpace'],
    [{ name: '-x' }, 'name', 'nameForm'],
    [{ name: 'taken' }, 'name', 'nameTaken'],
    [{ command: "'" }, 'command', 'commandQuote'],
    [{ ports: [{ hostIp: '', hostPort: '', containerPort: '', protocol: 'tcp' }] }, 'ports.0.containerPort', 'portNeeded'],
    [{ ports: [{ hostIp: '', hostPort: '', containerPort: '65536', protocol: 'tcp' }] }, 'ports.0.containerPort', 'portRange'],
    [{ ports: [{ hostIp: '', hostPort: '0', containerPort: '80', protocol: 'tcp' }] }, 'ports.0.hostPort', 'portRange'],
    [{ ports: [{ hostIp: '', hostPort: '8080', containerPort: '80', protocol: 'tcp' }] }, 'ports.0.hostPort', 'portUsedBy'],
    [{ environment: [{ name: 'A=B', value: '' }] }, 'environment.0.name', 'variableForm'],
    [
      {
        environment: [
          { name: 'A', value: '1' },
          { name: 'A', value: '2' },
        ],
      },
      'environment.1.name',
      'variableTwice',
    ],
    [{ mounts: [{ type: 'bind', source: 'relative', target: '/x', readOnly: false }] }, 'mounts.0.source', 'mountSourceAbsolute'],
    [{ mounts: [{ type: 'volume', source: 'a/b', target: '/x', readOnly: false }] }, 'mounts.0.source', 'mountVolumeName'],
    [{ mounts: [{ type: 'tmpfs', source: '', target: 'x', readOnly: false }] }, 'mounts.0.target', 'mountTargetAbsolute'],
    [{ memory: '1m' }, 'memory', 'memorySmall'],
    [{ memory: 'x' }, 'memory', 'memoryForm'],
    [{ cpus: '0' }, 'cpus', 'cpusForm'],
    [{ pids: '1.5' }, 'pids', 'pidsForm'],
    [{ restart: 'on-failure', retries: '-1' }, 'retries', 'retriesForm'],
    [{ remove: true, restart: 'always' }, 'restart', 'restartWithRemove'],
  ])('%j', (change, field, key) => {
    const around = { names: new Set(['taken']), publishedBy: new Map([['8080/tcp', 'web']]) };
    const problems = problemsOf({ ...emptyValues, image: 'a', ...change }, around);
    expect([...problems].map(([at, problem]) => [at, problem.key])).toEqual([[field, key]]);
  });

  test('ports do not matter with the network of the host', () => {
    const ports = [{ hostIp: '', hostPort: 'x', containerPort: '', protocol: 'tcp' as const }];
    expect(problemsOf({ ...emptyValues, image: 'a', network: 'host', ports }, nowhere).size).toBe(0);
  });
});

describe('errors of the engine', () => {
  test.each<[EngineError, string | undefined]>([
    [new EngineError('already-exists', 'the name web is in use'), 'name'],
    [new EngineError('port-in-use', 'port 90 is taken by nginx', { details: { field: 'ports', port: 90 } }), 'ports.2.hostPort'],
    [new EngineError('port-in-use', 'a port is taken'), 'ports.0.hostPort'],
    [new EngineError('command-not-found', 'no such file: ngnix'), 'command'],
    [new EngineError('invalid-argument', 'x', { details: { issues: { 'mounts.0.target': ['not absolute'] } } }), 'mounts.0.target'],
    [new EngineError('invalid-argument', 'x', { details: { field: 'resources.memoryBytes' } }), 'memory'],
    [new EngineError('invalid-argument', 'x', { details: { field: '__proto__' } }), undefined],
    [new EngineError('disk-full', 'no space left'), undefined],
  ])('%s', (error, field) => {
    expect(fieldOf(error, full)).toBe(field);
  });
});
