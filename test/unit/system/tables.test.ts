import { createServer } from 'node:net';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { parseCgroupFile } from '../../../src-main/system/linux/cgroups.ts';
import { parseIdMap } from '../../../src-main/system/linux/identity.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import { parseMountInfo } from '../../../src-main/system/linux/mounts.ts';
import { parseSocketTable } from '../../../src-main/system/linux/port-owner.ts';

const system = createLinuxSystem();

test('mountinfo: optional fields, escapes, lines that make no sense', () => {
  const entries = parseMountInfo(
    [
      '36 35 98:0 /mnt1 /with\\040blank rw,noatime master:1 shared:2 - ext3 /dev/ro\\134ot rw,errors=continue',
      '37 35 0:40 / /plain rw - tmpfs tmpfs rw',
      'nonsense',
      '',
    ].join('\n'),
  );
  expect(entries).toHaveLength(2);
  expect(entries[0]).toEqual({
    id: 36,
    parentId: 35,
    root: '/mnt1',
    mountPoint: '/with blank',
    type: 'ext3',
    source: '/dev/ro\\ot',
    options: ['rw', 'noatime'],
    superOptions: ['rw', 'errors=continue'],
  });
  expect(system.mounts.list().some((entry) => entry.mountPoint === '/')).toBe(true);
  expect(system.mounts.isMountPoint('/proc')).toBe(true);
  expect(system.mounts.isMountPoint('/proc/self')).toBe(false);
  expect(system.mounts.isMountPoint('/no/such/path')).toBe(false);
});

test('mount options beyond a page are refused before the kernel cuts them', () => {
  expect(() => system.mounts.mount('overlay', '/nowhere', 'overlay', [], `lowerdir=${'x'.repeat(5000)}`)).toThrow(
    expect.objectContaining({ code: 'limit-exceeded' }),
  );
  expect(() => system.mounts.mount('none', '/no/such', 'tmpfs', [])).toThrow(expect.objectContaining({ name: 'EngineError' }));
});

test('cgroup lines of v1, hybrid and v2', () => {
  const paths = parseCgroupFile('4:cpu,cpuacct:/a:b\n1:name=systemd:/init\n0::/user.slice\n');
  expect([...paths]).toEqual([
    ['cpu', '/a:b'],
    ['cpuacct', '/a:b'],
    ['name=systemd', '/init'],
    ['', '/user.slice'],
  ]);
  expect(system.cgroups.pathsOf(process.pid).size).toBeGreaterThan(0);
});

test('accounting answers for a living process and nothing for a dead one', () => {
  const usage = system.cgroups.usageOf(process.pid);
  expect(usage?.cpuTotalNs).toBeGreaterThan(0);
  expect(usage?.memoryBytes).toBeGreaterThan(1e6);
  expect(usage?.pids).toBeGreaterThan(0);
  expect(system.cgroups.usageOf(2 ** 22 + 1)).toBeUndefined();
});

test('id maps', () => {
  expect(parseIdMap('         0       1000          1\n         1     100000      65536\n')).toEqual([
    { containerId: 0, hostId: 1000, size: 1 },
    { containerId: 1, hostId: 100000, size: 65536 },
  ]);
  expect(system.identity.bootId).toMatch(/^[0-9a-f-]{36}$/);
  expect(system.identity.hostUid).toBe(process.getuid?.());
});

test('socket tables: IPv4, IPv6 and mapped addresses', () => {
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 100 1
   1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1
   2: 0000000000000000FFFF00000100007F:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 102 1
   3: 0100007F:1F91 0100007F:1234 01 00000000:00000000 00:00000000 00000000     0        0 103 1
`;
  expect(parseSocketTable(text, '0A')).toEqual([
    { address: '127.0.0.1', port: 8080, inode: '100' },
    { address: '::1', port: 80, inode: '101' },
    { address: '::ffff:127.0.0.1', port: 81, inode: '102' },
  ]);
});

test('who listens on a port is found, by the address that is wanted', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(system.sockets.listenerOn('tcp', port)).toEqual({ owner: { pid: process.pid, command: expect.any(String) as string } });
  expect(system.sockets.listenerOn('tcp', port, '127.0.0.1')?.owner?.pid).toBe(process.pid);
  expect(system.sockets.listenerOn('tcp', port, '127.0.0.9')).toBeUndefined();
  expect(system.sockets.listenerOn('udp', port)).toBeUndefined();
  server.close();
  await once(server, 'close');
  expect(system.sockets.listenerOn('tcp', port)).toBeUndefined();

  const datagrams = createSocket('udp4').bind(0, '127.0.0.1');
  await once(datagrams, 'listening');
  expect(system.sockets.listenerOn('udp', datagrams.address().port, '0.0.0.0')?.owner?.pid).toBe(process.pid);
  datagrams.close();
});
