import { describe, expect, test } from 'vitest';
import { explainFailure } from '../../../src-main/engine/runtime/failure.ts';

const logged = (words: string): string =>
  `time="2026-01-01T00:00:00Z" level=error msg="runc create failed: ${words.replaceAll('"', '\\"')}"`;
const unable = 'unable to start container process: ';

/** What the programs said when each failure was provoked: crun 1.8.1 and runc 1.1.5. */
const corpus: readonly (readonly ['crun' | 'runc', string, string])[] = [
  ['crun', 'executable file `nope` not found in $PATH: No such file or directory', 'command-not-found'],
  ['crun', 'open executable: Not a directory', 'command-not-found'],
  ['crun', 'exec container process (missing dynamic library?) `/bin/x`: No such file or directory', 'command-not-found'],
  ['crun', 'open executable: Permission denied', 'command-not-executable'],
  ['crun', 'open executable: Operation not permitted', 'command-not-executable'],
  ['crun', 'exec container process `/bin/badfmt`: Exec format error', 'command-not-executable'],
  ['crun', 'setrlimit `RLIMIT_NOFILE`: Operation not permitted', 'denied'],
  ['crun', 'setrlimit (RLIM_MEMLOCK): Operation not permitted', 'denied'],
  ['crun', 'capset: Operation not permitted', 'denied'],
  ['crun', 'write to /proc/self/oom_score_adj: Permission denied', 'denied'],
  ['crun', 'invalid rlimit `RLIMIT_FOO`', 'invalid-argument'],
  ['crun', "error stat'ing file `/nope`: No such file or directory", 'invalid-argument'],
  ['crun', 'mount `tmpfs` to `x2`: Invalid argument', 'invalid-argument'],
  ['crun', 'mount `/tmp` to `afile`: Not a directory', 'invalid-argument'],
  ['crun', 'chdir `/afile`: Not a directory', 'invalid-argument'],
  ['crun', 'invalid seccomp action `SCMP_ACT_FOO`', 'invalid-argument'],
  ['crun', 'the sysctl `vm.swappiness` is not namespaced', 'invalid-argument'],
  ['crun', 'write to /proc/sys/kernel/msgmax: Invalid argument', 'invalid-argument'],
  ['crun', 'OOM: the memory limit could be too low: read from sync socket: Connection reset by peer', 'invalid-argument'],
  ['crun', 'writing file `cpuset.cpus`: Numerical result out of range', 'invalid-argument'],
  ['crun', 'writing file `cpu.cfs_period_us`: Invalid argument', 'invalid-argument'],
  ['crun', 'AppArmor is not initialized correctly', 'unsupported'],
  ['crun', 'write to `/proc/self/attr/keycreate`: Invalid argument', 'unsupported'],
  ['crun', 'cgroups in hybrid mode not supported, drop all controllers from cgroupv2', 'unsupported'],
  ['crun', 'the container `abc` is not running', 'wrong-state'],
  ['crun', 'open `/nope`: No such file or directory', 'runtime-failed'],
  ['runc', logged(`${unable}exec: "nope": executable file not found in $PATH`), 'command-not-found'],
  ['runc', logged(`${unable}exec: "/bin/nope": stat /bin/nope: no such file or directory`), 'command-not-found'],
  ['runc', logged(`${unable}exec: "/bin/busybox/foo": stat /bin/busybox/foo: not a directory`), 'command-not-found'],
  ['runc', logged(`${unable}exec: "/bin": permission denied`), 'command-not-executable'],
  ['runc', 'exec /bin/badfmt: exec format error', 'command-not-executable'],
  [
    'runc',
    logged(
      `${unable}error during container init: error setting rlimits for ready process: error setting rlimit type 7: operation not permitted`,
    ),
    'denied',
  ],
  ['runc', logged(`${unable}unable to apply caps: operation not permitted`), 'denied'],
  [
    'runc',
    logged(`${unable}error during container init: error mounting "/nope" to rootfs at "/x1": stat /nope: no such file or directory`),
    'invalid-argument',
  ],
  [
    'runc',
    logged(
      `${unable}error during container init: error mounting "tmpfs" to rootfs at "/x2": mount tmpfs:/x2 (via /proc/self/fd/6), data: foo=abc: invalid argument`,
    ),
    'invalid-argument',
  ],
  ['runc', logged(`${unable}error during container init: mkdir /afile: not a directory`), 'invalid-argument'],
  ['runc', logged('Cwd must be an absolute path'), 'invalid-argument'],
  ['runc', logged('string SCMP_ACT_FOO is not a valid action for seccomp'), 'invalid-argument'],
  ['runc', logged('sysctl "vm.swappiness" is not in a separate kernel namespace'), 'invalid-argument'],
  [
    'runc',
    logged(
      `${unable}error during container init: error setting cgroup config for procHooks process: unable to set memory limit to 1000 (current usage: 2306048, peak usage: 2469888)`,
    ),
    'invalid-argument',
  ],
  ['runc', logged('selinux label is specified in config, but selinux is disabled or not supported'), 'unsupported'],
  ['runc', 'exec failed: cannot exec in a stopped container', 'wrong-state'],
];

describe('the words of crun and runc', () => {
  test.each(corpus)('%s: %s', (name, words, code) => {
    const error = explainFailure(name, words, ['nope']);
    expect(error.code).toBe(code);
    expect(error.message).not.toMatch(/\n|level=|msg=/);
    expect(error.message).toContain(`${name}: `);
  });

  test("Podman's line for a command that is not there, from both", () => {
    const line = (name: string) =>
      `${name}: executable file \`nope\` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found`;
    expect(explainFailure('crun', 'executable file `nope` not found in $PATH: No such file or directory\n', ['nope']).message).toBe(
      line('crun'),
    );
    expect(explainFailure('runc', logged(`${unable}exec: "nope": executable file not found in $PATH`), ['nope']).message).toBe(
      line('runc'),
    );
  });

  test('warnings before the error, dates and JSON are left out', () => {
    const mixed = `time="x" level=warning msg="unable to get oom kill count"\n${logged('invalid rootfs: stat /nope: no such file or directory')}`;
    expect(explainFailure('runc', mixed, []).message).toBe(
      'OCI runtime error: runc: invalid rootfs: stat /nope: no such file or directory',
    );
    expect(explainFailure('crun', '{"msg":"capset: Operation not permitted","level":"error"}', []).message).toBe(
      'crun: capset: Operation not permitted: OCI permission denied',
    );
    expect(explainFailure('crun', '2026-01-01T00:00:00.123456Z: capset: Operation not permitted', []).message).toMatch(/^crun: capset/);
    expect(explainFailure('crun', '{"broken', []).message).toContain('{"broken');
  });

  test('silence and noise are failures too', () => {
    expect(explainFailure('crun', '', [])).toMatchObject({
      code: 'runtime-failed',
      message: 'OCI runtime error: crun: it failed without a word',
    });
    expect(explainFailure('crun', '\0\u{1f4a9}'.repeat(100), []).code).toBe('runtime-failed');
  });
});
