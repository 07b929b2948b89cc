import { describe, expect, test } from 'vitest';
import { parseBridgeWords, parsePastaWords, parseSlirpWords, refuseWords } from '../../../src-main/engine/network/words.ts';
import { formatSubnet } from '../../../src-main/engine/network/ipv4.ts';

const refused = (code = 'invalid-argument'): unknown => expect.objectContaining({ code });

describe('bridge', () => {
  test('knows ip, mac, interface_name and the names of the default network', () => {
    expect(parseBridgeWords(['podman', 'ip=10.87.0.9', 'mac=92:D0:C6:0A:29:33', 'interface_name=net1'])).toEqual({
      address: '10.87.0.9',
      macAddress: '92:d0:c6:0a:29:33',
      interfaceName: 'net1',
    });
    expect(parseBridgeWords([])).toEqual({ address: undefined, macAddress: undefined, interfaceName: 'eth0' });
  });

  test.each([
    ['ip=10.87.0', 'invalid-argument'],
    ['ip=fd00::1', 'invalid-argument'],
    ['mac=92:d0:c6:0a:29', 'invalid-argument'],
    ['mac=01:00:5e:00:00:01', 'invalid-argument'],
    ['interface_name=../x', 'invalid-argument'],
    ['interface_name=lo', 'invalid-argument'],
    ['alias=web', 'unsupported'],
    ['frobnicate=1', 'invalid-argument'],
    ['mynet', 'not-found'],
  ])('%s is refused as %s, by name', (word, code) => {
    expect(() => parseBridgeWords([word])).toThrow(refused(code));
    expect(() => parseBridgeWords([word])).toThrow(word.split('=')[0] ?? word);
  });
});

describe('slirp4netns', () => {
  test('reads its words', () => {
    const words = parseSlirpWords(['cidr=10.41.7.3/24', 'mtu=1500', 'allow_host_loopback=true', 'enable_ipv6=false', 'outbound_addr=eth0']);
    expect({ ...words, subnet: formatSubnet(words.subnet) }).toEqual({
      subnet: '10.41.7.0/24',
      mtu: 1500,
      allowHostLoopback: true,
      enableIpv6: false,
      outboundAddress: 'eth0',
      outboundAddress6: undefined,
    });
  });

  test.each([
    ['mtu=0', 'invalid-argument'],
    ['mtu=65522', 'invalid-argument'],
    ['mtu=1e3', 'invalid-argument'],
    ['cidr=10.0.2.0', 'invalid-argument'],
    ['cidr=10.0.2.0/26', 'invalid-argument'],
    ['allow_host_loopback=yes', 'invalid-argument'],
    ['outbound_addr=;reboot', 'invalid-argument'],
    ['port_handler=rootlesskit', 'unsupported'],
    ['port_handler=other', 'invalid-argument'],
    ['--api-socket=/tmp/x', 'invalid-argument'],
  ])('%s is refused as %s', (word, code) => {
    expect(() => parseSlirpWords([word])).toThrow(refused(code));
  });
});

describe('pasta', () => {
  test('hands on its own options in either form', () => {
    expect(parsePastaWords(['--mtu=1400', '-T', '5201', '-4', '--map-gw', '--dns', '::1'])).toEqual([
      '--mtu',
      '1400',
      '-T',
      '5201',
      '-4',
      '--map-gw',
      '--dns',
      '::1',
    ]);
  });

  test.each([
    '--netns',
    '--pid=/etc/passwd',
    '-P',
    '--pcap',
    '--log-file=/tmp/x',
    '--runas',
    '--userns',
    '--foreground',
    '--fd',
    'mtu=1',
    '/etc',
  ])('%s would take the process out of our hands: refused', (word) => expect(() => parsePastaWords([word, '1'])).toThrow(refused()));

  test.each([['--mtu'], ['--mtu', '-P'], ['--mtu='], ['-a', 'x y'], ['-a', '$(id)']])('%j has no proper value', (...words) => {
    expect(() => parsePastaWords(words)).toThrow(refused());
  });
});

test('host and none take no words', () => {
  expect(() => refuseWords('host', ['x'])).toThrow(refused());
  expect(() => refuseWords('none', [])).not.toThrow();
});
