import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { ErrorData } from '../../../src-main/base/errors.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import type { DriverMethods } from './rootless-driver.ts';
import { ask, askUdp, port } from './sandbox.ts';

/** An unprivileged user whom every system has. */
const nobody = '65534';
const asNobody = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];
/** Shared, as the engine's sandbox is: a helper whose own sandbox detaches mounts must not take ours along. */
const inside = ['unshare', '--user', '--map-root-user', '--mount', '--propagation', 'shared'];
const outside = process.getuid?.() === 0 ? asNobody : [];
const output = join(import.meta.dirname, '../../.output/network-rootless');

function works(...command: readonly string[]): boolean {
  try {
    execFileSync('env', [...outside, ...command], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const { processes } = createLinuxSystem();
const lack = !works(...inside, 'true')
  ? 'no user namespaces'
  : !works('sh', '-c', 'test -r /dev/net/tun && test -w /dev/net/tun')
    ? '/dev/net/tun is closed to users'
    : !works('test', '-r', import.meta.dirname) || !works('test', '-x', process.execPath)
      ? 'an unprivileged user cannot read this checkout or run this Node'
      : undefined;

const ownAddress = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find((entry) => entry.family === 'IPv4' && !entry.internal)?.address;

class Driver {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #next = 0;

  constructor() {
    this.#child = spawn('env', [...outside, ...inside, process.execPath, join(output, 'rootless-driver.mjs')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (this.#child.stdout === null) throw new Error('no stdout');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const { id, value, error } = JSON.parse(line) as { id: number; value?: unknown; error?: ErrorData };
      const waiting = this.#waiting.get(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(Object.assign(new Error(error.message), error));
    });
  }

  call<M extends keyof DriverMethods>(method: M, ...args: Parameters<DriverMethods[M]>): ReturnType<DriverMethods[M]> {
    const id = this.#next++;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#child.stdin?.write(`${JSON.stringify({ id, method, args })}\n`);
    return waiting.promise as ReturnType<DriverMethods[M]>;
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await exited;
  }
}

function helpersOf(netnsPath: string): string {
  // The driver's own servers name the path too, after --net=.
  return execFileSync('sh', ['-c', `grep -lzxF -- "${netnsPath}" /proc/[0-9]*/cmdline 2>/dev/null || true`], { encoding: 'utf8' });
}

describe.skipIf(lack !== undefined)(`rootless networks${lack === undefined ? '' : ` (skipped: ${lack})`}`, () => {
  let driver: Driver;
  beforeAll(async () => {
    await build({
      configFile: false,
      logLevel: 'error',
      build: {
        ssr: join(import.meta.dirname, 'rootless-driver.ts'),
        outDir: output,
        target: 'node22',
        minify: false,
        rolldownOptions: { output: { entryFileNames: 'rootless-driver.mjs' } },
      },
    });
    driver = new Driver();
  });
  afterAll(async () => {
    expect(await driver.call('mounts')).toBe(0);
    await driver.close();
  });

  test('the engine knows that it is rootless, and what it would use', async () => {
    const { rootless, defaultMode } = await driver.call('identity');
    expect(rootless).toBe(true);
    expect(['pasta', 'slirp4netns']).toContain(defaultMode.mode);
    await expect(driver.call('validate', 'bridge', [], [])).rejects.toMatchObject({ code: 'unsupported' });
  });

  for (const [mode, base] of [
    ['pasta', 27000],
    ['slirp4netns', 27500],
  ] as const) {
    const missing = processes.find(mode) === undefined;
    describe.skipIf(missing)(`${mode}${missing ? ' (skipped: not installed)' : ''}`, () => {
      test('publishes tcp, udp, ranges and on one address; teardown ends exactly its process and frees the ports', async () => {
        const ports = [
          port(base, 80),
          port(base + 1, 81, { range: 2 }),
          port(base + 10, base + 10, { protocol: 'udp' }),
          port(base + 20, 80, { hostIp: '127.0.0.1' }),
        ];
        const one = await driver.call('setup', mode, [], ports);
        const two = await driver.call('setup', mode, [], [port(base + 100, 80)]);
        onTestFinished(async () => {
          await driver.call('teardown', one.state);
          await driver.call('teardown', two.state);
        });
        const [onePath, twoPath] = [one.sandboxPath ?? '', two.sandboxPath ?? ''];
        await driver.call('serve', onePath, 'one', '80/tcp', '81/tcp', '82/tcp', `${base + 10}/udp`);
        await driver.call('serve', twoPath, 'two', '80/tcp');
        for (const host of ['127.0.0.1', ...(ownAddress === undefined ? [] : [ownAddress])]) {
          expect(await ask(host, base)).toBe('one 80');
          expect(await ask(host, base + 1)).toBe('one 81');
          expect(await ask(host, base + 2)).toBe('one 82');
        }
        // What the warnings say does not work is not asked for.
        const udpHost = mode === 'pasta' ? '127.0.0.1' : ownAddress;
        if (udpHost !== undefined) expect(await askUdp(udpHost, base + 10)).toBe(`one ${base + 10}`);
        if (mode === 'slirp4netns') expect(one.warnings).toEqual([expect.stringContaining(`udp port ${base + 10}`)]);
        expect(await ask('127.0.0.1', base + 20)).toBe('one 80');
        if (ownAddress !== undefined) expect(await ask(ownAddress, base + 20)).toBeUndefined();
        expect(await ask('127.0.0.1', base + 100)).toBe('two 80');

        expect(helpersOf(onePath)).not.toBe('');
        await driver.call('teardown', one.state);
        await driver.call('teardown', one.state);
        expect(helpersOf(onePath)).toBe('');
        expect(await ask('127.0.0.1', base)).toBeUndefined();
        expect(await ask('127.0.0.1', base + 100)).toBe('two 80');
        const again = await driver.call('setup', mode, [], ports);
        await driver.call('teardown', again.state);
        await driver.call('teardown', two.state);
        expect(helpersOf(twoPath)).toBe('');
      });

      test('names the process that has a port, and leaves nothing behind', async () => {
        const server = createServer().listen(base + 200, '0.0.0.0');
        await once(server, 'listening');
        try {
          await expect(driver.call('setup', mode, [], [port(base + 200, 80)])).rejects.toMatchObject({
            code: 'port-in-use',
            details: { port: base + 200 },
          });
        } finally {
          server.close();
        }
        expect(await driver.call('mounts')).toBe(0);
      });

      test('refuses a privileged port with the sysctl that would allow it', async () => {
        await expect(driver.call('validate', mode, [], [port(80, 80)])).rejects.toMatchObject({
          code: 'denied',
          fix: expect.stringContaining('ip_unprivileged_port_start') as unknown,
        });
      });

      test('chooses free host ports, in a row for a range', async () => {
        const [one, two] = await driver.call(
          'validate',
          mode,
          [],
          [
            { ...port(1, 80), hostPort: undefined },
            { ...port(1, 90, { range: 5 }), hostPort: undefined },
          ],
        );
        expect(one?.hostPort).toBeGreaterThan(1024);
        expect(two?.range).toBe(5);
        expect(two?.hostPort).toBeGreaterThan(1024);
      });
    });
  }

  test.skipIf(processes.find('slirp4netns') === undefined)('slirp4netns takes its words (skipped when not installed)', async () => {
    const setup = await driver.call(
      'setup',
      'slirp4netns',
      ['cidr=10.77.0.0/24', 'mtu=1400', 'enable_ipv6=false', 'port_handler=slirp4netns'],
      [port(27900, 80)],
    );
    await driver.call('serve', setup.sandboxPath ?? '', 'words', '80/tcp');
    expect(setup).toMatchObject({ address: '10.77.0.100', hostAddress: '10.77.0.2', dnsServers: ['10.77.0.3'] });
    expect(await ask('127.0.0.1', 27900)).toBe('words 80');
    await driver.call('teardown', setup.state);
  });

  test.skipIf(processes.find('slirp4netns') === undefined)('a helper whose pid was lost is found by its namespace', async () => {
    const setup = await driver.call('setup', 'slirp4netns', [], []);
    await driver.call('teardown', { ...(setup.state as object), pid: undefined });
    expect(helpersOf(setup.sandboxPath ?? '')).toBe('');
  });

  test('describes its programs with their versions', async () => {
    const [bridge, rootless] = await driver.call('describe');
    for (const tool of [bridge, rootless]) expect(tool.path === '' || tool.version !== '').toBe(true);
  });
});
