import { EngineError } from '../../../base/errors.ts';
import { errnoError } from '../../../system/errno.ts';
import type { Processes } from '../../../system/system.ts';

/** What cp(1) says in the C locale when there is no room. */
const noRoom = /No space left on device|Disk quota exceeded/;

/**
 * Copies a tree with all that belongs to it: owners, modes, times to the nanosecond, attributes, hard links, holes, special files; shared
 * blocks where the file system can (FICLONE). The target must not exist. cp(1) does it in a process of its own, which neither holds this one up nor
 * grows it, and which dies with it (PR_SET_PDEATHSIG): else it would go on filling a folder that a sweep is deleting.
 */
export async function copyTree(source: string, target: string, processes: Pick<Processes, 'find' | 'run'>): Promise<void> {
  const copy = ['cp', '--archive', '--reflink=auto', '--sparse=auto', '--no-target-directory', '--', source, target];
  const [program = 'cp', ...args] = processes.find('setpriv') === undefined ? copy : ['setpriv', '--pdeathsig', 'KILL', '--', ...copy];
  const { code, stderr } = await processes.run(program, args, {
    environment: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' },
  });
  if (code === 0) return;
  if (noRoom.test(stderr)) throw errnoError('ENOSPC', 'copy', source);
  throw new EngineError(
    'unavailable',
    `the tree ${source} could not be copied: ${stderr.trim().split('\n')[0] ?? `status ${String(code)}`}`,
    {
      details: { code, stderr },
    },
  );
}
