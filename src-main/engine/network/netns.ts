/** Where a container's network namespace is pinned. */
import { join } from 'node:path';

export function netnsPathOf(runRoot: string, containerId: string): string {
  return join(runRoot, 'netns', containerId);
}
