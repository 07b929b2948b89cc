/**
 * Docker's own store (not containerd's), by its layout of version 1.10: image/DRIVER with repositories.json, configurations in imagedb and, for each chain
 * of layers, layerdb with tar-split data and the id of the folder that has the files. Docker keeps no manifests.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { EngineError, throwIfAborted } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { System } from '../../system/system.ts';
import { type AdoptableImage, type AdoptableLayer, parseConfig } from '../image/image.ts';
import { readDocument, readJson } from './documents.ts';
import { type ForeignImage, type ForeignStore, isHex, namesOf, toAdoptableLayer, toDigest } from './foreign-store.ts';
import { tarBytesOf } from './tar-split.ts';

const readableDrivers = ['overlay2', 'fuse-overlayfs', 'vfs'] as const;
type Driver = (typeof readableDrivers)[number];

const repositories = v.object({ Repositories: v.nullish(v.record(v.string(), v.record(v.string(), v.string())), {}) });

/** Errors: `not-found` when there is none, `denied`, `corrupt`, `unsupported` (containerd's store, another storage driver). */
export function readDockerStore(root: string, system: Pick<System, 'attributes'>): ForeignStore {
  const drivers = readableDrivers.filter((driver) => existsSync(join(root, 'image', driver, 'imagedb/content/sha256')));
  if (drivers.length === 0) throw noStore(root);
  const images = drivers.flatMap((driver) => {
    const names = readNames(join(root, 'image', driver, 'repositories.json'));
    return readdirSync(join(root, 'image', driver, 'imagedb/content/sha256'))
      .filter(isHex)
      .map((id) => toImage({ root, driver, id, attributes: system.attributes }, names.get(id) ?? []));
  });
  return { root, drivers, images, volumes: [] };
}

function noStore(root: string): EngineError {
  const fix = 'save the images there, and load them: docker save IMAGE… | selkie load';
  if (existsSync(join(root, 'containerd')) || existsSync(join(root, 'rootfs')))
    return new EngineError('unsupported', `Docker keeps its images in containerd's store (${root}), which cannot be read`, { fix });
  const other = existsSync(join(root, 'image')) ? readdirSync(join(root, 'image'))[0] : undefined;
  if (other !== undefined)
    return new EngineError('unsupported', `${root} is a store of the driver ${other}; ${readableDrivers.join(', ')} can be read`, { fix });
  return new EngineError('not-found', `there is no image of Docker's in ${root}`, {
    fix: 'name the place by --root, as docker info --format "{{.DockerRootDir}}" tells it',
  });
}

/** By the images' ids. */
function readNames(path: string): ReadonlyMap<string, string[]> {
  const names = new Map<string, string[]>();
  for (const references of Object.values(readJson(path, repositories)?.Repositories ?? {}))
    for (const [reference, digest] of Object.entries(references)) {
      const id = digest.replace(/^sha256:/, '');
      names.set(id, [...(names.get(id) ?? []), reference]);
    }
  return names;
}

interface Place {
  readonly root: string;
  readonly driver: Driver;
  readonly id: string;
  readonly attributes: System['attributes'];
}

function toImage(place: Place, references: readonly string[]): ForeignImage {
  const { names, repoDigests } = namesOf(references, []);
  return {
    ...{ id: place.id, names, repoDigests },
    async open(signal) {
      const origin = `image ${names[0] ?? place.id.slice(0, 12)} of ${place.root}`;
      const configBytes = readDocument(join(place.root, 'image', place.driver, 'imagedb/content/sha256', place.id));
      if (!configBytes || createHash('sha256').update(configBytes).digest('hex') !== place.id)
        throw new EngineError('corrupt', `its configuration was ${configBytes ? 'changed' : 'removed'}`);
      const layers: AdoptableLayer[] = [];
      let chainId: Digest | undefined;
      for (const diffId of parseConfig(configBytes, origin).diffIds) {
        throwIfAborted(signal);
        // OCI image-spec config.md#layer-chainid
        chainId = chainId === undefined ? diffId : toDigest(createHash('sha256').update(`${chainId} ${diffId}`).digest('hex'));
        layers.push(await openLayer(place, chainId, diffId, signal));
      }
      return {
        origin,
        transport: 'docker-daemon',
        configBytes,
        manifestBytes: undefined,
        names,
        repoDigests,
        layers,
      } satisfies AdoptableImage;
    },
  };
}

async function openLayer(
  { root, driver, attributes }: Place,
  chainId: Digest,
  diffId: Digest,
  signal: AbortSignal | undefined,
): Promise<AdoptableLayer> {
  const folder = join(root, 'image', driver, 'layerdb/sha256', chainId.slice('sha256:'.length));
  const cacheId = readDocument(join(folder, 'cache-id'))?.toString('utf8').trim();
  if (cacheId === undefined) throw new EngineError('corrupt', `its layer ${diffId} is not in ${root}`);
  if (!/^[0-9a-z-]{1,128}$/.test(cacheId)) throw new EngineError('corrupt', `its layer ${diffId} has no proper cache-id`);
  const directory = driver === 'vfs' ? join(root, 'vfs/dir', cacheId) : join(root, driver, cacheId, 'diff');
  const tarSplit = join(folder, 'tar-split.json.gz');
  return toAdoptableLayer(attributes, { directory, tarSplit }, { diffId, sizeBytes: await tarBytesOf(tarSplit) }, signal);
}
