import { describe, expect, test } from 'vitest';
import { EngineError } from '../../../src-main/base/errors.ts';
import { flagTable } from '../../../src-main/hosts/cli/options/flags.ts';
import { parseFlags, splitList } from '../../../src-main/hosts/cli/options/parse.ts';

const table = flagTable({
  all: { kind: 'bool', short: 'a', help: '' },
  tty: { kind: 'bool', short: 't', help: '' },
  interactive: { kind: 'bool', short: 'i', help: '' },
  detach: { kind: 'bool', short: 'd', help: '' },
  publish: { kind: 'strings', short: 'p', help: '' },
  env: { kind: 'array', short: 'e', help: '' },
  name: { kind: 'string', help: '', aliases: ['nom'] },
  time: { kind: 'uint', short: 'T', help: '' },
  last: { kind: 'int', short: 'n', help: '' },
  cpus: { kind: 'float', help: '' },
});

function parse(words: string[], interspersed = true) {
  return parseFlags(table, words, { command: 'x', interspersed, unsupported: { pod: 'later', q: '' } });
}

function failure(words: string[]): EngineError {
  try {
    parse(words);
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error(`${words.join(' ')} was accepted`);
}

describe('flags as pflag reads them', () => {
  test('bundled shorts, the last with its value', () => {
    const { flags, positionals } = parse(['-itdp', '80:80', 'image']);
    expect(flags).toMatchObject({ interactive: true, tty: true, detach: true, publish: ['80:80'] });
    expect(positionals).toEqual(['image']);
    expect(parse(['-dp8080:80']).flags.publish).toEqual(['8080:80']);
    expect(parse(['-n=-1']).flags.last).toBe(-1);
  });

  test('values with = and as the next word, also when they look like flags', () => {
    expect(parse(['--name=a=b']).flags.name).toBe('a=b');
    expect(parse(['--name', '--all']).flags).toMatchObject({ name: '--all' });
    expect(parse(['--last', '-1']).flags.last).toBe(-1);
    expect(parse(['--nom', 'x']).flags.name).toBe('x');
    expect(parse(['--name=']).flags.name).toBe('');
  });

  test('booleans take a value only with =', () => {
    expect(parse(['--all=false']).flags.all).toBe(false);
    expect(parse(['-a=0']).flags.all).toBe(false);
    expect(parse(['--all', 'false'])).toMatchObject({ flags: { all: true }, positionals: ['false'] });
    expect(parse([]).flags.all).toBeUndefined();
  });

  test('lists: comma-separated or as they are, repeated', () => {
    expect(parse(['-p', '1:1,2:2', '-p', '3:3']).flags.publish).toEqual(['1:1', '2:2', '3:3']);
    expect(parse(['-e', 'A=1,2', '-e', 'B']).flags.env).toEqual(['A=1,2', 'B']);
    expect(parse([]).flags.env).toEqual([]);
    expect(splitList('"a,b",c,"d ""e"""')).toEqual(['a,b', 'c', 'd "e"']);
    expect(splitList('a,')).toEqual(['a', '']);
    expect(() => splitList('"a')).toThrow(EngineError);
  });

  test('flags end at the first argument, or at --', () => {
    expect(parse(['-a', 'image', '-t', '--name', 'x'], false)).toMatchObject({
      flags: { all: true },
      positionals: ['image', '-t', '--name', 'x'],
    });
    expect(parse(['image', '-a'])).toMatchObject({ flags: { all: true }, positionals: ['image'] });
    expect(parse(['a', '--', '-a', '--'])).toMatchObject({ positionals: ['a', '-a', '--'] });
    expect(parse(['-'])).toMatchObject({ positionals: ['-'] });
    expect(parse(['-a', '--name', 'x']).given).toEqual(new Set(['all', 'name']));
  });

  test('help is no error', () => {
    expect(parse(['--help']).help).toBe(true);
    expect(parse(['-h']).help).toBe(true);
    expect(parse(['image', '--help'], false).help).toBe(false);
  });

  test.each([
    [['--bogus'], 'unknown flag: --bogus'],
    [['-az'], "unknown shorthand flag: 'z' in -az"],
    [['-e'], "flag needs an argument: 'e' in -e"],
    [['--name'], 'flag needs an argument: --name'],
    [['--cpus', 'x'], 'invalid argument "x" for "--cpus" flag: it has to be a number'],
    [['-it=x'], 'invalid argument "x" for "-t, --tty" flag: it has to be true or false'],
    [['--time', '-1'], 'invalid argument "-1" for "-T, --time" flag: it has to be a whole number, not negative'],
    [['--last', '99999999999999999999'], 'invalid argument "99999999999999999999" for "-n, --last" flag: it has to be a whole number'],
    [['--constructor'], 'unknown flag: --constructor'],
    [['--__proto__=1'], 'unknown flag: --__proto__'],
  ])('%j is refused as Podman refuses it', (words, message) => {
    const error = failure(words);
    expect(error.message).toBe(message);
    expect(error.code).toBe('invalid-argument');
    expect(error.details.hint).toBe("See 'selkie x --help'");
  });

  test('what Podman has and Selkie has not is refused by name', () => {
    expect(failure(['--pod', 'x'])).toMatchObject({ code: 'unsupported', message: '--pod is not supported yet: later' });
    expect(failure(['--pod=x'])).toMatchObject({ code: 'unsupported' });
    expect(failure(['-q'])).toMatchObject({ code: 'unsupported', message: '-q is not supported yet' });
  });

  test('any words end in a result or in an EngineError', () => {
    const pieces = [
      '-',
      '--',
      '-a',
      '-e',
      '-p',
      '=',
      '--name',
      '--last',
      '--cpus=',
      'x',
      '-1',
      '',
      '"',
      ',',
      '--=',
      '-=',
      '-ae=',
      '\u0000',
      '--all=maybe',
    ];
    let seed = 7;
    const random = (most: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % most;
    };
    for (let round = 0; round < 3000; round++) {
      const words = Array.from({ length: random(6) }, () =>
        Array.from({ length: 1 + random(3) }, () => pieces[random(pieces.length)]).join(''),
      );
      try {
        const { positionals } = parse(words, random(2) === 0);
        expect(positionals.length).toBeLessThanOrEqual(words.length);
      } catch (error) {
        expect(error).toBeInstanceOf(EngineError);
      }
    }
  });
});
