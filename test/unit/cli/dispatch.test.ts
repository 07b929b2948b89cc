import { describe, expect, test } from 'vitest';
import { commands, groups } from '../../../src-main/hosts/cli/catalogue.ts';
import { parseAttach } from '../../../src-main/hosts/cli/attach-options.ts';
import { LogWriter, logPrefix } from '../../../src-main/hosts/cli/commands/logs.ts';
import { filterVolumes } from '../../../src-main/hosts/cli/commands/volume.ts';
import { parseCondition } from '../../../src-main/hosts/cli/commands/wait.ts';
import { dispatch } from '../../../src-main/hosts/cli/dispatch.ts';
import { toGlobalOptions } from '../../../src-main/hosts/cli/options/global-flags.ts';
import { eventFits, eventLine } from '../../../src-main/hosts/cli/output/event-row.ts';

describe('from words to a command', () => {
  test('every command loads, has a help page of its own name, and answers --help', async () => {
    const entries = [
      ...Object.entries(commands).map(([name, entry]) => ({ words: [name], entry })),
      ...Object.entries(groups).flatMap(([group, { commands: inside }]) =>
        Object.entries(inside).map(([name, entry]) => ({ words: [group, name], entry })),
      ),
    ];
    expect(entries.length).toBeGreaterThan(60);
    for (const { words, entry } of entries) {
      const page = (await entry.load()).help;
      const result = await dispatch([...words, '--help']);
      expect(result.kind).toBe('text');
      expect(result.kind === 'text' && result.text).toContain(`selkie ${page.name}`);
    }
  });

  test('version, help, and no command at all', async () => {
    expect(await dispatch(['--version'])).toEqual({ kind: 'version' });
    expect(await dispatch(['-v'])).toEqual({ kind: 'version' });
    expect(await dispatch(['--help'])).not.toHaveProperty('complaint');
    expect(await dispatch([])).toMatchObject({ complaint: "missing command 'selkie COMMAND'" });
    expect(await dispatch(['system'])).toMatchObject({ complaint: "missing command 'selkie system COMMAND'" });
    expect(await dispatch(['help', 'volume', 'ls'])).toMatchObject({ kind: 'text' });
  });

  test('global options stand before or behind the command', async () => {
    const before = await dispatch(['--root', '/r', '--log-level=debug', 'ps', '-a']);
    expect(before).toMatchObject({ kind: 'run', globals: { root: '/r', 'log-level': 'debug' } });
    const behind = await dispatch(['--root', '/r', 'ps', '--root', '/s']);
    expect(behind).toMatchObject({ globals: { root: '/s' } });
    const inside = await dispatch(['run', 'image', 'cmd', '--root', '/s']);
    expect(inside.kind === 'run' && inside.globals.root).toBeUndefined();
  });

  test.each([
    [['pss'], 'unrecognized command `selkie pss`', 'Did you mean ps'],
    [['image', 'bogus'], 'unrecognized command `selkie image bogus`', "Try 'selkie image --help'"],
    [['toString'], 'unrecognized command `selkie toString`', "Try 'selkie --help'"],
  ])('%j', async (words, message, hint) => {
    await expect(dispatch(words)).rejects.toMatchObject({ code: 'invalid-argument', message });
    await expect(dispatch(words)).rejects.toHaveProperty('details.hint', expect.stringContaining(hint));
  });

  test('what Podman has and Selkie has not yet is refused by name', async () => {
    await expect(dispatch(['build', '.'])).rejects.toMatchObject({ code: 'unsupported' });
    await expect(dispatch(['system', 'renumber'])).rejects.toMatchObject({ code: 'unsupported' });
    await expect(dispatch(['--remote', 'ps'])).rejects.toMatchObject({ code: 'unsupported' });
    await expect(dispatch(['ps', '--ns'])).rejects.toMatchObject({ code: 'unsupported' });
  });

  test('global options: what cannot be meant is refused', () => {
    expect(toGlobalOptions({ 'storage-opt': ['a=b'], runtime: 'runc' })).toEqual({
      storageOptions: ['a=b'],
      logLevel: 'warn',
      runtime: 'runc',
    });
    expect(() => toGlobalOptions({ 'log-level': 'loud' })).toThrow(/Log Level "loud" is not supported/);
    expect(() => toGlobalOptions({ 'cgroup-manager': 'x' })).toThrow(/invalid cgroup manager "x"/);
    expect(() => toGlobalOptions({ 'network-backend': 'cni' })).toThrow(/not supported yet/);
    expect(() => toGlobalOptions({ 'events-backend': 'journald' })).toThrow(/not supported/);
  });
});

describe('small parts of commands', () => {
  test('attach', () => {
    expect(parseAttach([], true)).toEqual({ stdin: true, stdout: true, stderr: true });
    expect(parseAttach(['STDERR'], true)).toEqual({ stdin: false, stdout: false, stderr: true });
    expect(() => parseAttach(['x'], false)).toThrow(/invalid stream "x"/);
  });

  test('wait', () => {
    expect(parseCondition('stopped')).toBe('exited');
    expect(() => parseCondition('x')).toThrow(/invalid condition "x"/);
  });

  test('log lines: prefix once for the parts of a line, streams apart', () => {
    const writer = new LogWriter(logPrefix({ name: 'web', timestamps: true }));
    const entry = (source: 'stdout' | 'stderr', text: string, partial: boolean) => ({
      timestamp: 'T',
      source,
      bytes: new TextEncoder().encode(text),
      partial,
    });
    const parts = [entry('stdout', 'a', true), entry('stderr', 'x', false), entry('stdout', 'b', false), entry('stdout', 'c', false)];
    expect(parts.map((part) => Buffer.from(writer.render(part)).toString())).toEqual(['web T a', 'web T x\n', 'b\n', 'web T c\n']);
  });

  test('volume filters', () => {
    const volume = { driver: 'local', mountpoint: '/m', createdAt: 0, options: {}, anonymous: false, usedBy: [] };
    const volumes = [
      { ...volume, name: 'one', labels: { a: '1' } },
      { ...volume, name: 'two', labels: {}, usedBy: ['a'.repeat(64) as never] },
    ];
    const names = (...filters: [string, string][]) =>
      filterVolumes(
        volumes,
        filters.map(([key, value]) => ({ key, value })),
      ).map(({ name }) => name);
    expect(names(['name', 'o'])).toEqual(['one', 'two']);
    expect(names(['dangling', 'true'])).toEqual(['one']);
    expect(names(['label', 'a=1'])).toEqual(['one']);
    expect(names(['label', 'a=2'])).toEqual([]);
    expect(names(['name', 'one'], ['name', 'two'])).toEqual(['one', 'two']);
    expect(names(['name', 'two'], ['dangling', 'true'])).toEqual([]);
    expect(() => names(['x', 'y'])).toThrow(/invalid volume filter/);
  });

  test('events', () => {
    const event = {
      sequence: 1,
      timestampMs: Date.UTC(2026, 0, 1),
      type: 'container' as const,
      status: 'died',
      id: 'abc',
      name: 'web',
      image: 'bb:latest',
      exitCode: 3,
      attributes: { k: 'v' },
    };
    expect(eventLine(event)).toBe('2026-01-01 00:00:00 +0000 UTC container died abc (image=bb:latest, name=web, k=v)');
    const fits = (...filters: [string, string][]) =>
      eventFits(
        event,
        filters.map(([key, value]) => ({ key, value })),
      );
    expect(fits(['event', 'died'], ['container', 'ab'])).toBe(true);
    expect(fits(['event', 'start'], ['event', 'died'])).toBe(true);
    expect(fits(['event', 'died'], ['container', 'x'])).toBe(false);
    expect(fits(['image', 'bb'])).toBe(true);
    expect(fits(['label', 'k=v'])).toBe(true);
    expect(fits(['label', 'k=w'])).toBe(false);
  });
});
