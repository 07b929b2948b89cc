/**
 * `selkie` on the command line: Podman's words, flags, output and exit codes.
 *
 * Start-up decides here: this file only turns the compile cache on and loads the rest, so that all the rest is cached; every command is
 * loaded when it is called for, the engine when a command asks for it.
 */
import { enableCompileCache } from 'node:module';
import { compileCacheDirectory } from '../../launch/compile-cache.ts';

enableCompileCache(compileCacheDirectory());

async function main(): Promise<void> {
  const { flush, runProgram } = await import('./program.ts');
  const status = await runProgram(process.argv.slice(2));
  await flush();
  process.exit(status);
}

// Nothing is left that could go on, and yet the command has not ended: something waits for what never comes.
process.on('beforeExit', () => {
  process.stderr.write('Error: internal error: the command came to a halt before its end\n');
  process.exit(125);
});
void main();
