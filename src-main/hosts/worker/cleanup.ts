/**
 * What conmon starts (by resources/bin/selkie-cleanup) when a container has ended and no engine is there to handle it. The script
 * has taken the janitor's lock for us and left it open as descriptor `--lock-fd`: for as long as we hold it no second one is started.
 */
import { enableCompileCache } from 'node:module';
import { messageOf } from '../../base/errors.ts';
import { compileCacheDirectory } from '../../launch/compile-cache.ts';

enableCompileCache(compileCacheDirectory());

async function main(): Promise<void> {
  try {
    const { cleanUpExits } = await import('./clean-up-exits.ts');
    await cleanUpExits(process.argv.slice(2));
  } catch (error) {
    // Nobody reads it but a person who starts this by hand: conmon's exit command has no terminal.
    process.stderr.write(`selkie-cleanup: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}

void main();
