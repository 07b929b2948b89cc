import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import { addressBookDirectory } from '../../../src-main/engine/network/address-book.ts';
import { ask, askUdp, openSandbox, port, request, serve, type Sandbox } from './sandbox.ts';

const { processes, identity } = createLinuxSystem();
const lack =
  identity.uid !== 0 || identity.rootless
    ? 'needs root'
    : processes.find('netavark') === undefined
      ? 'netavark is not installed'
      : processes.find('iptables') === undefined && processes.find('nft') === undefined
        ? 'neither iptables nor nft is installed'
        : undefined;

const ownAddress = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find((entry) => entry.family === 'IPv4' && !entry.internal)?.address;

function rules(): string {
  try {
    return execFileSync('iptables-save', { encoding: 'utf8' });
  } catch {
    return execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' });
  }
}

describe.skipIf(lack !== undefined)(`bridge network${lack === undefined ? '' : ` (skipped: ${lack})`}`, () => {
  let sandbox: Sandbox;
  let interfacesBefore: string[];
  beforeAll(() => {
    interfacesBefore = Object.keys(networkInterfaces());
    sandbox = openSandbox();
  });
  afterAll(() => {
    sandbox.dispose();
    expect(Object.keys(networkInterfaces()).filter((name) => name.startsWith('sk-') && !interfacesBefore.includes(name))).toEqual([]);
  });

  async function connected(ports: Parameters<typeof request>[2], options: readonly string[] = []) {
    const wish = request(sandbox, 'bridge', ports, options);
    const setup = await sandbox.network.setup(wish);
    const settings = await setup.connected;
    return { wish, setup, settings, sandboxPath: setup.sandboxPath ?? '' };
  }

  test('publishes tcp, udp and ranges on loopback and on the host’s own address, for two containers at once', async () => {
    const one = await connected([port(28080, 80), port(28081, 81, { range: 2 }), port(28090, 90, { protocol: 'udp' })]);
    const two = await connected([port(28180, 80, { hostIp: '127.0.0.1' })]);
    const servers = [
      await serve(one.sandboxPath, 'one', '80/tcp', '81/tcp', '82/tcp', '90/udp'),
      await serve(two.sandboxPath, 'two', '80/tcp'),
    ];
    try {
      expect(one.settings.networks[0]?.ipAddress).toBe(one.setup.address);
      expect(two.setup.address).not.toBe(one.setup.address);
      for (const host of ['127.0.0.1', ...(ownAddress === undefined ? [] : [ownAddress])]) {
        expect(await ask(host, 28080)).toBe('one 80');
        expect(await ask(host, 28081)).toBe('one 81');
        expect(await ask(host, 28082)).toBe('one 82');
        expect(await askUdp(host, 28090)).toBe('one 90');
      }
      expect(await ask('127.0.0.1', 28180)).toBe('two 80');
      if (ownAddress !== undefined) expect(await ask(ownAddress, 28180)).toBeUndefined();
    } finally {
      for (const server of servers) await server.stop();
      await sandbox.network.teardown(one.setup.state);
      await sandbox.network.teardown(two.setup.state);
    }
    expect(rules()).not.toContain(one.setup.address);
    expect(rules()).not.toContain(one.wish.containerId);
    expect(existsSync(one.sandboxPath)).toBe(false);
    expect(await ask('127.0.0.1', 28080)).toBeUndefined();
  });

  test('takes a given address and MAC, refuses an address that another has', async () => {
    const any = await connected([]);
    const subnet = (any.setup.address ?? '').split('.').slice(0, 3).join('.');
    const wanted = `${subnet}.200`;
    const given = await connected([], [`ip=${wanted}`, 'mac=92:d0:c6:0a:29:33', 'interface_name=net7']);
    try {
      expect(given.settings.networks[0]).toMatchObject({ ipAddress: wanted, macAddress: '92:d0:c6:0a:29:33', interfaceName: 'net7' });
      const refused = request(sandbox, 'bridge', [], [`ip=${wanted}`]);
      await expect(sandbox.network.setup(refused)).rejects.toMatchObject({ code: 'already-exists' });
      expect(existsSync(`${sandbox.runRoot}/netns/${refused.containerId}`)).toBe(false);
    } finally {
      await sandbox.network.teardown(given.setup.state);
      await sandbox.network.teardown(any.setup.state);
    }
  });

  test('names who has a port: another container, a process', async () => {
    const holder = await connected([port(28280, 80)]);
    const server = createServer().listen(28281, '0.0.0.0');
    await once(server, 'listening');
    try {
      await expect(sandbox.network.setup(request(sandbox, 'bridge', [port(28280, 8080)]))).rejects.toMatchObject({
        code: 'port-in-use',
        details: { port: 28280, owner: { container: holder.wish.containerName } },
      });
      expect(() => sandbox.network.validate('bridge', [], [port(28281, 80)])).toThrow(
        expect.objectContaining({
          code: 'port-in-use',
          details: expect.objectContaining({ owner: expect.objectContaining({ pid: process.pid }) as unknown }) as unknown,
        }),
      );
    } finally {
      server.close();
      await sandbox.network.teardown(holder.setup.state);
    }
  });

  test('tears down twice, from another engine, and when the namespace is gone; the port is free afterwards', async () => {
    const lost = await connected([port(28380, 80)]);
    sandbox.system.namespaces.removeNetwork(lost.sandboxPath);
    const other = openSandbox();
    try {
      await sandbox.network.teardown(JSON.parse(JSON.stringify(lost.setup.state)));
      await sandbox.network.teardown(lost.setup.state);
      await other.network.teardown(lost.setup.state);
    } finally {
      other.dispose();
    }
    expect(rules()).not.toContain(lost.wish.containerId);
    const again = await connected([port(28380, 80)]);
    await sandbox.network.teardown(again.setup.state);
  });

  test('takes back what an engine that was killed has left', async () => {
    const left = await connected([port(28480, 80)]);
    // As if by another engine: the book says which process asked, and that one is dead.
    const file = execFileSync('grep', ['-l', left.wish.containerId, '-r', addressBookDirectory], { encoding: 'utf8' }).trim();
    const book = readFileSync(file, 'utf8').replace(`"pid":${process.pid}`, '"pid":999999999');
    sandbox.system.files.writeAtomically(file, book);
    const next = await connected([port(28480, 80)]);
    const server = await serve(next.sandboxPath, 'next', '80/tcp');
    try {
      expect(await ask('127.0.0.1', 28480)).toBe('next 80');
      expect(existsSync(left.sandboxPath)).toBe(false);
      expect(rules()).not.toContain(left.wish.containerId);
    } finally {
      await server.stop();
      await sandbox.network.teardown(next.setup.state);
    }
  });

  test('eight at once get eight addresses', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => connected([])));
    expect(new Set(all.map((one) => one.setup.address)).size).toBe(8);
    await Promise.all(all.map((one) => sandbox.network.teardown(one.setup.state)));
    expect(rules()).not.toContain(all[0]?.setup.address);
  });
});
