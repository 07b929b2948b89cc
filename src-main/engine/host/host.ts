/**
 * What this host offers to containers, in words: one line per thing that they need, with why it matters and how to get it.
 *
 * Laws
 * - It changes nothing that lasts: what it mounts to try is gone when it answers.
 * - It works before there is a sandbox, and just when none can be made: then it is needed most.
 * - A line that is not ok says what to do, and has the command if one can be given.
 */
import type { CheckLine } from '../../contract/system.ts';
import type { System } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';
import { checkCgroups, checkKernel, checkSubordinateIds, checkTun, checkUserNamespaces } from './kernel-lines.ts';
import type { CheckContext } from './line.ts';
import { checkOverlay } from './overlay-line.ts';
import { checkMapTool, checkPolicy, checkSeccomp, checkTools } from './tool-lines.ts';

export { readSubordinateRanges } from './subordinate-ids.ts';

/** The lines of `selkie system check` about the host, in the order in which to read them. Takes as long as the slowest `--version`. */
export async function checkHost(system: System, config?: EngineConfig): Promise<CheckLine[]> {
  const { identity } = system;
  const context: CheckContext = { system, config, asRoot: !identity.rootless, inside: identity.uid === 0 };
  const [overlay, tools] = await Promise.all([checkOverlay(context), checkTools(context)]);
  return [
    checkKernel(),
    checkUserNamespaces(context),
    checkSubordinateIds('subuid', context),
    checkSubordinateIds('subgid', context),
    checkMapTool('newuidmap', context),
    checkMapTool('newgidmap', context),
    checkCgroups(context),
    overlay,
    checkTun(context),
    ...tools,
    checkSeccomp(context),
    checkPolicy(context),
  ];
}
