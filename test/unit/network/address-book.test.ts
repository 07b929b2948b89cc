import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AddressBook, type LeaseRequest } from '../../../src-main/engine/network/address-book.ts';
import {
  chooseSubnet,
  contains,
  formatIpv4,
  formatSubnet,
  overlap,
  parseIpv4,
  parseRoutes,
  parseSubnet,
} from '../../../src-main/engine/network/ipv4.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

const system = createLinuxSystem();
let root: string;
let directory: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'selkie-book-'));
  directory = join(root, 'books');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function bookOf(name: string): AddressBook {
  mkdirSync(join(root, name), { recursive: true });
  return new AddressBook(system, join(root, name), directory);
}

function wish(containerId: string, more: Partial<LeaseRequest> = {}): LeaseRequest {
  return {
    containerId,
    containerName: `name-${containerId}`,
    netnsPath: `/netns/${containerId}`,
    macAddress: undefined,
    interfaceName: 'eth0',
    firewall: '',
    ports: [],
    address: undefined,
    ...more,
  };
}

describe('address book', () => {
  test('gives each its own, not the last one again, and goes with the last lease', async () => {
    const book = bookOf('run');
    const one = await book.lease(wish('one'));
    const two = await book.lease(wish('two'));
    expect(parseIpv4(two.lease.address)).toBe((parseIpv4(one.lease.address) ?? 0) + 1);
    await book.release('two');
    const three = await book.lease(wish('three'));
    expect(three.lease.address).not.toBe(two.lease.address);
    for (const id of ['one', 'three', 'three', 'never']) await book.release(id);
    expect(readdirSync(directory).filter((name) => name.endsWith('.json'))).toEqual([]);
  });

  test('fifty at once from two engines get fifty addresses', async () => {
    const [even, odd] = [bookOf('run'), bookOf('run')];
    const leases = await Promise.all(Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? even : odd).lease(wish(`c${index}`))));
    expect(new Set(leases.map((entry) => entry.lease.address)).size).toBe(50);
  });

  test('two run roots never share a subnet, a bridge or a name; a vanished one frees its own', async () => {
    const one = await bookOf('one').lease(wish('a'));
    const two = await bookOf('two').lease(wish('a'));
    const [first, second] = [parseSubnet(one.network.subnet), parseSubnet(two.network.subnet)];
    expect(first && second && overlap(first, second)).toBe(false);
    expect(one.network.bridge).not.toBe(two.network.bridge);
    expect(one.network.network).not.toBe(two.network.network);
    expect(one.network.bridge.length).toBeLessThanOrEqual(15);
    rmSync(join(root, 'one'), { recursive: true });
    const three = await bookOf('three').lease(wish('a'));
    expect(three.network.subnet).toBe(one.network.subnet);
  });

  test('refuses an address or a port that another has, even of another run root', async () => {
    const port = { hostIp: '', hostPort: 8080, containerPort: 80, range: 1, protocol: 'tcp' } as const;
    const held = await bookOf('one').lease(wish('holder', { ports: [port] }));
    await expect(bookOf('two').lease(wish('b', { ports: [port] }))).rejects.toMatchObject({
      code: 'port-in-use',
      message: expect.stringContaining('name-holder') as unknown,
    });
    await expect(bookOf('one').lease(wish('c', { address: held.lease.address }))).rejects.toMatchObject({ code: 'already-exists' });
    await expect(bookOf('one').lease(wish('c', { address: held.network.gateway }))).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(bookOf('one').lease(wish('c', { address: '8.8.8.8' }))).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  test('only leases of dead engines whose container is not connected are stale', async () => {
    const book = bookOf('run');
    await book.lease(wish('alive'));
    expect(book.stale(() => false)).toEqual([]);
    const file = readdirSync(directory).find((name) => name.endsWith('.json')) ?? '';
    const text = system.files.readTextIfExists(join(directory, file)) ?? '';
    writeFileSync(join(directory, file), text.replace(`"pid":${process.pid}`, '"pid":999999999'));
    expect(book.stale(() => true)).toEqual([]);
    expect(book.stale(() => false).map(({ lease }) => lease.containerId)).toEqual(['alive']);
  });

  test('a damaged book is said to be one', async () => {
    const book = bookOf('run');
    await book.lease(wish('a'));
    const file = readdirSync(directory).find((name) => name.endsWith('.json')) ?? '';
    writeFileSync(join(directory, file), '{"leases": 7');
    await expect(book.lease(wish('b'))).rejects.toMatchObject({ code: 'corrupt' });
  });
});

describe('subnets', () => {
  test('text and numbers are each other’s inverse', () => {
    for (const address of ['0.0.0.0', '10.88.0.1', '255.255.255.255']) expect(formatIpv4(parseIpv4(address) ?? -1)).toBe(address);
    expect(formatSubnet(parseSubnet('192.168.7.9/22') ?? { base: 0, prefix: 0 })).toBe('192.168.4.0/22');
    for (const bad of ['10.0.0.0', '10.0.0.0/33', '10.0.0/8', 'x/8', '10.0.0.0/-1']) expect(parseSubnet(bad)).toBeUndefined();
  });

  test('reads the kernel’s table', () => {
    const table =
      'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\neth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\npodman0\t0000580A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n';
    expect(parseRoutes(table).map(({ interfaceName, subnet }) => `${interfaceName} ${formatSubnet(subnet)}`)).toEqual([
      'podman0 10.88.0.0/16',
    ]);
  });

  test('a VPN over all of 10/8 is respected; when everything is taken it says so', () => {
    const chosen = chooseSubnet([parseSubnet('10.0.0.0/8') ?? { base: 0, prefix: 8 }]);
    expect(contains(parseSubnet('172.16.0.0/16') ?? chosen, chosen.base)).toBe(true);
    expect(() => chooseSubnet([{ base: 0, prefix: 0 }])).toThrow(expect.objectContaining({ code: 'unavailable' }));
  });
});
