/** --uidmap, --gidmap and the options of --userns: text into ranges of ids. */
import { EngineError } from '../../base/errors.ts';
import type { IdRange } from '../../system/system.ts';
import { extendMap } from './extend-map.ts';

const maxId = 2 ** 32 - 1;
/** Lines of /proc/PID/uid_map that the kernel takes (user_namespaces(7)). */
const maxRanges = 340;

export interface MapWords {
  readonly uidMap: readonly string[];
  readonly gidMap: readonly string[];
}

export interface IdMaps {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

/** What an id of the host is for the engine, where that is another. */
export type FromHost = (kind: 'uid' | 'gid', id: number) => number | undefined;

export interface MapGround {
  readonly fromHost: FromHost;
  /** What there is before the first mapping. */
  readonly before: IdMaps;
  /** What a mapping with + is laid over where there is nothing before it: all that the engine has, as it is. */
  readonly whole: IdMaps;
}

/**
 * `[FLAGS]CONTAINER:[@]FROM[:AMOUNT]` (podman-run(1), --uidmap): flags u and g say which of the two a mapping is for; + lays it over what there is instead of
 * refusing what both are about. A `@` names an id of the host and not of the user's namespace. With only one of the options given it is for both.
 */
export function parseMaps({ uidMap, gidMap }: MapWords, { fromHost, before, whole }: MapGround): IdMaps {
  const both = uidMap.length === 0 || gidMap.length === 0;
  const all = [...uidMap.map((text) => ({ text, own: 'uid' as const })), ...gidMap.map((text) => ({ text, own: 'gid' as const }))];
  const maps: { uids: readonly IdRange[]; gids: readonly IdRange[] } = { ...before };
  const ground = (kind: 'uid' | 'gid'): readonly IdRange[] => (maps[`${kind}s`].length > 0 ? maps[`${kind}s`] : whole[`${kind}s`]);
  let extended = false;
  for (const { text, own } of all) {
    const { flags, rest } = splitFlags(text);
    const named = (['uid', 'gid'] as const).filter((kind) => flags.includes(kind.charAt(0)));
    const kinds = named.length > 0 ? named : both ? (['uid', 'gid'] as const) : [own];
    for (const kind of kinds) {
      const range = parseRange(rest, kind, text, fromHost);
      extended ||= flags.includes('+');
      maps[`${kind}s`] = flags.includes('+') ? extendMap(ground(kind), range) : [...maps[`${kind}s`], range];
    }
  }
  // Who adds something to one of the two has said nothing against the other.
  return extended ? { uids: ground('uid'), gids: ground('gid') } : maps;
}

export function parseRanges(kind: 'uid' | 'gid', texts: readonly string[], fromHost: FromHost): IdRange[] {
  return texts.map((text) => parseRange(text, kind, text, fromHost));
}

function splitFlags(text: string): { readonly flags: string; readonly rest: string } {
  const [, flags = '', rest = ''] = /^([+ug]*)(.*)$/s.exec(text) ?? [];
  return { flags, rest };
}

function parseRange(rest: string, kind: 'uid' | 'gid', text: string, fromHost: FromHost): IdRange {
  const [inside, from = '', amount = '1', ...more] = rest.split(':');
  const [containerId, hostId, size] = [inside, from.replace(/^@/, ''), amount].map(parseId);
  if (containerId === undefined || hostId === undefined || size === undefined || size === 0 || more.length > 0) throw malformed(kind, text);
  if (!from.startsWith('@')) return { containerId, hostId, size };
  const here = fromHost(kind, hostId);
  // A range that leaves what the user has is found with the others.
  if (here !== undefined) return { containerId, hostId: here, size };
  throw new EngineError('invalid-argument', `the mapping "${text}": ${kind} ${String(hostId)} of the host is none that you may use`, {
    fix: `see /etc/sub${kind} for what you have`,
    details: { field: 'uidMap' },
  });
}

export function parseId(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= maxId ? id : undefined;
}

function malformed(kind: 'uid' | 'gid', text: string): EngineError {
  return new EngineError(
    'invalid-argument',
    `initializing ID mappings: ${kind.toUpperCase()} setting is malformed expected ["uint32:uint32:uint32"]: ["${text}"]`,
    { fix: 'write CONTAINER-ID:FROM-ID:AMOUNT', details: { field: `${kind}Map` } },
  );
}

/** What the kernel would refuse without a word of why: overlaps, too many ranges, ids that we have not ourselves. */
export function checkMaps({ uids, gids }: IdMaps, ours: { readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] }): void {
  for (const [kind, ranges, available] of [
    ['uid', uids, ours.uids],
    ['gid', gids, ours.gids],
  ] as const) {
    if (ranges.length === 0) throw nothing();
    if (ranges.length > maxRanges)
      throw new EngineError(
        'limit-exceeded',
        `a user namespace has at most ${String(maxRanges)} ranges of ${kind}s, not ${String(ranges.length)}`,
      );
    for (const side of ['containerId', 'hostId'] as const) requireApart(kind, ranges, side);
    for (const range of ranges) requireOurs(kind, range, available);
  }
}

export function nothing(): EngineError {
  return new EngineError('invalid-argument', 'must provide at least one UID or GID mapping to configure a user namespace', {
    fix: 'add --uidmap and --gidmap, or use --userns=auto',
    details: { field: 'userns' },
  });
}

function requireApart(kind: 'uid' | 'gid', ranges: readonly IdRange[], side: 'containerId' | 'hostId'): void {
  const sorted = [...ranges].sort((a, b) => a[side] - b[side]);
  for (const [index, range] of sorted.entries()) {
    const before = sorted[index - 1];
    if (!before || before[side] + before.size <= range[side]) continue;
    throw new EngineError(
      'invalid-argument',
      `two mappings are about ${kind} ${String(range[side])} ${side === 'hostId' ? 'outside' : 'inside'}`,
      {
        fix: 'let no range overlap another',
        details: { field: `${kind}Map` },
      },
    );
  }
}

function requireOurs(kind: 'uid' | 'gid', { containerId, hostId, size }: IdRange, available: readonly IdRange[]): void {
  if (containerId + size > maxId || hostId + size > maxId)
    throw new EngineError(
      'invalid-argument',
      `the mapping ${String(containerId)}:${String(hostId)}:${String(size)} goes beyond the last ${kind}`,
    );
  // Ranges that follow each other are one to the eye.
  let next = hostId;
  for (let found = rangeOf(available, next); found && next < hostId + size; found = rangeOf(available, next))
    next = found.containerId + found.size;
  if (next >= hostId + size) return;
  const count = available.reduce((sum, one) => sum + one.size, 0);
  throw new EngineError(
    'invalid-argument',
    `the mapping ${String(containerId)}:${String(hostId)}:${String(size)} needs the ${kind} ${String(next)}, and your user namespace has only ${String(count)}`,
    { fix: `map fewer ids, or give yourself more in /etc/sub${kind}`, details: { field: `${kind}Map` } },
  );
}

function rangeOf(ranges: readonly IdRange[], id: number): IdRange | undefined {
  return ranges.find(({ containerId, size }) => id >= containerId && id < containerId + size);
}
