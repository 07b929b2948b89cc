/** Runs inside a user and mount namespace: does what the test outside asks for, one JSON line each. */
import { createInterface } from 'node:readline';
import { isEngineError } from '../../../src-main/base/errors.ts';
import type { PortMapping } from '../../../src-main/contract/container-spec.ts';
import type { ResolvedNetworkMode } from '../../../src-main/engine/network/network.ts';
import { openSandbox, request, serve } from './sandbox.ts';

const sandbox = openSandbox();
const servers: { stop(): Promise<void> }[] = [];

const methods = {
  identity: () => Promise.resolve({ rootless: sandbox.system.identity.rootless, defaultMode: sandbox.network.defaultMode() }),
  validate: (mode: ResolvedNetworkMode, options: string[], ports: PortMapping[]) =>
    Promise.resolve(sandbox.network.validate(mode, options, ports)),
  setup: async (mode: ResolvedNetworkMode, options: string[], ports: PortMapping[]) => {
    const started = performance.now();
    const setup = await sandbox.network.setup(request(sandbox, mode, ports, options));
    const settings = await setup.connected;
    return { ...setup, connected: undefined, settings, tookMs: performance.now() - started };
  },
  serve: async (netnsPath: string, name: string, ...specs: string[]) => {
    servers.push(await serve(netnsPath, name, ...specs));
  },
  teardown: async (state: unknown) => {
    const started = performance.now();
    await sandbox.network.teardown(state);
    return performance.now() - started;
  },
  describe: () => Promise.all([sandbox.network.describe(), sandbox.network.describeRootless()]),
  mounts: () => Promise.resolve(sandbox.system.mounts.list().filter((entry) => entry.mountPoint.startsWith(sandbox.runRoot)).length),
};
export type DriverMethods = typeof methods;

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, args } = JSON.parse(line) as { id: number; method: keyof DriverMethods; args: never[] };
  let answer: unknown;
  try {
    const call: (...all: never[]) => Promise<unknown> = methods[method];
    answer = { id, value: await call(...args) };
  } catch (error) {
    answer = {
      id,
      error: isEngineError(error) ? error.toData() : { code: 'bug', message: String(error instanceof Error ? error.stack : error) },
    };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
for (const server of servers) await server.stop();
sandbox.dispose();
