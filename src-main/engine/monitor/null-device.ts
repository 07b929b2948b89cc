import { chownSync, statSync } from 'node:fs';
import type { Identity } from '../../system/system.ts';

const path = '/dev/null';

/**
 * crun (seen with 1.8.1) gives a container's user what the process gets as standard streams; without an input that is the host's /dev/null, whose
 * owner may change its mode for everybody. It does so before the process runs. Only root of the host can: in a user namespace it is refused.
 */
export function takeBackNullDevice({ rootless, uid }: Pick<Identity, 'rootless' | 'uid'>): void {
  if (rootless || uid !== 0) return;
  const owner = statSync(path);
  if (owner.uid !== 0 || owner.gid !== 0) chownSync(path, 0, 0);
}
