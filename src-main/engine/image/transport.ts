/** References with a transport, as this store sees them. */
import { EngineError } from '../../base/errors.ts';
import { isAbsolute, resolve } from 'node:path';
import { type TransportReference, isShortName, parseReference, parseTransport } from '../reference/reference.ts';
import type { ImageContext } from './context.ts';
import type { ArchiveReference } from './load.ts';
import { nameToGive } from './lookup.ts';

/** Another program's store is not ours to read by a name: it is refused. */
export function requireOwnStore(
  { config, snapshots }: Pick<ImageContext, 'config' | 'snapshots'>,
  { store, name }: Extract<TransportReference, { readonly transport: 'containers-storage' }>,
): void {
  if (!store) return;
  const same =
    resolve(store.graphRoot) === resolve(config.graphRoot) &&
    (store.runRoot === undefined || resolve(store.runRoot) === resolve(config.runRoot)) &&
    (store.driver === undefined || store.driver === snapshots.driver);
  if (same) return;
  const named = `${store.driver === undefined ? '' : `${store.driver}@`}${store.graphRoot}${store.runRoot === undefined ? '' : `+${store.runRoot}`}`;
  throw new EngineError('unsupported', `${name} is asked for from the store [${named}], which is not this one`, {
    fix: `This one is [${snapshots.driver}@${config.graphRoot}+${config.runRoot}]; another one is used by --root and --runroot.`,
    details: { field: 'reference' },
  });
}

/** Of a name that is looked up here: `unsupported` when it names another store. */
export function checkStoreOf(context: Pick<ImageContext, 'config' | 'snapshots'>, text: string): string {
  nameHere(context, text);
  return text;
}

/** Of a name to give: the transport of this store may stand before it. */
export function nameHere(context: Pick<ImageContext, 'config' | 'snapshots'>, text: string): string {
  if (!text.startsWith('containers-storage:')) return text;
  const transport = parseTransport(text);
  if (transport?.transport !== 'containers-storage') return text;
  requireOwnStore(context, transport);
  return transport.name;
}

/** An archive or folder by its absolute path. Errors: `invalid-argument` for a relative path where nobody says what to. */
export function absolutePath<T extends ArchiveReference>(reference: T, workingDirectory: string | undefined): T {
  if (isAbsolute(reference.path)) return reference;
  if (workingDirectory === undefined)
    throw new EngineError('invalid-argument', `${reference.transport}:${reference.path} is not an absolute path`, {
      details: { field: 'reference' },
    });
  return { ...reference, path: resolve(workingDirectory, reference.path) };
}

/**
 * Podman's names for what comes from a layout or a folder: localhost and the path as it was typed. Archives have names of their own.
 * Undefined: those in it; none when the path makes no name.
 */
export function namesFor({ transport, path }: ArchiveReference): readonly string[] | undefined {
  if (transport !== 'oci' && transport !== 'dir') return undefined;
  const name = `localhost/${path.replace(/^[./]*\/+/, '')}`;
  try {
    if (isShortName(name)) return [];
    parseReference(name);
    return [nameToGive(name)];
  } catch {
    return [];
  }
}
