/** One end of `image scp`: where a store is. */
import { EngineError } from '../../../base/errors.ts';

export type ImageEnd =
  | { readonly kind: 'here' }
  | { readonly kind: 'user'; readonly name: string }
  | { readonly kind: 'host'; readonly destination: string; readonly port: number | undefined };

export interface ParsedEnd {
  readonly end: ImageEnd;
  /** Empty: none was named. */
  readonly image: string;
}

const userPattern = /^[a-z_][a-z0-9_.-]*\$?$/i;
const hostPattern = /^(?:[a-z0-9_.-]+@)?(?:[a-z0-9][a-z0-9._-]*|\[[0-9a-f:]+\])$/i;

function invalid(text: string, why: string): EngineError {
  return new EngineError('invalid-argument', `${JSON.stringify(text)} ${why}`, {
    fix: 'Write IMAGE, USER@localhost::IMAGE or [USER@]HOST[:PORT]::IMAGE, and a destination without the image.',
  });
}

/** `[[USER@]HOST[:PORT]::][IMAGE]`; localhost without a user is here. */
export function parseImageEnd(text: string): ParsedEnd {
  const at = text.indexOf('::');
  if (at === -1) return { end: { kind: 'here' }, image: text };
  const place = text.slice(0, at).replace(/^ssh:\/\//, '');
  const image = text.slice(at + 2);
  const [, host = '', portText] = /^(.*?)(?::(\d{1,5}))?$/.exec(place) ?? [];
  const port = portText === undefined ? undefined : Number(portText);
  if (port === undefined && (host === 'localhost' || host === '')) return { end: { kind: 'here' }, image };
  const local = port === undefined ? /^(.*)@localhost$/.exec(host)?.[1] : undefined;
  if (local !== undefined) {
    if (!userPattern.test(local)) throw invalid(text, 'names no user');
    return { end: { kind: 'user', name: local }, image };
  }
  if (!hostPattern.test(host) || (port !== undefined && (port === 0 || port > 65535))) throw invalid(text, 'names no host');
  return { end: { kind: 'host', destination: host, port }, image };
}

export function describeEnd(end: ImageEnd): string {
  switch (end.kind) {
    case 'here':
      return 'the store of this user';
    case 'user':
      return `the store of ${end.name} on this machine`;
    case 'host':
      return `the store of ${end.destination}${end.port === undefined ? '' : ` (port ${String(end.port)})`}, over ssh`;
  }
}
