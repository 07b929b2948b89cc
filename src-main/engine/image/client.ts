import type { Registries } from '../reference/reference.ts';
import { type RegistryClient, createRegistryClient } from '../registry/registry.ts';
import type { ImageContext } from './context.ts';

/** How a registry is spoken to: what a person gives for one operation. */
export interface RegistryOptions {
  readonly tlsVerify?: boolean | undefined;
  /** user:password, never stored or logged. */
  readonly credentials?: string | undefined;
  readonly authFile?: string | undefined;
  readonly certDirectory?: string | undefined;
}

/** For one operation: its connections and tokens end with it. */
export function openClient(
  context: ImageContext,
  registries: Registries,
  { credentials, authFile, certDirectory }: RegistryOptions,
  onRetry: (message: string) => void,
): RegistryClient {
  return createRegistryClient({
    system: context.system,
    environment: context.environment(),
    credentialHelpers: registries.credentialHelpers,
    limits: context.limits,
    onRetry,
    ...(credentials === undefined ? {} : { credentials }),
    ...(authFile === undefined ? {} : { authFile }),
    ...(certDirectory === undefined ? {} : { certDirectory }),
  });
}
