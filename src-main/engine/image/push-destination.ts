import { EngineError } from '../../base/errors.ts';
import {
  type PullSource,
  type Reference,
  type Registries,
  parseReference,
  parseTransport,
  withDefaultTag,
} from '../reference/reference.ts';

export interface Destination {
  readonly reference: Reference;
  readonly target: PullSource;
}

/** A registry. Errors: `invalid-argument` for an id, a digest or another transport; `denied` when registries.conf blocks it. */
export function toDestination(registries: Registries, text: string, id: string, tlsVerify: boolean | undefined): Destination {
  if (text === id)
    throw new EngineError('invalid-argument', `image ${id.slice(0, 12)} is named by its id, which says not where to push it`, {
      fix: 'Give a destination, as registry/path:tag.',
      details: { field: 'destination' },
    });
  const transport = parseTransport(text);
  if (transport && transport.transport !== 'docker')
    throw new EngineError('invalid-argument', `${text} is no registry`, { details: { field: 'destination' } });
  const reference = withDefaultTag(parseReference(text));
  if (reference.digest !== undefined)
    throw new EngineError('invalid-argument', `${text} cannot be a destination: it has a digest`, { details: { field: 'destination' } });
  const found = registries.pullSources(reference).find(({ isMirror }) => !isMirror);
  if (!found) throw new EngineError('internal', `there is no place for ${text}`);
  return { reference, target: tlsVerify === undefined ? found : { ...found, insecure: !tlsVerify } };
}
