import { messageOf } from '../../base/errors.ts';
import { build } from '../../base/version.ts';
import { engineContract } from '../../contract/engine.ts';
import { loadConfig } from '../../engine/config/config.ts';
import { createEngine } from '../../engine/engine.ts';
import { parseGlobalArguments, prepareLimits, resourcesDirectory } from '../../launch/launch.ts';
import { serve } from '../../rpc/rpc.ts';
import { nodeStreamChannel } from '../../rpc/transports/node-stream.ts';
import { createLinuxSystem } from '../../system/linux/linux.ts';

/** Resolves when the other side has closed and every handler has run its clean-up. */
export async function serveOnStdio(args: readonly string[], log: (line: string) => void): Promise<void> {
  const system = createLinuxSystem();
  prepareLimits(system);
  const config = loadConfig({ system, options: parseGlobalArguments(args), environment: process.env, resources: resourcesDirectory() });
  await using engine = createEngine(config, system);
  const server = serve(engineContract, engine.handlers, nodeStreamChannel(process.stdin, process.stdout), {
    engine: build.version,
    onBug: (error, path) => {
      log(`${path}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    },
  });
  // After the greeting: a window need not wait for repairs.
  try {
    for (const message of await engine.recover()) log(message);
    engine.watchExits();
  } catch (error) {
    log(`repairing the store: ${messageOf(error)}`);
  }
  await server.closed;
}
