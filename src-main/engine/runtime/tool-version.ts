import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { System } from '../../system/system.ts';

/**
 * The version that a program says of itself (the last word of the first line of --version, or the one after "version"). Kept in the run root by
 * path, size and time of change, so that `info` does not start every tool each time. Empty when it does not say.
 */
export async function identifyTool(system: Pick<System, 'files' | 'processes'>, runRoot: string, path: string): Promise<string> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return '';
  const key = `${path} ${stat.size} ${stat.mtimeMs}`;
  const file = join(runRoot, 'tool-versions.json');
  const known = readKnown(system.files.readTextIfExists(file));
  const cached = known[key];
  if (cached !== undefined) return cached;
  const { stdout, stderr } = await system.processes.run(path, ['--version'], { timeoutMs: 10_000 });
  const line = (stdout === '' ? stderr : stdout).split('\n', 1)[0] ?? '';
  const version = /\bversion:?\s+v?(\S+)/.exec(line)?.[1] ?? /v?(\d+\.\d\S*)/.exec(line)?.[1] ?? '';
  system.files.ensureDirectory(runRoot, 0o700);
  system.files.writeAtomically(file, JSON.stringify({ ...known, [key]: version }));
  return version;
}

/** Whatever is wrong with the file, it is only a cache. */
function readKnown(text: string | undefined): Readonly<Record<string, string>> {
  try {
    const parsed: unknown = JSON.parse(text ?? '{}');
    if (typeof parsed !== 'object' || parsed === null) return {};
    return Object.fromEntries(Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return {};
  }
}
