import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Created, Driver, lacking } from '../runtime/actor.ts';

const cases = (['crun', 'runc'] as const).flatMap((runtime) =>
  (['root', 'rootless'] as const).map((actor) => {
    const lack = lacking(actor, runtime);
    return { runtime, actor, skip: lack !== undefined, title: `${runtime}, ${actor}${lack === undefined ? '' : ` (${lack})`}` };
  }),
);

describe.each(cases)('conmon with $title', ({ runtime, actor, skip }) => {
  let driver: Driver;
  let box: Created;
  beforeAll(async () => {
    if (skip) return;
    driver = await Driver.open(actor, runtime);
    box = await driver.create({ command: ['sleep', '1000'] });
    await driver.ask('start', box.id);
  });
  afterAll(async () => {
    if (skip) return;
    await driver.ask('remove', box.id);
    expect(await driver.ask('list')).toEqual([]);
    expect(driver.leftovers()).toEqual([]);
    await driver[Symbol.asyncDispose]();
  });

  test.skipIf(skip)('versions, once asked, are kept', async () => {
    const described = await driver.ask<Record<string, { name?: string; path: string; version: string }>>('describe');
    expect(described['runtime']).toMatchObject({ name: runtime, version: expect.stringMatching(/^\d+\.\d+/) as unknown });
    expect(described['monitor']?.version).toMatch(/^2\.\d+\.\d+$/);
    const kept = await driver.ask<string>('read', `${driver.directory}/run/tool-versions.json`);
    expect(Object.values(JSON.parse(kept) as object)).toContain(described['monitor']?.version);
  });

  test.skipIf(skip)('the log is in k8s-file form, the exit file has the status, the exit command ran', async () => {
    const marker = `${driver.directory}/exited`;
    const made = await driver.create({
      command: ['sh', '-c', 'echo out; echo err >&2; exit 5'],
      exitCommand: ['/bin/sh', '-c', `echo done > ${marker}`],
    });
    await driver.ask('start', made.id);
    expect(await driver.ask('exitCode', made.id)).toBe(5);
    const lines = (await driver.ask<string>('read', made.logPath))
      .trim()
      .split('\n')
      .sort((left, right) => left.slice(36).localeCompare(right.slice(36)));
    expect(lines.map((line) => line.replace(/^\S+ /, ''))).toEqual(['stderr F err', 'stdout F out']);
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}[+-]\d\d:\d\d stderr/);
    await driver.ask('remove', made.id);
    expect(existsSync(marker)).toBe(true);
  });

  test.skipIf(skip)('a signal ends it with 128 and its number; killing it again is no error', async () => {
    const made = await driver.create({ command: ['sleep', '1000'] });
    await driver.ask('start', made.id);
    await driver.ask('kill', { id: made.id, signal: 9 });
    expect(await driver.ask('exitCode', made.id)).toBe(137);
    await driver.ask('kill', { id: made.id, signal: 9 });
    await driver.ask('remove', made.id);
  });

  test.skipIf(skip)('exec: output, surroundings, exit status', async () => {
    const command = ['sh', '-c', 'echo out; echo err >&2; echo $A $FROM_IMAGE; pwd; exit 7'];
    const output = await driver.exec({ id: box.id, command, environment: ['A=b'], workingDirectory: '/tmp' });
    expect(output).toMatchObject({ stdout: 'out\nb yes\n/tmp\n', stderr: 'err\n', code: 7 });
    const bob = await driver.exec({ id: box.id, command: ['sh', '-c', 'id -u; grep ^CapEff /proc/self/status'], user: 'bob' });
    expect(bob.stdout).toBe('1000\nCapEff:\t0000000000000000\n');
    const all = await driver.exec({ id: box.id, command: ['grep', '^CapEff', '/proc/self/status'], privileged: true });
    expect(all.stdout).toMatch(/CapEff:\t000001f/);
  });

  test.skipIf(skip)('exec: standard input', async () => {
    expect(await driver.exec({ id: box.id, command: ['cat'], interactive: true, stdin: 'some input' })).toMatchObject({
      stdout: 'some input',
      code: 0,
    });
  });

  test.skipIf(skip)('exec: a terminal with its first size and a new one', async () => {
    const command = ['sh', '-c', 'stty size; until [ "$(stty size)" = "44 55" ]; do :; done; echo resized; echo $TERM'];
    const output = await driver.exec({
      id: box.id,
      command,
      tty: true,
      size: { rows: 11, columns: 22 },
      resize: { rows: 44, columns: 55 },
    });
    expect(output).toMatchObject({ stdout: '11 22\r\nresized\r\nxterm\r\n', code: 0 });
  });

  test.skipIf(skip)('exec: failures with codes, with and without a terminal, detached', async () => {
    for (const mode of [{}, { tty: true }, { detached: true }]) {
      await expect(driver.exec({ id: box.id, command: ['nope'], ...mode })).rejects.toMatchObject({
        code: 'command-not-found',
        message: `${runtime}: executable file \`nope\` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found`,
      });
      await expect(driver.exec({ id: box.id, command: ['/bin/plain'], ...mode })).rejects.toMatchObject({ code: 'command-not-executable' });
    }
  });

  test.skipIf(skip)('exec: killed when its caller is gone', async () => {
    const output = await driver.exec({ id: box.id, command: ['sh', '-c', 'echo ready; exec sleep 1000'], kill: 9 });
    expect(output).toMatchObject({ stdout: 'ready\n', code: 137 });
  });

  test.skipIf(skip)('exec: detached runs on, and its status is known to who waits', async () => {
    expect(await driver.exec({ id: box.id, command: ['sh', '-c', 'exit 9'], detached: true })).toMatchObject({ code: 9 });
  });

  test.skipIf(skip)('exec in a container that has ended', async () => {
    const made = await driver.create({ command: ['true'] });
    await driver.ask('start', made.id);
    await driver.ask('exitCode', made.id);
    await expect(driver.exec({ id: made.id, command: ['true'] })).rejects.toMatchObject({ code: 'wrong-state' });
    await driver.ask('remove', made.id);
  });
});
