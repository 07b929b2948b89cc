/** containers-transports(5): where an image is to be found, or to go to. Pure. */
import { EngineError } from '../../base/errors.ts';

export type TransportReference =
  | { readonly transport: 'docker'; readonly name: string }
  /** Without a name or position: all that is in it. */
  | {
      readonly transport: 'docker-archive';
      readonly path: string;
      readonly name: string | undefined;
      readonly position: number | undefined;
    }
  /** `name` is what the layout's index calls it, which need not be a reference. */
  | {
      readonly transport: 'oci' | 'oci-archive';
      readonly path: string;
      readonly name: string | undefined;
      readonly position: number | undefined;
    }
  | { readonly transport: 'dir'; readonly path: string }
  | { readonly transport: 'containers-storage'; readonly name: string; readonly store: NamedStore | undefined };

/** [[driver@]graphRoot[+runRoot][:options]] */
export interface NamedStore {
  readonly driver: string | undefined;
  readonly graphRoot: string;
  readonly runRoot: string | undefined;
}

/** Programs' own stores and formats that this build does not read. */
const foreign = new Set(['docker-daemon', 'ostree', 'sif', 'tarball', 'atomic']);

function invalid(text: string, why: string): EngineError {
  return new EngineError('invalid-argument', `${JSON.stringify(text)} ${why}`, { details: { field: 'reference' } });
}

/** path[:name], path[:@position] */
function splitPath(
  text: string,
  rest: string,
): { readonly path: string; readonly name: string | undefined; readonly position: number | undefined } {
  const colon = rest.indexOf(':');
  const path = colon === -1 ? rest : rest.slice(0, colon);
  const name = colon === -1 ? '' : rest.slice(colon + 1);
  if (path === '') throw invalid(text, 'names no path');
  if (!name.startsWith('@')) return { path, name: name === '' ? undefined : name, position: undefined };
  if (!/^@\d{1,6}$/.test(name)) throw invalid(text, `has ${JSON.stringify(name)} where @ and a number from 0 is possible`);
  return { path, name: undefined, position: Number(name.slice(1)) };
}

function parseStore(text: string, rest: string): TransportReference {
  const [, inner, name = ''] = /^(?:\[([^\]]*)\])?([^[\]]*)$/s.exec(rest) ?? [];
  if (name === '') throw invalid(text, 'names no image');
  if (inner === undefined) return { transport: 'containers-storage', name: name.replace(/^@/, ''), store: undefined };
  // Options stand behind the last part; a path with a colon cannot be named in this form.
  const [, driver, graphRoot = '', runRoot] = /^(?:([a-z0-9-]+)@)?([^+:]*)(?:\+([^:]*))?(?::.*)?$/s.exec(inner) ?? [];
  if (graphRoot === '') throw invalid(text, 'names no graph root');
  return {
    transport: 'containers-storage',
    name: name.replace(/^@/, ''),
    store: { driver, graphRoot, runRoot: runRoot === '' ? undefined : runRoot },
  };
}

/**
 * Undefined for a plain name. `docker:1` and the like, without slashes, are names.
 * Errors: `invalid-argument`; `unsupported` for transports that lead to other programs' stores.
 */
export function parseTransport(text: string): TransportReference | undefined {
  const [, transport = '', rest = ''] = /^([a-z][a-z-]*):(.*)$/s.exec(text) ?? [];
  switch (transport) {
    case 'docker':
      return rest.startsWith('//') ? { transport, name: rest.slice(2) } : undefined;
    case 'docker-archive':
    case 'oci':
    case 'oci-archive':
      return { transport, ...splitPath(text, rest) };
    case 'dir':
      if (rest === '') throw invalid(text, 'names no path');
      return { transport, path: rest };
    case 'containers-storage':
      return parseStore(text, rest);
    default:
      if (!foreign.has(transport)) return undefined;
      throw new EngineError('unsupported', `${JSON.stringify(text)}: selkie does not read or write ${transport}:`, {
        fix: 'There are docker://, docker-archive:, oci-archive:, oci:, dir: and containers-storage:.',
        details: { field: 'reference' },
      });
  }
}
