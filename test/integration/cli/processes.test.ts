/** What happens to processes from outside: signals, ends that nobody waits for, restarts. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Actor, actors } from '../../support/actor.ts';

const image = 'localhost/selkie/starter';

for (const { actor: name, skip, title } of actors()) {
  describe.skipIf(skip)(title, () => {
    let actor: Actor;
    beforeAll(() => {
      actor = new Actor(name);
      actor.must(['load', '-i', actor.starterImage]);
      actor.must(['run', '-d', '--name', 'host', '--network', 'none', image, 'sleep', '1000']);
    });
    afterAll(async () => {
      const leaks = await actor.leaks();
      await actor[Symbol.asyncDispose]();
      expect(leaks).toEqual([]);
    });

    const events = (...statuses: string[]) =>
      actor
        .must(['events', '--stream=false', '--since', '10m', '--format', '{{json .}}'])
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown> & { Status: string })
        .filter(({ Status }) => statuses.includes(Status));
    const untilListed = (format: string, container: string) => ({
      toBe: (expected: string) =>
        expect.poll(() => actor.must(['inspect', '--format', format, container]), { timeout: 20_000, interval: 100 }).toBe(expected),
    });

    test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const)('exec passes %s on, and ends as its process does', async (signal) => {
      const script = `trap 'echo got; exit 7' ${signal.slice(3)}; echo up; while :; do sleep 0.05; done`;
      const child = actor.start(['exec', 'host', 'sh', '-c', script]);
      const output: string[] = [];
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        output.push(text);
        if (output.join('') === 'up\n') child.kill(signal);
      });
      expect(await once(child, 'exit')).toEqual([7, null]);
      expect(output.join('')).toBe('up\ngot\n');
    });

    test('exec -d: seen while it runs, told with its code when it ends', async () => {
      const id = actor.must(['exec', '-d', 'host', 'sh', '-c', 'while [ ! -e /tmp/end ]; do sleep 0.05; done; exit 5']);
      expect(actor.must(['inspect', '--format', '{{.ExecIDs}}', 'host'])).toBe(`[${id}]`);
      actor.must(['exec', 'host', 'touch', '/tmp/end']);
      await expect
        .poll(() => events('exec_died').find((event) => JSON.stringify(event).includes(id)), { timeout: 20_000, interval: 100 })
        .toMatchObject({ ContainerExitCode: 5 });
      expect(actor.must(['inspect', '--format', '{{.ExecIDs}}', 'host'])).toBe('[]');
      expect(actor.must(['system', 'check'])).toContain('The store is whole');
    });

    test('restart of a container of --rm keeps it; its own end removes it', async () => {
      const script = 'trap "exit 0" TERM; echo up; while :; do sleep 0.05; done';
      const id = actor.must(['run', '-d', '--rm', '--name', 'passing', '--network', 'none', image, 'sh', '-c', script]);
      const before = actor.must(['inspect', '--format', '{{.State.Pid}}', 'passing']);
      expect(actor.must(['restart', '-t', '20', 'passing'])).toBe('passing');
      const [after, kept] = actor.must(['inspect', '--format', '{{.State.Pid}} {{.Id}}', 'passing']).split(' ');
      expect(kept).toBe(id);
      expect(after).not.toBe(before);
      actor.must(['stop', '-t', '20', 'passing']);
      await expect.poll(() => actor.must(['ps', '-a', '--format', '{{.Names}}']), { timeout: 20_000, interval: 100 }).toBe('host');
    });

    test('an attached run --rm ends when its container is restarted, and leaves it', async () => {
      const child = actor.start(['run', '--rm', '--name', 'attached', '--network', 'none', image, 'sh', '-c', 'echo up; exec sleep 1000']);
      await once(child.stdout ?? child, 'data');
      await untilListed('{{.State.Status}}', 'attached').toBe('running');
      const exited = once(child, 'exit');
      actor.must(['restart', '-t', '0', 'attached']);
      expect(await exited).toEqual([137, null]);
      expect(actor.must(['inspect', '--format', '{{.State.Status}}', 'attached'])).toBe('running');
      actor.must(['rm', '-f', '-t', '0', 'attached']);
    });
  });
}
