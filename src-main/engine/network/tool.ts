/** The programs this room runs: found once, named with their package when missing. */
import { EngineError } from '../../base/errors.ts';
import type { System } from '../../system/system.ts';

export type NetworkTool = 'netavark' | 'pasta' | 'slirp4netns';

const packages: Readonly<Record<NetworkTool, string>> = { netavark: 'netavark', pasta: 'passt', slirp4netns: 'slirp4netns' };

export function requireTool(system: System, tool: NetworkTool): string {
  const path = system.processes.find(tool);
  if (path !== undefined) return path;
  throw new EngineError('missing-tool', `${tool} is not installed`, {
    fix: `install it (sudo apt install ${packages[tool]}), or use --network host`,
    details: { tool },
  });
}

export interface ToolDescription {
  readonly name: string;
  /** Empty when it is not installed. */
  readonly path: string;
  readonly version: string;
}

export async function describeTool(system: System, tool: NetworkTool): Promise<ToolDescription> {
  const path = system.processes.find(tool);
  if (path === undefined) return { name: tool, path: '', version: '' };
  const { stdout, stderr } = await system.processes.run(path, tool === 'netavark' ? ['version'] : ['--version']);
  return { name: tool, path, version: versionIn(stdout === '' ? stderr : stdout) };
}

/** `{"version": "1.4.0"…}`, `slirp4netns version 1.2.0`, `pasta 0.0~git20230309…`; Debian 12's pasta does not know its own. */
function versionIn(output: string): string {
  const json = /"version":\s*"([^"]+)"/.exec(output)?.[1];
  if (json !== undefined) return json;
  const [firstLine = ''] = output.split('\n');
  return firstLine.replace(/^\S+\s+(version\s+)?/, '').trim();
}
