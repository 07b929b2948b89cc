import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Driver, lacking } from './actor.ts';

const cases = (['crun', 'runc'] as const).flatMap((runtime) =>
  (['root', 'rootless'] as const).map((actor) => {
    const lack = lacking(actor, runtime);
    return { runtime, actor, skip: lack !== undefined, title: `${runtime}, ${actor}${lack === undefined ? '' : ` (${lack})`}` };
  }),
);

describe.each(cases)('containers by $title', ({ runtime, actor, skip }) => {
  let driver: Driver;
  beforeAll(async () => {
    if (!skip) driver = await Driver.open(actor, runtime);
  });
  afterAll(async () => {
    if (skip) return;
    expect(await driver.ask('list')).toEqual([]);
    expect(driver.leftovers()).toEqual([]);
    await driver[Symbol.asyncDispose]();
  });

  test.skipIf(skip)('output, environment and exit status', async () => {
    const command = ['sh', '-c', 'echo out; echo err >&2; id -u; env; hostname; cat /etc/hosts /run/.containerenv; exit 3'];
    const output = await driver.run({ command, spec: { hostname: 'box', environment: ['A=b=c'] } });
    expect(output.code).toBe(3);
    expect(output.stderr).toBe('err\n');
    const lines = output.stdout.split('\n');
    expect(lines.slice(0, 2)).toEqual(['out', '0']);
    for (const line of ['A=b=c', 'FROM_IMAGE=yes', 'HOME=/root', 'HOSTNAME=box', 'container=podman', 'box']) expect(lines).toContain(line);
    expect(output.stdout).toMatch(/^PATH=.*\/bin$/m);
    expect(output.stdout).toMatch(/hosts of a+\d+\ncontainerenv of a+\d+\n/);
    expect(output.stdout).not.toContain('TERM=');
  });

  test.skipIf(skip)('standard input, to its end', async () => {
    const text = 'x'.repeat(100_000);
    const output = await driver.run({ command: ['cat'], spec: { interactive: true }, stdin: text.slice(0, 8000) });
    expect(output).toMatchObject({ code: 0, stdout: text.slice(0, 8000) });
  });

  test.skipIf(skip)('a terminal, with its first size and a new one', async () => {
    const command = ['sh', '-c', 'stty size; until [ "$(stty size)" = "33 99" ]; do :; done; echo resized; tty; echo $TERM'];
    const output = await driver.run({ command, spec: { tty: true }, resize: { rows: 33, columns: 99 } });
    expect(output.stdout).toBe('24 80\r\nresized\r\n/dev/pts/0\r\nxterm\r\n');
    expect(output.code).toBe(0);
  });

  test.skipIf(skip)('another user has its home, its groups and no capability but the added one', async () => {
    const command = ['sh', '-c', 'id; echo $HOME; grep ^Cap /proc/self/status; umask'];
    const output = await driver.run({
      command,
      spec: { user: 'bob', capAdd: ['chown'], capDrop: ['all'], groupAdd: ['7'], umask: '0027' },
    });
    expect(output.stdout).toContain('uid=1000(bob) gid=1000(bob)');
    for (const group of ['10(wheel)', '29(audio)', '7']) expect(output.stdout).toContain(group);
    expect(output.stdout).toContain('/home/bob\n');
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) expect(output.stdout).toContain(`Cap${set}:\t0000000000000001`);
    expect(output.stdout).toContain('0027');
  });

  test.skipIf(skip)('root has the default capabilities, seccomp in force, no new privileges when asked', async () => {
    const command = ['grep', '-E', '^(Cap|Seccomp:|NoNew)', '/proc/self/status'];
    const plain = await driver.run({ command });
    expect(plain.stdout).toContain('CapEff:\t00000000800405fb');
    expect(plain.stdout).toMatch(/Seccomp:\t2/);
    expect(plain.stdout).toMatch(/NoNewPrivs:\t0/);
    const bare = await driver.run({ command, spec: { securityOptions: ['seccomp=unconfined', 'no-new-privileges'] } });
    expect(bare.stdout).toMatch(/Seccomp:\t0/);
    expect(bare.stdout).toMatch(/NoNewPrivs:\t1/);
  });

  test.skipIf(skip)('masked and read-only paths, and what privileged shows', async () => {
    const command = ['sh', '-c', 'cat /proc/timer_list | head -c 9; touch /proc/sys/kernel/x; ls /sys/firmware | head -1'];
    const plain = await driver.run({ command });
    expect(plain.stdout).toBe('');
    expect(plain.stderr).toContain('/proc/sys/kernel/x');
    const status = await driver.run({ command: ['sh', '-c', 'mount | grep -c " on /proc/"; true'], spec: { privileged: true } });
    expect(status.stdout).toBe('0\n');
  });

  test.skipIf(skip)('read-only root with scratch folders, an init, binds and a tmpfs', async () => {
    const command = [
      ...['sh', '-c'],
      'touch /x || echo refused; touch /tmp/a /run/b /var/tmp/c && echo scratch; readlink /proc/1/exe; touch /data/y || echo ro; cat /data/passwd | head -1; mount | grep " /small "',
    ];
    const output = await driver.run({
      command,
      spec: { readOnlyRootfs: true, init: true },
      mounts: [
        { type: 'bind', hostPath: `${driver.rootfs}/etc`, target: '/data', readOnly: true },
        { type: 'tmpfs', target: '/small', options: ['size=1m', 'noexec'] },
      ],
    });
    const lines = output.stdout.split('\n');
    expect(lines.slice(0, 5)).toEqual(['refused', 'scratch', '/run/podman-init', 'ro', 'root:x:0:0:root:/root:/bin/sh']);
    expect(output.stdout).toMatch(/tmpfs on \/small type tmpfs \(rw,nosuid,nodev,noexec.*size=1024k/);
    expect(output.code).toBe(0);
  });

  test.skipIf(skip)('an empty network, and a setting in it', async () => {
    const command = ['sh', '-c', 'ls /sys/class/net; cat /proc/sys/net/ipv4/ip_default_ttl'];
    const output = await driver.run({ command, networkMode: 'none', spec: { sysctls: ['net.ipv4.ip_default_ttl=77'] } });
    expect(output.stdout).toBe('lo\n77\n');
    await expect(driver.run({ command, spec: { sysctls: ['net.ipv4.ip_default_ttl=77'] } })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });

  test.skipIf(skip)('a limit above the hard one is lowered, and told', async () => {
    const output = await driver.run({
      command: ['sh', '-c', 'ulimit -n; ulimit -c'],
      spec: {
        ulimits: [
          { name: 'nofile', soft: 100, hard: 2 ** 40 },
          { name: 'core', soft: 0, hard: 0 },
        ],
      },
    });
    expect(output.stdout).toBe('100\n0\n');
    expect(output.warnings.join()).toMatch(/ulimit nofile=100:1099511627776 was lowered/);
  });

  test.skipIf(skip)('a device', async () => {
    const output = await driver.run({
      command: ['sh', '-c', 'head -c 3 /dev/nichts; echo $?; ls -l /dev/nichts'],
      spec: { devices: ['/dev/null:/dev/nichts:r'] },
    });
    expect(output.stdout).toMatch(/^0\nc.* 1, +3 .*\/dev\/nichts/);
  });

  test.skipIf(skip)('a working directory: made for the image, refused for the user', async () => {
    const made = await driver.run({
      command: ['sh', '-c', 'pwd; stat -c %u:%a .'],
      imageWorkingDirectory: `/srv/${runtime}`,
      imageUser: 'bob',
    });
    expect(made.stdout).toBe(`/srv/${runtime}\n1000:755\n`);
    await expect(driver.run({ command: ['true'], spec: { workingDirectory: '/nowhere' } })).rejects.toMatchObject({
      code: 'runtime-failed',
      message: expect.stringMatching(/^workdir "\/nowhere" does not exist on container /) as unknown,
    });
  });

  test.skipIf(skip)('failures in words with codes', async () => {
    const attempt = (command: string[], tty = false): Promise<unknown> => driver.run({ command, spec: { tty } });
    for (const tty of [false, true]) {
      await expect(attempt(['nope'], tty)).rejects.toMatchObject({
        code: 'command-not-found',
        message: `${runtime}: executable file \`nope\` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found`,
      });
      await expect(attempt(['/etc'], tty)).rejects.toMatchObject({ code: 'command-not-executable' });
    }
    await expect(attempt(['/bin/nope'])).rejects.toMatchObject({ code: 'command-not-found' });
    await expect(attempt(['/bin/plain'])).rejects.toMatchObject({ code: 'command-not-executable' });
    await expect(driver.run({ command: ['true'], mounts: [{ hostPath: '/nowhere', target: '/x' }] })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
    await expect(driver.run({ command: ['true'], spec: { user: 'nobody-here' } })).rejects.toMatchObject({
      message: 'unable to find user nobody-here: no matching entries in passwd file',
    });
    await driver.ask('deleteUnknown');
    await driver.ask('killUnknown');
  });

  test.skipIf(skip)('limits are in force, or refused by name', async () => {
    const { controllers } = await driver.ask<{ controllers: string[] }>('describe');
    const limits = { memoryBytes: 64 << 20, pidsLimit: 50 };
    const attempt = driver.run({
      command: [
        'sh',
        '-c',
        'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max',
      ],
      spec: { resources: limits },
    });
    if (controllers.includes('memory') && controllers.includes('pids')) expect((await attempt).stdout).toBe('67108864\n50\n');
    else
      await expect(attempt).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringMatching(/^--(memory|pids-limit) cannot be enforced: /) as unknown,
      });
  });
});
