/**
 * The engine as a process of its own, inside the sandbox: serves the contract on its standard input and output, logs to standard
 * error, handles the exits of containers, and ends when its input closes. Containers go on.
 */
import { enableCompileCache } from 'node:module';
import { messageOf } from '../../base/errors.ts';
import { compileCacheDirectory } from '../../launch/compile-cache.ts';

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

// Ctrl-C in the terminal goes to the whole group: it is our starter who decides, and tells us by closing the input.
process.on('SIGINT', () => undefined);
process.on('uncaughtException', (error) => {
  log(`the engine failed: ${error.stack ?? messageOf(error)}`);
  process.exit(1);
});
enableCompileCache(compileCacheDirectory());

async function main(): Promise<void> {
  try {
    const { serveOnStdio } = await import('./serve-on-stdio.ts');
    await serveOnStdio(process.argv.slice(2), log);
    process.exit(0);
  } catch (error) {
    log(messageOf(error));
    process.exit(1);
  }
}

void main();
