import { EngineError, isEngineError } from '../../base/errors.ts';
import type { ContainerRecord } from '../state/state.ts';
import type { Room } from './room.ts';
import { labelsOf } from './summary.ts';
import { parseMoment } from './moment.ts';

export interface Filter {
  readonly key: string;
  readonly value: string;
}

type Test = (record: ContainerRecord) => boolean;

const states = ['created', 'initialized', 'running', 'stopping', 'paused', 'exited', 'removing'];

/** podman-ps(1), --filter. Values of one key are alternatives (of label and label!, all have to hold); different keys all have to hold. */
export function compileFilters(room: Room, filters: readonly Filter[]): Test {
  const byKey = new Map<string, Test[]>();
  for (const filter of filters) {
    const tests = byKey.get(filter.key) ?? [];
    tests.push(compile(room, filter));
    byKey.set(filter.key, tests);
  }
  const groups = [...byKey].map(([key, tests]): Test => {
    const conjunctive = key === 'label' || key === 'label!';
    return (record) => (conjunctive ? tests.every((test) => test(record)) : tests.some((test) => test(record)));
  });
  return (record) => groups.every((test) => test(record));
}

/** Filters that speak of containers that do not run: without --all they imply it. */
export function impliesAll(filters: readonly Filter[]): boolean {
  return filters.some(({ key }) => key === 'status' || key === 'exited');
}

function compile(room: Room, { key, value }: Filter): Test {
  switch (key) {
    case 'id': {
      const pattern = /^[0-9a-f]*$/.test(value) ? undefined : toPattern(key, value);
      return (record) => (pattern ? pattern.test(record.id) : record.id.startsWith(value));
    }
    case 'name': {
      const pattern = toPattern(key, value);
      return (record) => pattern.test(record.name);
    }
    case 'label':
      return hasLabel(value);
    case 'label!': {
      const has = hasLabel(value);
      return (record) => !has(record);
    }
    case 'status':
      return withState(value);
    case 'exited': {
      const code = Number(value);
      if (!Number.isInteger(code)) throw invalid(key, value, 'an exit code is a number');
      return (record) => record.state === 'exited' && record.exitCode === code;
    }
    case 'ancestor':
      return madeFrom(room, value);
    case 'before':
    case 'since': {
      const other = room.state.containers.resolve(value);
      return (record) =>
        record.id !== other.id && (key === 'before' ? record.createdAt < other.createdAt : record.createdAt > other.createdAt);
    }
    case 'volume': {
      const [source = '', target] = value.split(':');
      return ({ config }) =>
        config.mounts.some(
          (mount) =>
            (mount.volumeName === source || mount.hostPath === source || (target === undefined && mount.target === source)) &&
            (target === undefined || mount.target === target),
        );
    }
    case 'network':
      return (record) => record.config.networkMode === value || (record.network?.networks.some(({ name }) => name === value) ?? false);
    case 'until': {
      const untilMs = parseMoment(value, room.system.clock.nowMs());
      if (untilMs === undefined) throw invalid(key, value, 'give a time (RFC 3339 or seconds since 1970) or a duration such as 10m');
      return (record) => record.createdAt <= untilMs;
    }
    case 'health':
      throw new EngineError('unsupported', 'filter "health" is not supported: containers have no health checks in this version');
    case 'pod':
      throw new EngineError('unsupported', 'filter "pod" is not supported: there are no pods in this version');
    default:
      throw new EngineError('invalid-argument', `${key} is an invalid filter`, {
        fix: 'use id, name, label, label!, status, exited, ancestor, before, since, volume, network or until',
        details: { field: 'filters' },
      });
  }
}

function hasLabel(value: string): Test {
  const at = value.indexOf('=');
  const key = at < 0 ? value : value.slice(0, at);
  return (record) => {
    const labels = labelsOf(record);
    return Object.hasOwn(labels, key) && (at < 0 || labels[key] === value.slice(at + 1));
  };
}

function withState(value: string): Test {
  const wanted = value === 'stopped' ? 'exited' : value === 'configured' ? 'created' : value;
  if (!states.includes(wanted)) throw invalid('status', value, `a status is one of ${states.join(', ')}`);
  return (record) => record.state === wanted;
}

/** By name (with or without tag and registry), full or short id; also containers whose image has lost the name meanwhile. */
function madeFrom(room: Room, value: string): Test {
  let imageId: string | undefined;
  try {
    imageId = room.images.find(value)?.record.id;
  } catch (error) {
    if (!isEngineError(error)) throw error;
  }
  return ({ imageId: own, config }) => own === imageId || (value.length > 0 && (own.startsWith(value) || config.imageName.includes(value)));
}

function toPattern(key: string, value: string): RegExp {
  try {
    return new RegExp(value);
  } catch {
    throw invalid(key, value, 'it is not a regular expression');
  }
}

function invalid(key: string, value: string, why: string): EngineError {
  return new EngineError('invalid-argument', `invalid value "${value}" of filter ${key}: ${why}`, { details: { field: 'filters' } });
}
