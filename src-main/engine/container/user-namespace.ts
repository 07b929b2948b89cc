/** What user namespace a container has: --userns in Podman's words (podman-run(1)), --uidmap and --gidmap, --subuidname and --subgidname. */
import { EngineError } from '../../base/errors.ts';
import type { ContainerSpec } from '../../contract/container-spec.ts';
import type { IdRange, Identity } from '../../system/system.ts';
import { largestImageId } from '../runtime/runtime.ts';
import { toContainer } from '../snapshot/snapshot.ts';
import type { ContainerUserNamespace } from '../state/state.ts';
import { checkMaps, nothing, parseId, parseMaps, parseRanges } from './id-maps.ts';
import type { FromHost, IdMaps } from './id-maps.ts';
import { allocate, type Interval } from './id-ranges.ts';
import type { Room } from './room.ts';

/** containers/storage's, auto-userns-min-size and -max-size. */
const autoSizes = { least: 1024, most: 65536 } as const;
/** containers/storage's, root-auto-userns-user. */
const rootAutoUser = 'containers';

/** Decided, but for the ids that are chosen when the container is entered in the store. */
export type UserNamespacePlan = (used: () => readonly IdMaps[]) => ContainerUserNamespace;

/** Where the image's tree can be read meanwhile; undefined: it has none. */
export type ReadRootfs = () => Promise<({ readonly path: string } & AsyncDisposable) | undefined>;

interface Wish {
  readonly mode: string;
  readonly options: readonly (readonly [key: string, value: string])[];
  /** After the first colon. */
  readonly rest: string;
}

/** Whether there is one at all; a mistake in the words is told before an image is pulled. */
export function wantsUserNamespace(room: Room, spec: ContainerSpec): boolean {
  if (hasMaps(spec)) {
    if (spec.userns === undefined || spec.userns === '' || spec.userns === 'private') return true;
    throw new EngineError('invalid-argument', '--userns and --uidmap/--gidmap/--subuidname/--subgidname are mutually exclusive', {
      fix: 'leave out one of them',
      details: { field: 'userns' },
    });
  }
  const { mode } = wishOf(room, spec);
  return mode !== 'host' && mode !== '';
}

function hasMaps({ uidMap, gidMap, subUidName, subGidName }: ContainerSpec): boolean {
  return uidMap.length > 0 || gidMap.length > 0 || subUidName !== undefined || subGidName !== undefined;
}

function wishOf(room: Room, spec: ContainerSpec): Wish {
  const text = spec.userns ?? room.config.defaults.userNamespace;
  const [mode = '', ...more] = text.split(':');
  const rest = more.join(':');
  if (!['', 'host', 'private', 'keep-id', 'nomap', 'auto', 'container', 'ns'].includes(mode))
    throw new EngineError('invalid-argument', `unrecognized namespace mode ${text} passed`, {
      fix: 'choose one of host, keep-id, nomap, auto, container:NAME, ns:PATH',
      details: { field: 'userns' },
    });
  const options =
    mode === 'keep-id' || mode === 'auto'
      ? rest
          .split(',')
          .filter((word) => word !== '')
          .map(splitOption)
      : [];
  return { mode, options, rest };
}

function splitOption(word: string): readonly [string, string] {
  const equals = word.indexOf('=');
  if (equals < 0) throw invalidOption(`invalid option specified: "${word}"`);
  return [word.slice(0, equals), word.slice(equals + 1)];
}

function invalidOption(message: string): EngineError {
  return new EngineError('invalid-argument', message, {
    fix: 'keep-id takes uid=, gid= and size=; auto takes size=, uidmapping= and gidmapping=',
    details: { field: 'userns' },
  });
}

/** @param rootfs where the image's tree can be read: `auto` looks into its passwd and group */
export async function planUserNamespace(
  room: Room,
  spec: ContainerSpec,
  { imageUser, rootfs }: { readonly imageUser: string; readonly rootfs: ReadRootfs },
): Promise<UserNamespacePlan> {
  const { identity } = room.system;
  const wish = hasMaps(spec) ? { mode: 'maps', options: [], rest: '' } : wishOf(room, spec);
  const fixed = (maps: IdMaps, more: Partial<ContainerUserNamespace> = {}): UserNamespacePlan => {
    checkMaps(maps, { uids: ownRanges(identity.uidMap), gids: ownRanges(identity.gidMap) });
    return () => ({ mode: wish.mode, ...maps, ...more });
  };
  switch (wish.mode) {
    case 'maps':
      return fixed(await explicitMaps(room, spec));
    case 'keep-id': {
      const { maps, keeps } = keepId(identity, wish);
      const user = `${String(keeps.uid)}:${String(keeps.gid)}`;
      return fixed(maps, { keeps, ...(spec.user === undefined && imageUser === '' ? { user } : {}) });
    }
    case 'nomap':
      return fixed(noMap(identity));
    case 'auto':
      return planAuto(room, spec, wish, rootfs);
    case 'container':
      return joinContainer(room, wish.rest);
    case 'ns': {
      const { mapsOfPath } = await import('./user-namespace-path.ts');
      const maps = await mapsOfPath(room, wish.rest);
      return () => ({ mode: `ns:${wish.rest}`, ...maps, path: wish.rest });
    }
    default:
      throw nothing();
  }
}

/** Where there is no map all ids are there. */
function ownRanges(map: readonly IdRange[]): readonly IdRange[] {
  return map.length > 0 ? map : [{ containerId: 0, hostId: 0, size: 2 ** 32 - 1 }];
}

function fromHostOf(identity: Identity): FromHost {
  return (kind, id) => toContainer(ownRanges(identity[`${kind}Map`]), id);
}

async function explicitMaps(room: Room, spec: ContainerSpec): Promise<IdMaps> {
  const fromHost = fromHostOf(room.system.identity);
  const named = await mapsOfNames(spec, fromHost);
  return parseMaps(spec, { fromHost, before: named, whole: wholeOf(room.system.identity) });
}

/** The ranges of /etc/subuid and /etc/subgid under a name, one after the other. */
async function mapsOfNames({ subUidName, subGidName }: ContainerSpec, fromHost: FromHost): Promise<IdMaps> {
  const [uidName, gidName] = [subUidName ?? subGidName, subGidName ?? subUidName];
  if (uidName === undefined || gidName === undefined) return { uids: [], gids: [] };
  const of = async (kind: 'uid' | 'gid', name: string): Promise<IdRange[]> => {
    const ranges = await subordinateIds(kind, name);
    let containerId = 0;
    return ranges.map(({ start, end }) => {
      const range = { containerId, hostId: fromHost(kind, start) ?? start, size: end - start };
      containerId += range.size;
      return range;
    });
  };
  return { uids: await of('uid', uidName), gids: await of('gid', gidName) };
}

async function subordinateIds(kind: 'uid' | 'gid', name: string): Promise<Interval[]> {
  const { readSubordinateRanges } = await import('../host/host.ts');
  const ranges = readSubordinateRanges(`sub${kind}`, name, -1);
  if (ranges.length > 0) return ranges.map(({ start, size }) => ({ start, end: start + size }));
  throw new EngineError('not-found', `no sub${kind} ranges found for user "${name}" in /etc/sub${kind}`, {
    fix: `add a line to /etc/subuid and /etc/subgid: ${name}:2147483647:2147483648`,
    details: { user: name, field: 'userns' },
  });
}

/** The user's own id is inside what it is outside; the ids below and above are those that the user has besides. */
function keepId(
  identity: Identity,
  { options }: Wish,
): { readonly maps: IdMaps; readonly keeps: NonNullable<ContainerUserNamespace['keeps']> } {
  const found = { uid: identity.rootless ? identity.hostUid : 0, gid: identity.rootless ? identity.hostGid : 0, size: 0 };
  for (const [key, value] of options) {
    if (key !== 'uid' && key !== 'gid' && key !== 'size') throw invalidOption(`unknown option specified: "${key}"`);
    found[key] = requireNumber(value);
  }
  const same = !options.some(([key]) => key === 'uid' || key === 'gid');
  const keeps = { uid: found.uid, gid: found.gid, same };
  // As root there is nobody to be kept: the namespace has all ids as they are (Podman 5).
  if (!identity.rootless) return { maps: wholeOf(identity), keeps };
  const kept = (id: number, map: readonly IdRange[]): IdRange[] => {
    const most = found.size > 0 ? Math.min(besidesOwn(map), found.size - 1) : besidesOwn(map);
    return [
      ...(id > 0 && most > 0 ? [{ containerId: 0, hostId: 1, size: Math.min(id, most) }] : []),
      { containerId: id, hostId: 0, size: 1 },
      ...(most > id ? [{ containerId: id + 1, hostId: id + 1, size: most - id }] : []),
    ];
  };
  return { maps: { uids: kept(found.uid, identity.uidMap), gids: kept(found.gid, identity.gidMap) }, keeps };
}

/** All ids that we have, as they are. */
function wholeOf({ uidMap, gidMap }: Identity): IdMaps {
  return { uids: identityOf(uidMap), gids: identityOf(gidMap) };
}

function identityOf(map: readonly IdRange[]): IdRange[] {
  return ownRanges(map).map(({ containerId, size }) => ({ containerId, hostId: containerId, size }));
}

function requireNumber(value: string): number {
  const number = parseId(value);
  if (number === undefined) throw invalidOption(`parsing "${value}": invalid syntax`);
  return number;
}

/** How many ids a user has besides the own one. */
function besidesOwn(map: readonly IdRange[]): number {
  return map.reduce((sum, { size }) => sum + size, 0) - 1;
}

function noMap({ rootless, uidMap, gidMap }: Identity): IdMaps {
  if (!rootless)
    throw new EngineError('invalid-argument', 'nomap is only supported in rootless mode', {
      fix: 'use --userns=auto',
      details: { field: 'userns' },
    });
  const [uids, gids] = [besidesOwn(uidMap), besidesOwn(gidMap)];
  if (uids < 1 || gids < 1)
    throw new EngineError(
      'unsupported',
      'nomap requires additional UIDs or GIDs defined in /etc/subuid and /etc/subgid to function correctly',
      {
        fix: 'run `selkie system check`: it has the command',
        details: { field: 'userns' },
      },
    );
  return { uids: [{ containerId: 0, hostId: 1, size: uids }], gids: [{ containerId: 0, hostId: 1, size: gids }] };
}

async function planAuto(room: Room, spec: ContainerSpec, wish: Wish, rootfs: ReadRootfs): Promise<UserNamespacePlan> {
  const { identity } = room.system;
  const words = { uid: [] as string[], gid: [] as string[] };
  let asked = 0;
  for (const [key, value] of wish.options) {
    if (key === 'size') asked = requireNumber(value);
    else if (key === 'uidmapping') words.uid.push(value);
    else if (key === 'gidmapping') words.gid.push(value);
    else throw invalidOption(`unknown option specified: "${key}"`);
  }
  const fromHost = fromHostOf(identity);
  const extra = { uids: parseRanges('uid', words.uid, fromHost), gids: parseRanges('gid', words.gid, fromHost) };
  const size = asked > 0 ? asked : await sizeFor(room, spec, rootfs);
  const available = { uids: await availableIds(identity, 'uid'), gids: await availableIds(identity, 'gid') };
  return (used) => {
    const taken = used();
    const of = (kind: 'uids' | 'gids'): IdRange[] =>
      allocate(kind === 'uids' ? 'uid' : 'gid', {
        size,
        available: available[kind],
        used: taken.flatMap((maps) => maps[kind].map(({ hostId, size: count }) => ({ start: hostId, end: hostId + count }))),
        additional: extra[kind],
      });
    const maps = { uids: of('uids'), gids: of('gids') };
    checkMaps(maps, { uids: ownRanges(identity.uidMap), gids: ownRanges(identity.gidMap) });
    return { mode: 'auto', ...maps };
  };
}

/** At least what the image's users and groups, and the container's, need. */
async function sizeFor(room: Room, { user }: ContainerSpec, rootfs: ReadRootfs): Promise<number> {
  const asked = parseId(user?.split(':')[0]);
  await using tree = await rootfs();
  const size = Math.max(
    autoSizes.least,
    asked === undefined ? 0 : asked + 1,
    tree ? largestImageId(room.system.attributes, tree.path) + 1 : 0,
  );
  if (size <= autoSizes.most) return size;
  throw new EngineError(
    'limit-exceeded',
    `the container needs a user namespace with size ${String(size)} that is bigger than the maximum value allowed with userns=auto ${String(autoSizes.most)}`,
    { fix: `say so: --userns=auto:size=${String(size)}`, details: { field: 'userns' } },
  );
}

/** In our terms. As root those that /etc/subuid sets aside for containers; else all of the user's but the own one. */
async function availableIds(identity: Identity, kind: 'uid' | 'gid'): Promise<Interval[]> {
  if (!identity.rootless) return subordinateIds(kind, rootAutoUser);
  return identity[`${kind}Map`]
    .map(({ containerId, size }) => ({ start: Math.max(1, containerId), end: containerId + size }))
    .filter(({ start, end }) => end > start);
}

function joinContainer(room: Room, name: string): UserNamespacePlan {
  const other = room.state.containers.resolve(name);
  const theirs = other.config.userNamespace;
  if (!theirs)
    throw new EngineError('invalid-argument', `container ${other.name} has no user namespace of its own to join`, {
      fix: 'leave out --userns',
      details: { field: 'userns' },
    });
  const { uids, gids, path } = theirs;
  const place = path === undefined ? { joins: theirs.joins ?? other.id } : { path };
  return () => ({ mode: `container:${other.id}`, uids, gids, ...place });
}
