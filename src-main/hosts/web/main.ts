/** The web host's entry: the interface in a browser, for machines without Electron or a display. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isEngineError, messageOf } from '../../base/errors.ts';
import { openWorker } from '../../launch/launch.ts';
import { SupervisedEngine } from '../../launch/supervised-engine.ts';
import { startWebHost } from './server.ts';

function log(line: string): void {
  process.stderr.write(`selkie: ${line}\n`);
}

const usage = 'npm start -- [--port N] [--root PATH] [--runroot PATH] [--tmpdir PATH] [--runtime PATH]';

/** What is not among these words ends the program with the ones that there are. */
function readWords() {
  const text = { type: 'string' } as const;
  try {
    const options = { port: { ...text, default: '0' }, root: text, runroot: text, tmpdir: text, runtime: text };
    return parseArgs({ options }).values;
  } catch (error) {
    log(`${messageOf(error)}\nUsage: ${usage}`);
    return process.exit(2);
  }
}

const values = readWords();

async function main(): Promise<void> {
  const engine = new SupervisedEngine(
    () => openWorker({ options: { root: values.root, runRoot: values.runroot, tmpDirectory: values.tmpdir, runtime: values.runtime } }),
    () => {
      log('the engine has ended; pages can start it again');
      host.disconnectPages();
    },
  );
  const host = await startWebHost({
    pages: join(import.meta.dirname, '..', 'renderer'),
    port: Number(values.port),
    client: () => engine.client(),
    onBug: (error, path) => {
      log(`${path}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    },
  });
  log('the interface is at this address, for this machine only; end it with Ctrl+C (containers go on)');
  process.stdout.write(`${host.url}\n`);
  // Started before the first page asks, so that it finds the engine answering.
  engine.client().catch((error: unknown) => {
    log(`the engine cannot be started: ${messageOf(error)}`);
    if (isEngineError(error) && error.fix !== undefined) log(error.fix);
  });
  const stop = () => {
    void host
      .close()
      .then(() => engine.close())
      .then(() => process.exit(0));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

main().catch((error: unknown) => {
  log(messageOf(error));
  if (isEngineError(error) && error.fix !== undefined) log(error.fix);
  process.exitCode = 1;
});
