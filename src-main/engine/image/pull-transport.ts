/** Pulls that bring more than one image, or that come from no registry. */
import { EngineError } from '../../base/errors.ts';
import { formatReference, parseTransport } from '../reference/reference.ts';
import { listTags } from '../registry/registry.ts';
import { type ImageContext, readRegistries } from './context.ts';
import type { PullOptions, ResolvedImage } from './image.ts';
import { loadImages } from './load.ts';
import { findRecord, nameToGive, resolveImage } from './lookup.ts';
import { Pull } from './pull.ts';
import { absolutePath, namesFor, requireOwnStore } from './transport.ts';

/** See ImageStore.pullAll. */
export async function pullAll(context: ImageContext, text: string, options: PullOptions): Promise<readonly ResolvedImage[]> {
  const registries = readRegistries(context);
  // What is here under exactly that name is meant, as `oci:1` may be.
  const transport = findNamed(context, text) ? undefined : parseTransport(text);
  if (options.allTags === true) {
    if (transport && transport.transport !== 'docker')
      throw new EngineError('invalid-argument', `pulling all tags is not supported for ${transport.transport} transport`);
    return pullAllTags(context, text, options);
  }
  if (transport === undefined || transport.transport === 'docker') return [await new Pull(context, options).run(text)];
  if (transport.transport === 'containers-storage') {
    requireOwnStore(context, transport);
    return [resolveImage(context.state.images, registries, transport.name)];
  }
  const from = absolutePath(transport, options.workingDirectory);
  const names = namesFor(transport);
  const { platform, signal, onProgress } = options;
  return loadImages(context, from.path, {
    from,
    ...(names === undefined ? {} : { names }),
    ...(platform === undefined ? {} : { platform }),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
}

function findNamed(context: ImageContext, text: string): boolean {
  if (!/^[a-z-]+:[^/]/.test(text)) return false;
  try {
    return findRecord(context.state.images, readRegistries(context), nameToGive(text)) !== undefined;
  } catch {
    return false;
  }
}

/** In the order in which the registry lists them; what was pulled before one fails stays. */
async function pullAllTags(context: ImageContext, text: string, options: PullOptions): Promise<readonly ResolvedImage[]> {
  const registries = readRegistries(context);
  const [reference] = registries.resolveForPull(text).candidates;
  if (!reference) throw new EngineError('internal', `${text} means nothing`);
  if (reference.digest !== undefined)
    throw new EngineError('invalid-argument', `${text} has a digest, and so cannot mean all tags`, { details: { field: 'reference' } });
  const source = registries.pullSources(reference).at(-1) ?? reference;
  const { authFile, certDirectory, tlsVerify, credentials, signal } = options;
  const access = {
    system: context.system,
    environment: context.environment(),
    registries,
    compatAuthFile: undefined,
    runRoot: context.config.runRoot,
    limits: context.limits,
    ...{ authFile, certDirectory, tlsVerify },
    ...(signal === undefined ? {} : { signal }),
  };
  const tags = await listTags(access, source.registry, source.repository, credentials);
  const pulled: ResolvedImage[] = [];
  for (const tag of tags) pulled.push(await new Pull(context, options).run(formatReference({ ...reference, tag })));
  return pulled;
}
