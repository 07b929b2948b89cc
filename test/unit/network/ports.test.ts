import { describe, expect, test } from 'vitest';
import {
  checkDuplicates,
  checkHolders,
  checkListeners,
  checkPort,
  chooseHostPorts,
  describePort,
  portsOverlap,
} from '../../../src-main/engine/network/ports.ts';
import { pastaPortArguments } from '../../../src-main/engine/network/pasta.ts';
import type { PortMapping } from '../../../src-main/contract/container-spec.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import type { System } from '../../../src-main/system/system.ts';

function port(hostPort: number | undefined, containerPort: number, more: Partial<PortMapping> = {}): PortMapping {
  return { hostIp: '', hostPort, containerPort, range: 1, protocol: 'tcp', ...more };
}

/** A host on which somebody listens on the given ports. */
function hostWith(...busy: readonly number[]): System {
  const system = createLinuxSystem();
  return {
    ...system,
    sockets: {
      ...system.sockets,
      listenerOn: (_protocol, number) => (busy.includes(number) ? { owner: { pid: 4711, command: 'nginx' } } : undefined),
    },
  };
}

describe('overlap', () => {
  test.each([
    [port(80, 1), port(80, 2), true],
    [port(80, 1), port(81, 1), false],
    [port(80, 1, { range: 5 }), port(84, 1), true],
    [port(80, 1, { range: 5 }), port(85, 1), false],
    [port(80, 1), port(80, 1, { protocol: 'udp' }), false],
    [port(80, 1, { hostIp: '127.0.0.1' }), port(80, 1, { hostIp: '127.0.0.2' }), false],
    [port(80, 1, { hostIp: '127.0.0.1' }), port(80, 1, { hostIp: '0.0.0.0' }), true],
    [port(undefined, 1), port(80, 1), false],
  ])('%j and %j: %s', (a, b, expected) => {
    expect(portsOverlap(a, b)).toBe(expected);
    expect(portsOverlap(b, a)).toBe(expected);
  });
});

describe('checks', () => {
  test.each([
    [port(65535, 80, { range: 2 })],
    [port(80, 65535, { range: 2 })],
    [port(80, 80, { hostIp: 'localhost' })],
    [port(80, 80, { hostIp: '203.0.113.77' })],
  ])('%j is refused', (bad) => expect(() => checkPort(bad)).toThrow(expect.objectContaining({ code: 'invalid-argument' })));

  test('a conflict names the container and its port', () => {
    const holder = { containerId: 'ab'.repeat(32), containerName: 'web', ports: [port(8080, 80, { range: 3 })] };
    expect(() => checkHolders([port(8082, 80)], [holder])).toThrow(
      expect.objectContaining({ code: 'port-in-use', message: 'port 8082/tcp is already published by container web (abababababab)' }),
    );
    expect(() => checkHolders([port(8083, 80)], [holder])).not.toThrow();
  });

  test('a conflict names the process, inside of a range too', () => {
    expect(() => checkListeners(hostWith(8081), [port(8080, 80, { range: 3 })])).toThrow(
      expect.objectContaining({ code: 'port-in-use', message: 'port 8081/tcp is already in use by process 4711 (nginx)' }),
    );
  });

  test('one request may not claim a port twice', () => {
    expect(() => checkDuplicates([port(8080, 80), port(8079, 90, { range: 2 })])).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }),
    );
  });
});

describe('choosing', () => {
  test('keeps what was asked for and avoids everything that is taken', () => {
    const holder = { containerId: 'a', containerName: 'b', ports: [port(32768, 80, { range: 20_000 })] };
    const chosen = chooseHostPorts(hostWith(), [port(8080, 80), port(undefined, 81, { range: 10 }), port(undefined, 82)], [holder]);
    expect(chosen[0]?.hostPort).toBe(8080);
    expect(chosen[1]?.hostPort).toBeGreaterThanOrEqual(52768);
    for (const one of chosen) for (const other of chosen) if (one !== other) expect(portsOverlap(one, other)).toBe(false);
  });

  test('says so when there is nothing left', () => {
    expect(() => chooseHostPorts(hostWith(), [port(undefined, 1, { range: 60_000 })], [])).toThrow(
      expect.objectContaining({ code: 'port-in-use' }),
    );
  });
});

test('pasta gets one word for each port, so that each failure counts', () => {
  const ports = [
    { ...port(8080, 80, { range: 2, hostIp: '127.0.0.1' }), hostPort: 8080 },
    { ...port(53, 5353, { protocol: 'udp' }), hostPort: 53 },
  ];
  expect(pastaPortArguments(ports, [])).toEqual([
    '-t',
    '127.0.0.1/8080:80',
    '-t',
    '127.0.0.1/8081:81',
    '-u',
    '53:5353',
    '-T',
    'none',
    '-U',
    'none',
  ]);
  expect(pastaPortArguments([], ['-T', '22'])).toEqual(['-t', 'none', '-u', 'none', '-U', 'none']);
});

test('a port is described as a person writes it', () => {
  expect(describePort(port(8080, 80, { hostIp: '::1', range: 3, protocol: 'udp' }))).toBe('[::1]:8080-8082->80-82/udp');
});
