/** The floor of the bridge: netavark alone, in a namespace that is there already, for a network of its own and without a container. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output, timed, type Contender } from '../measure.ts';
import { which } from '../which.ts';

const bridge = 'selkiebench0';
const namespace = 'selkie-bench';

const request = {
  container_id: 'selkiebench',
  container_name: 'selkie-bench',
  networks: { bench: { interface_name: 'eth0', static_ips: ['10.199.77.2'] } },
  network_info: {
    bench: {
      ...{ name: 'bench', id: 'b'.repeat(64), driver: 'bridge', network_interface: bridge, ipv6_enabled: false, internal: false },
      ...{ dns_enabled: false, ipam_options: { driver: 'host-local' }, subnets: [{ subnet: '10.199.77.0/24', gateway: '10.199.77.1' }] },
    },
  },
};

/** Undefined where netavark or ip is missing. */
export function rawNetwork(directory: string): Contender | undefined {
  const netavark = which('netavark');
  if (netavark === undefined || which('ip') === undefined) return undefined;
  mkdirSync(directory, { recursive: true });
  const input = join(directory, 'request.json');
  writeFileSync(input, JSON.stringify(request));
  const run = (verb: 'setup' | 'teardown') => ({
    program: 'sh',
    args: ['-c', 'exec "$1" --config "$2" "$3" "$4" <"$5"', 'sh', netavark, directory, verb, `/run/netns/${namespace}`, input],
    environment: { PATH: '/usr/sbin:/usr/bin' },
  });
  return {
    before: () => output({ program: 'ip', args: ['netns', 'add', namespace] }),
    run: async () => (await timed(run('setup'))).tookMs,
    async after() {
      await output(run('teardown'));
      await output({ program: 'ip', args: ['netns', 'del', namespace] });
    },
  };
}
