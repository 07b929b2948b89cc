import { describe, expect, test } from 'vitest';
import { hostsText, resolvText } from '../../../src-main/engine/container/etc-files.ts';
import type { ContainerConfig } from '../../../src-main/engine/state/state.ts';

const wanted = { ownNamespace: true, servers: [], search: [], options: [] };

describe('/etc/resolv.conf', () => {
  test('without the resolvers that a container cannot reach', () => {
    expect(resolvText('nameserver 127.0.0.1\nnameserver 10.0.0.2 # ours\nsearch a b\noptions ndots:2\n', wanted)).toBe(
      'search a b\nnameserver 10.0.0.2\noptions ndots:2\n',
    );
    expect(resolvText('nameserver ::1\nnameserver fe80::1%eth0\n', wanted)).toBe('nameserver 8.8.8.8\nnameserver 8.8.4.4\n');
    expect(resolvText('nameserver 127.0.0.1\n', { ...wanted, ownNamespace: false })).toBe('nameserver 127.0.0.1\n');
  });

  test('what was asked for, in place of the host’s', () => {
    expect(resolvText('nameserver 1.1.1.1\nsearch a\n', { ...wanted, servers: ['9.9.9.9'], search: ['.'], options: ['rotate'] })).toBe(
      'nameserver 9.9.9.9\noptions rotate\n',
    );
  });
});

describe('/etc/hosts', () => {
  const record = (config: object, spec: object = {}) => ({
    name: 'web',
    config: { hostname: 'abc', networkMode: 'bridge', ...config, spec: { addHosts: [], ...spec } } as unknown as ContainerConfig,
  });
  const network = { address: '10.88.0.2', hostAddress: '10.88.0.1', dnsServers: [] };
  const base = '127.0.0.1 localhost # own\n\n::1 localhost ip6-localhost\n10.0.0.9 db old\n';

  test('the host’s entries, what was added, its own', () => {
    expect(hostsText(base, record({}, { addHosts: ['db:1.2.3.4', 'gw:host-gateway', 'six:2001:db8::1'] }), network)).toBe(
      [
        '127.0.0.1\tlocalhost',
        '::1\tlocalhost ip6-localhost',
        '10.0.0.9\told',
        '1.2.3.4\tdb',
        '10.88.0.1\tgw',
        '2001:db8::1\tsix',
        '10.88.0.1\thost.containers.internal host.docker.internal',
        '10.88.0.2\tabc web',
        '',
      ].join('\n'),
    );
  });

  test('a gateway that is not known is refused by name', () => {
    const none = { address: undefined, hostAddress: undefined, dnsServers: [] };
    expect(() => hostsText('', record({ networkMode: 'none' }, { addHosts: ['gw:host-gateway'] }), none)).toThrow('host-gateway');
    expect(() => hostsText('', record({}, { addHosts: ['nothing'] }), network)).toThrow('must be HOST:IP');
  });
});
