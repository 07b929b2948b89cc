import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { EngineError, isEngineError } from '../../base/errors.ts';
import type { ImportRequest } from '../../contract/adopt.ts';
import { errnoOf, toEngineError } from '../../system/errno.ts';
import type { System } from '../../system/system.ts';
import { podmanGraphRoot } from '../config/config.ts';
import { readDockerStore } from './docker-store.ts';
import { readJson } from './documents.ts';
import type { ForeignStore } from './foreign-store.ts';
import { readPodmanStore } from './podman-store.ts';

const daemonFile = v.object({ 'data-root': v.nullish(v.string()), graph: v.nullish(v.string()) });

/** Errors: `not-found`, `denied` with what to do, `corrupt`, `unsupported`. */
export function openForeignStore({ from, root: given }: Pick<ImportRequest, 'from' | 'root'>, system: System): ForeignStore {
  const root = given ?? (from === 'podman' ? podmanGraphRoot(system.identity, process.env) : dockerRoot(system.identity));
  try {
    checkPlace(root);
    return from === 'podman' ? readPodmanStore(root, system) : readDockerStore(root, system);
  } catch (error) {
    const reason = toEngineError(error, 'read', root);
    throw isEngineError(reason, 'denied') ? notOurs(from, root, reason) : reason;
  }
}

/** dockerd(8), daemon.json; of a user who has one, the rootless Docker's. */
function dockerRoot({ rootless, homeDirectory }: System['identity']): string {
  if (rootless) {
    const own = join(process.env['XDG_DATA_HOME'] ?? join(homeDirectory, '.local/share'), 'docker');
    if (existsSync(own)) return own;
  }
  const daemon = rootless ? undefined : readJson('/etc/docker/daemon.json', daemonFile);
  return daemon?.['data-root'] ?? daemon?.graph ?? '/var/lib/docker';
}

function checkPlace(root: string): void {
  try {
    if (!statSync(root).isDirectory()) throw new EngineError('invalid-argument', `${root} is no folder`, { details: { field: 'root' } });
    // Docker's may be entered by some who may not list it.
    accessSync(root, constants.X_OK);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw new EngineError('not-found', `there is no store in ${root}`, { fix: 'name its place by --root', details: { field: 'root' } });
  }
}

function notOurs(from: ImportRequest['from'], root: string, cause: EngineError): EngineError {
  return new EngineError('denied', `${root} can be read only by its owner`, {
    fix:
      from === 'docker'
        ? 'pipe the images out of it: docker save IMAGE… | selkie load; or run sudo selkie system import --from docker'
        : 'run it as the user whose store that is',
    cause,
  });
}
