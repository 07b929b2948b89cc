/** Many containers end at the same time, and no engine is there: one program sees to all of them. */
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Actor, actors } from '../../support/actor.ts';

const image = 'localhost/selkie/starter';
const count = 50;

for (const { actor: name, skip, title } of actors()) {
  describe.skipIf(skip)(title, () => {
    let actor: Actor;
    let runtime: string;
    let starts: string;
    beforeAll(() => {
      actor = new Actor(name);
      actor.must(['load', '-i', actor.starterImage]);
      // Each start of the runtime is written down.
      runtime = join(dirname(actor.launcher), '../../node_modules/.cache/selkie/node/bin/node');
      starts = join(actor.directory, 'starts');
      writeFileSync(starts, '');
      chmodSync(starts, 0o666);
      renameSync(runtime, `${runtime}.real`);
      writeFileSync(runtime, `#!/bin/sh\necho "$2" >> ${starts}\nexec ${runtime}.real "$@"\n`, { mode: 0o755 });
    });
    afterAll(async () => {
      renameSync(`${runtime}.real`, runtime);
      const leaks = await actor.leaks();
      await actor[Symbol.asyncDispose]();
      expect(leaks).toEqual([]);
    });

    const cleanUps = () =>
      readFileSync(starts, 'utf8')
        .split('\n')
        .filter((line) => line.endsWith('cleanup.js')).length;
    const left = () =>
      ['exits', 'containers', 'oci'].flatMap((folder) => {
        const path = join(actor.runRoot, folder);
        return existsSync(path) ? readdirSync(path) : [];
      });

    test(`${count} exits: each with its code at once, nothing left, and three programs at most`, async () => {
      const codes = new Map(Array.from({ length: count }, (_, index) => [`m${index}`, 3 + index]));
      for (const [container, code] of codes)
        actor.must([
          ...['create', '--name', container, '--network', 'none', image, 'sh', '-c'],
          `trap 'exit ${code}' TERM; echo up; while :; do sleep 1000 & wait $!; done`,
        ]);
      actor.must(['start', ...codes.keys()]);
      await expect.poll(() => actor.selkie(['logs', `m${count - 1}`]).stdout, { timeout: 20_000 }).toBe('up\n');
      const pids = actor
        .must(['inspect', '--format', '{{.State.Pid}}', ...codes.keys()])
        .split('\n')
        .map(Number);
      expect(cleanUps()).toBe(0);
      for (const pid of pids) process.kill(pid, 'SIGTERM');
      const ended = () => new Map(actor.must(['ps', '-a', '--format', '{{.Names}} {{.ExitCode}} {{.State}}']).split('\n').map(toEntry));
      await expect.poll(ended, { timeout: 20_000 }).toEqual(new Map([...codes].map(([one, code]) => [one, `${code} exited`])));
      await expect.poll(left, { timeout: 60_000, interval: 100 }).toEqual([]);
      // One is in office at a time; another follows where the first was about to leave.
      expect(cleanUps()).toBeGreaterThan(0);
      expect(cleanUps()).toBeLessThanOrEqual(3);
      expect(actor.must(['system', 'check'])).toContain('The store is whole');
    });
  });
}

function toEntry(line: string): [string, string] {
  const at = line.indexOf(' ');
  return [line.slice(0, at), line.slice(at + 1)];
}
