import { EngineError } from '../../base/errors.ts';
import type { ImageSummary } from '../../contract/image.ts';
import type { Rooms } from './rooms.ts';

type Predicate = (image: ImageSummary) => boolean;

/** Podman's filters of `images`: several values of one key are alternatives, several keys all have to hold. */
export function filterImages(
  rooms: Rooms,
  images: ImageSummary[],
  filters: readonly { readonly key: string; readonly value: string }[],
): ImageSummary[] {
  const byKey = new Map<string, Predicate[]>();
  for (const { key, value } of filters) byKey.set(key, [...(byKey.get(key) ?? []), predicate(rooms, key, value)]);
  return images.filter((image) => [...byKey.values()].every((alternatives) => alternatives.some((matches) => matches(image))));
}

function predicate(rooms: Rooms, key: string, value: string): Predicate {
  switch (key) {
    case 'id':
      return (image) => image.id.startsWith(value.replace(/^sha256:/, ''));
    case 'reference':
      return referencePredicate(value);
    case 'label':
      return (image) => hasLabel(image.labels, value);
    case 'dangling':
      return (image) => image.dangling === booleanOf(key, value);
    case 'manifest':
      return (image) => (image.manifestList === true) === booleanOf(key, value);
    case 'readonly':
      return (image) => (image.readOnly === true) === booleanOf(key, value);
    case 'containers':
      return (image) => image.containers > 0 === booleanOf(key, value);
    case 'before':
    case 'since':
    case 'after': {
      const { record } = rooms.images.resolve(value);
      return (image) => (key === 'before' ? image.createdAt < record.createdAt : image.createdAt > record.createdAt);
    }
    default:
      throw new EngineError('invalid-argument', `invalid image filter "${key}"`, {
        fix: 'the filters are id, reference, label, dangling, manifest, readonly, containers, before, since',
      });
  }
}

/** A name with * and ? as in path.Match, against the whole name or any suffix of its path. */
function referencePredicate(pattern: string): Predicate {
  const expression = new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '[^/]*')
      .replace(/\?/g, '[^/]')}$`,
  );
  return (image) =>
    image.names.some((name) => {
      const withoutTag = name.replace(/:[^:/]+$/, '');
      return [name, withoutTag].some((form) => form.split('/').some((_, index, parts) => expression.test(parts.slice(index).join('/'))));
    });
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const [name = '', ...rest] = wanted.split('=');
  const found = labels[name];
  return found !== undefined && (rest.length === 0 || found === rest.join('='));
}

function booleanOf(key: string, value: string): boolean {
  if (/^(true|1|t)$/i.test(value)) return true;
  if (/^(false|0|f)$/i.test(value)) return false;
  throw new EngineError('invalid-argument', `the filter ${key} takes true or false, not "${value}"`);
}
