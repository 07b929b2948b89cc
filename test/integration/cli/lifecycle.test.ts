/** The command line on real containers, as root and as an ordinary user: the same words, results and exit codes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Actor, actors } from '../../support/actor.ts';
import { freePort, httpGet } from '../../support/ports.ts';

const image = 'localhost/selkie/starter';

for (const { actor: name, skip, title } of actors()) {
  describe.skipIf(skip)(title, () => {
    let actor: Actor;
    beforeAll(() => {
      actor = new Actor(name);
      actor.must(['load', '-i', actor.starterImage]);
    });
    afterAll(async () => {
      const leaks = await actor.leaks();
      await actor[Symbol.asyncDispose]();
      expect(leaks).toEqual([]);
    });

    const run = (...args: string[]) => actor.selkie(['run', '--rm', '--network', 'none', ...args]);

    describe('run', () => {
      test('hands on output, both streams, and the exit code', () => {
        const result = run(image, 'sh', '-c', 'echo out; echo err >&2; exit 7');
        expect(result).toMatchObject({ code: 7, stdout: 'out\n' });
        expect(result.stderr).toContain('err\n');
      });

      test.each<[number, ...string[]]>([
        [127, 'nosuchprogram'],
        [126, '/etc/passwd'],
        [143, 'sh', '-c', 'sleep 9 & kill -TERM $!; wait $!'],
      ])('ends with %i for %s', (code, ...command) => {
        expect(run(image, ...command).code).toBe(code);
      });

      test('ends with 125 for an error of its own, in one line without a stack', () => {
        const result = run('--no-such-flag', image, 'true');
        expect(result.code).toBe(125);
        expect(result.stderr).toMatch(/^Error: .*no-such-flag/);
        expect(result.stderr).not.toContain('    at ');
      });

      test('-i hands stdin to the container, binary as it is', () => {
        const bytes = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, index) => (index * 7) % 256));
        const result = actor.selkie(['run', '--rm', '-i', '--network', 'none', image, 'sha256sum'], { input: bytes });
        expect(result.stdout).toMatch(/^[0-9a-f]{64} {2}-\n$/);
        const local = actor.command('sha256sum', [], { input: bytes });
        expect(result.stdout).toBe(local.stdout);
      });

      test('a megabyte of output arrives whole', () => {
        const result = run(
          image,
          'sh',
          '-c',
          'i=0; while [ $i -lt 20000 ]; do echo "line $i of many that have to arrive whole"; i=$((i+1)); done',
        );
        expect(result.stdout.split('\n')).toHaveLength(20_001);
        expect(result.stdout).toContain('line 19999 of');
      });

      test.each<[string, string[], string[], string]>([
        ['-e', ['-e', 'A=b c'], ['sh', '-c', 'echo $A'], 'b c'],
        ['-w', ['-w', '/var'], ['pwd'], '/var'],
        ['--hostname', ['--hostname', 'whale'], ['hostname'], 'whale'],
        ['-u by number', ['-u', '1234:4321'], ['sh', '-c', 'id -u; id -g'], '1234\n4321'],
        ['--entrypoint', ['--entrypoint', 'echo'], ['from entrypoint'], 'from entrypoint'],
        ['--env HOME', [], ['sh', '-c', 'echo $HOME'], '/root'],
        ['--tmpfs', ['--tmpfs', '/scratch:size=1m'], ['sh', '-c', 'df -k /scratch | tail -n 1 | tr -s " " | cut -d " " -f 2'], '1024'],
        ['--umask', ['--umask', '0077'], ['sh', '-c', 'umask'], '0077'],
        ['--ulimit', ['--ulimit', 'nofile=99:100'], ['sh', '-c', 'ulimit -n'], '99'],
        ['--shm-size', ['--shm-size', '2m'], ['sh', '-c', 'df -k /dev/shm | tail -n 1 | tr -s " " | cut -d " " -f 2'], '2048'],
        ['--init', ['--init'], ['sh', '-c', 'tr "\\0" " " < /proc/1/cmdline | cut -d " " -f 1'], '/run/podman-init'],
        ['--add-host', ['--add-host', 'db:10.1.2.3'], ['grep', '-c', '10.1.2.3', '/etc/hosts'], '1'],
        ['no_new_privs', ['--security-opt', 'no-new-privileges'], ['grep', 'NoNewPrivs', '/proc/self/status'], 'NoNewPrivs:\t1'],
        ['seccomp is on', [], ['grep', 'Seccomp:', '/proc/self/status'], 'Seccomp:\t2'],
        [
          '--security-opt seccomp=unconfined',
          ['--security-opt', 'seccomp=unconfined'],
          ['grep', 'Seccomp:', '/proc/self/status'],
          'Seccomp:\t0',
        ],
        ['default capabilities', [], ['grep', 'CapEff', '/proc/self/status'], 'CapEff:\t00000000800405fb'],
        ['--cap-drop ALL', ['--cap-drop', 'all'], ['grep', 'CapEff', '/proc/self/status'], 'CapEff:\t0000000000000000'],
        ['--cap-add', ['--cap-drop', 'all', '--cap-add', 'chown'], ['grep', 'CapEff', '/proc/self/status'], 'CapEff:\t0000000000000001'],
      ])('%s', (_, options, command, expected) => {
        const result = run(...options, image, ...command);
        expect(result.stderr.replace(/^Warning:.*\n/gm, '')).toBe('');
        expect(result.stdout.trimEnd()).toBe(expected);
      });

      test('--read-only, with the usual writable folders', () => {
        const result = run('--read-only', image, 'sh', '-c', 'touch /new; touch /tmp/new && echo tmp');
        expect(result.stderr).toContain('Read-only file system');
        expect(result.stdout).toBe('tmp\n');
      });

      test('-v binds a folder, read-only when asked, and a missing one is refused by name', () => {
        writeFileSync(join(actor.directory, 'home', 'file'), 'from the host\n', { mode: 0o644 });
        const source = join(actor.directory, 'home');
        expect(run('-v', `${source}:/data`, image, 'cat', '/data/file').stdout).toBe('from the host\n');
        expect(run('-v', `${source}:/data:ro`, image, 'touch', '/data/x').stderr).toContain('Read-only file system');
        expect(run('-v', '/no/such/place:/data', image, 'true')).toMatchObject({
          code: 125,
          stderr: expect.stringContaining('/no/such/place') as string,
        });
      });

      test('a named volume keeps its data and the image’s files at its place', () => {
        const options = ['-v', 'kept:/var/www'];
        expect(run(...options, image, 'sh', '-c', 'ls /var/www/index.html && echo more > /var/www/more').code).toBe(0);
        expect(run(...options, image, 'cat', '/var/www/more').stdout).toBe('more\n');
        expect(actor.must(['volume', 'ls', '-q'])).toBe('kept');
        actor.must(['volume', 'rm', 'kept']);
        expect(actor.must(['volume', 'ls', '-q'])).toBe('');
      });

      test('--env-file and --cidfile', () => {
        const file = join(actor.directory, 'home', 'env');
        writeFileSync(file, '# comment\nONE=1\n\nTWO=2 2\n');
        const id = join(actor.directory, 'home', 'id');
        expect(run('--env-file', file, '--cidfile', id, image, 'sh', '-c', 'echo $ONE $TWO').stdout).toBe('1 2 2\n');
        expect(readFileSync(id, 'utf8')).toMatch(/^[0-9a-f]{64}$/);
        expect(run('--cidfile', id, image, 'true').code).toBe(125);
      });

      test('a name that is taken is refused with its holder, and the store is as before', () => {
        const id = actor.must(['create', '--name', 'taken', image]);
        const result = actor.selkie(['create', '--name', 'taken', image]);
        expect(result).toMatchObject({ code: 125, stderr: expect.stringContaining(id) as string });
        expect(actor.must(['ps', '-aq'])).toBe(id.slice(0, 12));
        actor.must(['rm', 'taken']);
      });
    });

    describe('a life', () => {
      test('create, start, exec, logs, top, stop, start, restart, rm', () => {
        const id = actor.must([
          'create',
          '--name',
          'life',
          '--network',
          'none',
          image,
          'sh',
          '-c',
          'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.1; done',
        ]);
        expect(actor.must(['ps', '-a', '--format', '{{.Names}} {{.State}}'])).toBe('life created');
        expect(actor.must(['start', 'life'])).toBe('life');
        expect(actor.must(['ps', '--format', '{{.ID}}'])).toBe(id.slice(0, 12));
        expect(actor.selkie(['exec', 'life', 'sh', '-c', 'echo inside; exit 5'])).toMatchObject({ code: 5, stdout: 'inside\n' });
        expect(actor.selkie(['exec', 'life', 'nosuch']).code).toBe(127);
        expect(actor.selkie(['exec', '-i', 'life', 'cat'], { input: 'through' }).stdout).toBe('through');
        expect(actor.must(['top', 'life', 'pid', 'comm']).split('\n')[0]).toMatch(/PID +COMMAND/);
        expect(actor.must(['stop', '-t', '20', 'life'])).toBe('life');
        expect(actor.must(['inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'life'])).toBe('exited 3');
        expect(actor.must(['logs', 'life'])).toBe('up\nbye');
        actor.must(['start', 'life']);
        actor.must(['restart', '-t', '20', 'life']);
        expect(actor.must(['inspect', '--format', '{{.State.Running}}', id.slice(0, 6)])).toBe('true');
        expect(actor.selkie(['rm', 'life'])).toMatchObject({ code: expect.toSatisfy((code: number) => code !== 0) as number });
        expect(actor.must(['kill', 'life'])).toBe('life');
        expect(actor.must(['wait', 'life'])).toBe('137');
        expect(actor.must(['rm', 'life'])).toBe('life');
        expect(actor.must(['ps', '-aq'])).toBe('');
      });

      test('a container that ends when no engine runs is seen as ended, with its code', async () => {
        actor.must(['run', '-d', '--name', 'short', '--network', 'none', image, 'sh', '-c', 'exit 9']);
        expect(actor.must(['wait', 'short'])).toBe('9');
        expect(actor.must(['ps', '-a', '--filter', 'exited=9', '--format', '{{.Names}}'])).toBe('short');
        actor.must(['rm', 'short']);
        await Promise.resolve();
      });

      test('--restart on-failure:2 brings it back twice, without an engine', () => {
        actor.must([
          'run',
          '-d',
          '--name',
          'again',
          '--network',
          'none',
          '--restart',
          'on-failure:2',
          image,
          'sh',
          '-c',
          'echo try; exit 1',
        ]);
        const logs = actor.selkie(['logs', '-f', 'again'], { timeoutMs: 30_000 }).stdout;
        expect(logs.match(/try/g)?.length).toBeGreaterThan(0);
        actor.must(['wait', 'again']);
        expect(actor.must(['rm', '-f', '-t', '0', 'again'])).toBe('again');
      });

      test('logs -f follows to the end', () => {
        actor.must([
          'run',
          '-d',
          '--name',
          'talk',
          '--network',
          'none',
          image,
          'sh',
          '-c',
          'for i in 1 2 3 4 5; do echo $i; sleep 0.1; done',
        ]);
        expect(actor.selkie(['logs', '-f', 'talk'], { timeoutMs: 30_000 }).stdout).toBe('1\n2\n3\n4\n5\n');
        expect(actor.must(['logs', '--tail', '2', 'talk'])).toBe('4\n5');
        actor.must(['rm', 'talk']);
      });
    });

    describe('network', () => {
      test('host and none', () => {
        expect(actor.must(['run', '--rm', '--network', 'host', image, 'sh', '-c', 'ls /sys/class/net | wc -l'])).not.toBe('1');
        expect(actor.must(['run', '--rm', '--network', 'none', image, 'ls', '/sys/class/net'])).toBe('lo');
      });

      test('the default network publishes a port; a port in use names who has it', async () => {
        const port = await freePort();
        actor.must(['run', '-d', '--name', 'web', '-p', `${port}:8080`, image]);
        expect(await httpGet(`http://127.0.0.1:${port}/`)).toContain('<html');
        expect(actor.must(['port', 'web'])).toBe(`8080/tcp -> 0.0.0.0:${port}`);
        const second = actor.selkie(['run', '-d', '--name', 'web2', '-p', `${port}:8080`, image]);
        expect(second).toMatchObject({ code: 126, stderr: expect.stringContaining('web') as string });
        expect(second.stderr).toContain(String(port));
        actor.must(['rm', '-f', '-t', '0', 'web']);
        actor.selkie(['rm', '-f', 'web2']);
      });

      test.skipIf(name === 'root')('slirp4netns publishes a port too', async () => {
        const port = await freePort();
        actor.must(['run', '-d', '--name', 'slirp', '--network', 'slirp4netns', '-p', `${port}:8080`, image]);
        expect(await httpGet(`http://127.0.0.1:${port}/`)).toContain('<html');
        actor.must(['rm', '-f', '-t', '0', 'slirp']);
      });
    });

    describe('words for what is wrong', () => {
      test.each<[string, string[], RegExp]>([
        ['an unknown container', ['start', 'nobody'], /no container with name or ID "nobody" found/],
        ['an unknown image', ['run', '--pull', 'never', 'localhost/nothing'], /localhost\/nothing.*image not known/],
        ['an unreachable registry', ['pull', 'localhost:1/x'], /localhost:1/],
        ['an invalid name', ['create', '--name', '!', image], /name/],
        ['a bad port', ['create', '-p', '99999:1', image], /99999/],
        ['a bad memory size', ['create', '-m', 'lots', image], /lots/],
        ['a missing runtime', ['--runtime', '/no/such/runtime', 'run', '--rm', image, 'true'], /\/no\/such\/runtime/],
        ['an unknown command', ['frobnicate'], /frobnicate/],
        ['an unknown template field', ['info', '--format', '{{.Nope}}'], /Nope/],
      ])('%s', (_, args, words) => {
        const result = actor.selkie(args);
        expect(result.code).toBe(125);
        expect(result.stderr).toMatch(words);
        expect(result.stderr).not.toContain('    at ');
        expect(result.stderr.split('\n').filter((line) => line.startsWith('Error: '))).toHaveLength(1);
      });

      test('an ambiguous id is refused with the candidates', () => {
        const ids: string[] = [];
        // 17 ids of 16 first digits: two have to share one.
        while (new Set(ids.map((id) => id[0])).size === ids.length) ids.push(actor.must(['create', image]));
        const first = ids.at(-1)?.[0] ?? '';
        const sharing = ids.filter((id) => id.startsWith(first));
        const result = actor.selkie(['start', first]);
        expect(result.code).toBe(125);
        for (const id of sharing) expect(result.stderr).toContain(id.slice(0, 12));
        actor.must(['rm', ...ids]);
      });
    });

    test('limits: enforced where the host can, refused by name where it cannot', () => {
      const result = run(
        '-m',
        '64m',
        image,
        'sh',
        '-c',
        'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max',
      );
      if (result.code === 0) expect(result.stdout.trim()).toBe(String(64 * 1024 * 1024));
      else expect(result).toMatchObject({ code: 125, stderr: expect.stringMatching(/memory/) as string });
    });

    test('the store is whole after all that', () => {
      const result = actor.selkie(['system', 'check']);
      expect(result.stdout).toContain('The store is whole');
    });
  });
}
