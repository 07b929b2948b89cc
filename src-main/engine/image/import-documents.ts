/** Configuration and manifest of an image that is made here: what a base says is kept, whatever else it holds. */
import { createHash } from 'node:crypto';
import type { Digest } from '../../contract/ids.ts';
import type { ConfigPatch } from './import-changes.ts';
import type { Platform } from './manifest.ts';
import { mediaType } from './media-type.ts';

export type ImageFormat = 'oci' | 'docker';

type Json = Readonly<Record<string, unknown>>;

export interface NewConfig {
  /** The base's configuration as JSON, for its settings, its platform and its history. */
  readonly base: Json | undefined;
  readonly platform: Platform;
  readonly diffIds: readonly Digest[];
  readonly patch: ConfigPatch;
  readonly author: string;
  /** Docker's format alone has it at the top. */
  readonly comment: string;
  readonly createdAt: string;
  readonly history: { readonly createdBy: string; readonly comment: string };
  /** One layer for all: what the base's history tells of is not there any more. */
  readonly squash: boolean;
  readonly format: ImageFormat;
}

export function makeConfig(request: NewConfig): Buffer {
  const { base = {}, platform, diffIds, author, comment, createdAt, history, format } = request;
  const { os, architecture, variant } = platform;
  const step = {
    created: createdAt,
    ...(history.createdBy === '' ? {} : { created_by: history.createdBy }),
    ...(author === '' ? {} : { author }),
    ...(history.comment === '' ? {} : { comment: history.comment }),
  };
  const past = request.squash || !Array.isArray(base['history']) ? [] : (base['history'] as unknown[]);
  const inherited = author === '' ? base['author'] : author;
  return Buffer.from(
    JSON.stringify({
      created: createdAt,
      ...(typeof inherited === 'string' && inherited !== '' ? { author: inherited } : {}),
      architecture,
      ...(variant === '' ? {} : { variant }),
      os,
      config: applyPatch(toObject(base['config']), request.patch),
      rootfs: { type: 'layers', diff_ids: diffIds },
      history: [...past, step],
      ...(format === 'docker' && comment !== '' ? { comment } : {}),
    }),
  );
}

/** Layers are told by their uncompressed archives: only a push decides how they are compressed. */
export function makeManifest(
  format: ImageFormat,
  configBytes: Buffer,
  layers: readonly { readonly diffId: Digest; readonly sizeBytes: number }[],
): Buffer {
  const types =
    format === 'oci'
      ? { manifest: mediaType.ociManifest, config: mediaType.ociConfig, layer: 'application/vnd.oci.image.layer.v1.tar' }
      : { manifest: mediaType.dockerManifest, config: mediaType.dockerConfig, layer: 'application/vnd.docker.image.rootfs.diff.tar' };
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: types.manifest,
      config: { mediaType: types.config, digest: digestOf(configBytes), size: configBytes.length },
      layers: layers.map(({ diffId, sizeBytes }) => ({ mediaType: types.layer, digest: diffId, size: sizeBytes })),
    }),
  );
}

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}

function applyPatch(config: Json, patch: ConfigPatch): Json {
  const environment = mergeEnvironment(toStrings(config['Env']), patch.environment);
  const ports = { ...toObject(config['ExposedPorts']), ...toSet(patch.exposedPorts) };
  const volumes = { ...toObject(config['Volumes']), ...toSet(patch.volumes) };
  const labels = { ...toObject(config['Labels']), ...patch.labels };
  const onBuild = [...toStrings(config['OnBuild']), ...patch.onBuild];
  return {
    ...Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null)),
    ...(patch.user === undefined ? {} : { User: patch.user }),
    ...(Object.keys(ports).length === 0 ? {} : { ExposedPorts: ports }),
    ...(environment.length === 0 ? {} : { Env: environment }),
    ...(patch.entrypoint === undefined ? {} : { Entrypoint: patch.entrypoint }),
    ...(patch.command === undefined ? {} : { Cmd: patch.command }),
    ...(Object.keys(volumes).length === 0 ? {} : { Volumes: volumes }),
    ...(patch.workingDirectory === undefined ? {} : { WorkingDir: patch.workingDirectory }),
    ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }),
    ...(patch.stopSignal === undefined ? {} : { StopSignal: patch.stopSignal }),
    ...(onBuild.length === 0 ? {} : { OnBuild: onBuild }),
  };
}

/** A later value takes the place of an earlier one of the same name. */
function mergeEnvironment(base: readonly string[], added: readonly string[]): string[] {
  const merged = new Map<string, string>();
  for (const entry of [...base, ...added]) merged.set(entry.split('=', 1)[0] ?? entry, entry);
  return [...merged.values()];
}

function toObject(value: unknown): Json {
  if (Array.isArray(value)) return toSet(value.filter((item): item is string => typeof item === 'string'));
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function toStrings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

function toSet(names: readonly string[]): Json {
  return Object.fromEntries(names.map((name) => [name, {}]));
}
