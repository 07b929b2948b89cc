/** The words after the colon of `--network MODE:words`, each known or refused by name. */
import { isIP } from 'node:net';
import { EngineError } from '../../base/errors.ts';
import { contains, parseIpv4, parseSubnet, type Ipv4Subnet } from './ipv4.ts';
import type { ResolvedNetworkMode } from './network.ts';

export interface BridgeWords {
  readonly address: string | undefined;
  readonly macAddress: string | undefined;
  readonly interfaceName: string;
}

export interface SlirpWords {
  readonly subnet: Ipv4Subnet;
  readonly mtu: number;
  readonly allowHostLoopback: boolean;
  readonly enableIpv6: boolean;
  /** An address, or the name of an interface. */
  readonly outboundAddress: string | undefined;
  readonly outboundAddress6: string | undefined;
}

function refuse(mode: ResolvedNetworkMode, word: string, why: string, fix?: string): never {
  throw new EngineError('invalid-argument', `network option ${JSON.stringify(word)} of ${mode}: ${why}`, {
    details: { field: 'network' },
    ...(fix === undefined ? {} : { fix }),
  });
}

function unsupported(mode: ResolvedNetworkMode, word: string, why: string, fix: string): never {
  throw new EngineError('unsupported', `network option ${JSON.stringify(word)} of ${mode} is not supported: ${why}`, {
    details: { field: 'network' },
    fix,
  });
}

function split(word: string): readonly [name: string, value: string | undefined] {
  const equals = word.indexOf('=');
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}

export function refuseWords(mode: 'host' | 'none', words: readonly string[]): void {
  const [first] = words;
  if (first !== undefined) refuse(mode, first, 'this mode takes no options', `use --network ${mode}`);
}

/** Names by which the default network may be called. */
const defaultNetworkNames = new Set(['podman', 'bridge', 'selkie', 'default']);

export function parseBridgeWords(words: readonly string[]): BridgeWords {
  let address: string | undefined;
  let macAddress: string | undefined;
  let interfaceName = 'eth0';
  for (const word of words) {
    const [name, value] = split(word);
    if (value === undefined) {
      if (!defaultNetworkNames.has(name))
        throw new EngineError('not-found', `there is no network named ${JSON.stringify(name)}`, {
          fix: 'use --network bridge, the default network',
          details: { field: 'network' },
        });
    } else if (name === 'ip') {
      if (parseIpv4(value) === undefined) refuse('bridge', word, 'not an IPv4 address');
      address = value;
    } else if (name === 'mac') {
      if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(value)) refuse('bridge', word, 'not a MAC address such as 92:d0:c6:0a:29:33');
      if ((parseInt(value.slice(0, 2), 16) & 1) === 1) refuse('bridge', word, 'a multicast address cannot be that of an interface');
      macAddress = value.toLowerCase();
    } else if (name === 'interface_name') {
      if (!isInterfaceName(value)) refuse('bridge', word, 'not a name for an interface');
      interfaceName = value;
    } else if (name === 'alias') {
      unsupported('bridge', word, 'the default network has no name service', 'leave alias= out');
    } else refuse('bridge', word, 'unknown', 'known ones are ip=, mac= and interface_name=');
  }
  return { address, macAddress, interfaceName };
}

function isInterfaceName(value: string): boolean {
  return /^[a-zA-Z0-9_.-]{1,15}$/.test(value) && value !== '.' && value !== '..' && value !== 'lo';
}

export function parseSlirpWords(words: readonly string[]): SlirpWords {
  let result: SlirpWords = {
    subnet: { base: 0x0a000200, prefix: 24 },
    mtu: 65520,
    allowHostLoopback: false,
    enableIpv6: true,
    outboundAddress: undefined,
    outboundAddress6: undefined,
  };
  for (const word of words) result = { ...result, ...parseSlirpWord(word) };
  return result;
}

function parseSlirpWord(word: string): Partial<SlirpWords> {
  const [name, value = ''] = split(word);
  switch (name) {
    case 'allow_host_loopback':
      return { allowHostLoopback: parseBoolean(word, value) };
    case 'enable_ipv6':
      return { enableIpv6: parseBoolean(word, value) };
    case 'mtu': {
      const mtu = Number(value);
      // slirp4netns(1): max 65521; 68 is the least that IPv4 allows (RFC 791).
      if (!/^\d+$/.test(value) || mtu < 68 || mtu > 65521) refuse('slirp4netns', word, 'the MTU is a number from 68 to 65521');
      return { mtu };
    }
    case 'cidr': {
      const subnet = parseSubnet(value);
      if (subnet === undefined || subnet.prefix < 1 || subnet.prefix > 25)
        refuse('slirp4netns', word, 'a network such as 10.0.2.0/24, with a prefix of at most 25 bits');
      return { subnet };
    }
    case 'outbound_addr':
      if (isIP(value) !== 4 && !isInterfaceName(value)) refuse('slirp4netns', word, 'neither an IPv4 address nor an interface');
      return { outboundAddress: value };
    case 'outbound_addr6':
      if (isIP(value) !== 6 && !isInterfaceName(value)) refuse('slirp4netns', word, 'neither an IPv6 address nor an interface');
      return { outboundAddress6: value };
    case 'port_handler':
      if (value === 'slirp4netns') return {};
      if (value === 'rootlesskit')
        unsupported(
          'slirp4netns',
          word,
          'ports are published by slirp4netns itself',
          'leave it out, or use --network pasta, which is fast',
        );
      return refuse('slirp4netns', word, 'unknown port handler', 'use port_handler=slirp4netns');
    default:
      return refuse(
        'slirp4netns',
        word,
        'unknown',
        'known ones are allow_host_loopback=, mtu=, cidr=, enable_ipv6=, outbound_addr=, outbound_addr6= and port_handler=slirp4netns',
      );
  }
}

function parseBoolean(word: string, value: string): boolean {
  if (value === 'true') return true;
  if (value === 'false') return false;
  return refuse('slirp4netns', word, 'true or false');
}

/** slirp4netns(1): the container is .100, the host .2, the name server .3 of the network. */
export function slirpAddresses(subnet: Ipv4Subnet): { readonly container: number; readonly gateway: number; readonly dns: number } {
  const addresses = { container: subnet.base + 100, gateway: subnet.base + 2, dns: subnet.base + 3 };
  if (!contains(subnet, addresses.container)) throw new EngineError('internal', 'a slirp4netns network too small for its container');
  return addresses;
}

const pastaFlags = new Set(
  '--no-tcp --no-udp --no-icmp --no-dhcp --no-ndp --no-dhcpv6 --no-ra --no-map-gw --map-gw -4 --ipv4-only -6 --ipv6-only --dhcp-dns --no-dhcp-dns --dhcp-search --no-dhcp-search'.split(
    ' ',
  ),
);

const pastaOptions = new Set(
  (
    '-m --mtu -a --address -n --netmask -M --mac-addr --ns-mac-addr -g --gateway -i --interface -o --outbound --outbound-if4 --outbound-if6 ' +
    '-I --ns-ifname -D --dns --dns-forward --dns-host -S --search -t --tcp-ports -u --udp-ports -T --tcp-ns -U --udp-ns --map-guest-addr --map-host-loopback'
  ).split(' '),
);

/** pasta(1)'s own options, one word each, `--mtu,1500` or `--mtu=1500`; those that would take the process out of our hands are refused. */
export function parsePastaWords(words: readonly string[]): readonly string[] {
  const result: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (pastaFlags.has(word)) {
      result.push(word);
      continue;
    }
    const [name, inline] = word.startsWith('--') ? split(word) : [word, undefined];
    if (!pastaOptions.has(name)) refuse('pasta', word, 'unknown, or one that Selkie sets itself', 'see pasta(1) for the options');
    const value = inline ?? words[++index];
    if (value === undefined) refuse('pasta', word, 'a value is missing');
    if (!/^[A-Za-z0-9~][A-Za-z0-9.:/~%_-]*$|^::[0-9a-fA-F:./]*$/.test(value))
      refuse('pasta', `${name} ${value}`, 'not a value that this option takes');
    result.push(name, value);
  }
  return result;
}
