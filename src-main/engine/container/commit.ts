import type { TransferProgress } from '../../contract/image.ts';
import { asyncDisposable } from '../../base/disposable.ts';
import { EngineError } from '../../base/errors.ts';
import { type ConfigPatch, type ImageFormat, parseChanges, type ResolvedImage } from '../image/image.ts';
import type { ContainerRecord } from '../state/state.ts';
import { isMountTarget, snapshotChanges, writeLayerTar, writeTreeTar } from '../tree/tree.ts';
import { appendEvent, endOperation, isActive, isProcessAlive, titleOf, type Room } from './room.ts';

export interface CommitOptions {
  /** The new image's; undefined: none. */
  readonly name: string | undefined;
  readonly author: string;
  readonly message: string;
  readonly changes: readonly string[];
  readonly format: ImageFormat;
  readonly pause: boolean;
  readonly squash: boolean;
  readonly includeVolumes: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

/**
 * Makes an image of the container's image and what has changed in the container. Its lock is not held meanwhile, so it can be stopped; when it is
 * removed, there is no image. A death at any moment leaves nothing half: the archive has no name, and the journal knows the layer.
 */
export async function commitContainer(room: Room, nameOrId: string, options: CommitOptions): Promise<ResolvedImage> {
  const record = room.state.containers.resolve(nameOrId);
  if (options.message !== '' && options.format === 'oci')
    throw new EngineError('invalid-argument', 'messages are only compatible with the docker image format (-f docker)');
  const changes = parseChanges(options.changes);
  await using paused = options.pause && isActive(record) ? await pauseFor(room, record) : undefined;
  await using source = await openSource(room, record, options);
  const image = await room.images.compose({
    base: record.imageId,
    tar: source.tar,
    async afterReading() {
      requireStillThere(room, record);
      await paused?.[Symbol.asyncDispose]();
    },
    squash: options.squash,
    name: options.name,
    patch: withSettings(settingsOf(record, options), changes),
    author: options.author,
    message: options.message,
    createdBy: [...record.config.entrypoint, ...record.config.command].join(' '),
    format: options.format,
    object: record.name,
    signal: options.signal,
    onProgress: options.onProgress,
  });
  room.state.transaction(() => appendEvent(room, record, 'commit'));
  return image;
}

/** What the container was given besides its image: it runs from the new one as it does now. */
function settingsOf({ config }: ContainerRecord, { includeVolumes }: CommitOptions): ConfigPatch {
  const { spec, mounts } = config;
  const volumes = includeVolumes ? mounts.filter(({ type }) => type !== 'tmpfs').map(({ target }) => target) : [];
  return {
    exposedPorts: [...spec.expose.map(withProtocol), ...spec.ports.map((port) => `${String(port.containerPort)}/${port.protocol}`)],
    environment: spec.environment,
    volumes,
    labels: spec.labels,
    onBuild: [],
    ...(spec.user === undefined ? {} : { user: spec.user }),
    ...(spec.entrypoint === undefined ? {} : { entrypoint: spec.entrypoint, command: spec.command ?? [] }),
    ...(spec.command === undefined ? {} : { command: spec.command }),
    ...(spec.workingDirectory === undefined ? {} : { workingDirectory: spec.workingDirectory }),
    ...(spec.stopSignal === undefined ? {} : { stopSignal: spec.stopSignal }),
  };
}

/** Lists grow, single values are replaced. */
function withSettings(settings: ConfigPatch, changes: ConfigPatch): ConfigPatch {
  return {
    ...settings,
    ...changes,
    exposedPorts: [...settings.exposedPorts, ...changes.exposedPorts],
    environment: [...settings.environment, ...changes.environment],
    volumes: [...settings.volumes, ...changes.volumes],
    labels: { ...settings.labels, ...changes.labels },
  };
}

function withProtocol(port: string): string {
  return port.includes('/') ? port : `${port}/tcp`;
}

/** The archive of the new layer. */
async function openSource(
  room: Room,
  record: ContainerRecord,
  { squash, signal }: CommitOptions,
): Promise<{ readonly tar: AsyncIterable<Uint8Array> } & AsyncDisposable> {
  const { attributes } = room.system;
  if (squash) {
    const ours = engineMadeIn(room, record, signal);
    const held = await room.trees.hold(record.id);
    const tar = writeTreeTar(held.path, {
      attributes,
      signal,
      owners: record.config.userNamespace,
      leaveOut: ({ path }) => ours.has(path),
    });
    return { tar, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() };
  }
  const found = room.snapshots.changes(record.id);
  const changes = snapshotChanges(found, { attributes, signal });
  return { tar: writeLayerTar(changes, { attributes, signal, owners: found.owners }), ...asyncDisposable(() => Promise.resolve()) };
}

/** What is in the container's tree only because the engine mounts something there. */
function engineMadeIn(room: Room, { id }: ContainerRecord, signal: AbortSignal | undefined): ReadonlySet<string> {
  const found = new Set<string>();
  for (const change of snapshotChanges(room.snapshots.changes(id), { attributes: room.system.attributes, signal }))
    if (change.kind === 'added' && isMountTarget(change.entry)) found.add(change.entry.path);
  return found;
}

/** A removal that has begun meanwhile may have taken files from under the walk; it says so before it takes the first. */
function requireStillThere(room: Room, { id, name }: ContainerRecord): void {
  const now = room.state.containers.find(id);
  if (now && now.state !== 'removing') return;
  throw new EngineError('wrong-state', `container ${name} (${id.slice(0, 12)}) was removed while it was being committed`);
}

/** Frozen until the disposal, which may be repeated. */
async function pauseFor(room: Room, { id }: ContainerRecord): Promise<AsyncDisposable> {
  using _lock = await room.state.lock('container', id);
  const record = room.state.containers.get(id);
  if (record.state !== 'running' || !isProcessAlive(room, record)) return asyncDisposable(() => Promise.resolve());
  // In the journal first: nobody would thaw it if we died.
  const operation = room.state.operations.begin('container.commit', id);
  try {
    await room.runtime.pause(id);
  } catch (error) {
    operation[Symbol.dispose]();
    throw error instanceof EngineError ? error.within(`committing ${titleOf(record)}`) : error;
  }
  let done = false;
  return asyncDisposable(async () => {
    if (done) return;
    done = true;
    await room.runtime.resume(id);
    endOperation(operation);
  });
}
