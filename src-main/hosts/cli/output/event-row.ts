import type { EngineEvent } from '../../../contract/event.ts';
import { goMap, GoTime, nilMap, struct, type GoStruct } from './template/template.ts';

export function eventRow(event: EngineEvent): GoStruct {
  const attributes = Object.keys(event.attributes).length > 0 ? goMap(event.attributes) : nilMap;
  return struct('*events.Event', {
    ID: event.id,
    Image: event.image ?? '',
    Name: event.name,
    Status: event.status,
    Time: new GoTime(event.timestampMs),
    Type: event.type,
    Attributes: attributes,
    ContainerExitCode: event.exitCode ?? 0,
    Sequence: event.sequence,
  });
}

/** Fields that say nothing are left out, as Podman does. */
export function eventJson(event: EngineEvent): GoStruct {
  return struct('*events.Event', {
    ...(event.type === 'volume' ? {} : { ID: event.id }),
    ...(event.image === undefined ? {} : { Image: event.image }),
    Name: event.name,
    Status: event.status,
    Time: new GoTime(event.timestampMs),
    Type: event.type,
    Attributes: Object.keys(event.attributes).length > 0 ? goMap(event.attributes) : nilMap,
    ...(event.exitCode === undefined ? {} : { ContainerExitCode: event.exitCode }),
  });
}

/** `2026-01-31 10:00:00.123 +0000 UTC container start 4f… (image=…, name=…)` */
export function eventLine(event: EngineEvent): string {
  const time = new GoTime(event.timestampMs).toString();
  if (event.type === 'volume') return `${time} volume ${event.status} ${event.name}`;
  if (event.type === 'system') return `${time} system ${event.status}`;
  if (event.type === 'image') return `${time} image ${event.status} ${event.id} ${event.name}`;
  const details = [
    `image=${event.image ?? ''}`,
    `name=${event.name}`,
    ...Object.entries(event.attributes).map(([key, value]) => `${key}=${value}`),
  ];
  return `${time} container ${event.status} ${event.id} (${details.join(', ')})`;
}

/** Podman's keys: container, image, volume, event, type, label. Several of one key: any; of different keys: all. */
export function eventFits(event: EngineEvent, filters: readonly { readonly key: string; readonly value: string }[]): boolean {
  const keys = new Set(filters.map((filter) => filter.key));
  return [...keys].every((key) => filters.some((filter) => filter.key === key && fits(event, key, filter.value)));
}

export const eventFilterKeys: ReadonlySet<string> = new Set(['container', 'image', 'volume', 'event', 'type', 'label']);

function fits(event: EngineEvent, key: string, value: string): boolean {
  switch (key) {
    case 'container':
      return event.type === 'container' && (event.name === value || event.id.startsWith(value));
    case 'image':
      if (event.type === 'image') return event.name === value || event.id.startsWith(value);
      return event.image === value || event.image?.startsWith(`${value}:`) === true;
    case 'volume':
      return event.type === 'volume' && event.name.startsWith(value);
    case 'event':
      return event.status === value;
    case 'type':
      return event.type === value;
    default: {
      const [name = '', ...rest] = value.split('=');
      return Object.hasOwn(event.attributes, name) && (rest.length === 0 || event.attributes[name] === rest.join('='));
    }
  }
}
