/** An image as `images` shows it: one row for each of its names. */
import type { ImageSummary } from '../../../contract/image.ts';
import { ago, humanSize, shortId } from './human.ts';
import { headingsOf } from './report.ts';
import { goMap, GoTime, nilMap, nilSlice, struct, type GoStruct } from './template/template.ts';

export const imageHeadings = headingsOf(
  ['Repository', 'Tag', 'Digest', 'Created', 'CreatedAt', 'CreatedTime', 'Size', 'Labels', 'Containers', 'Names', 'History', 'Dangling'],
  {
    ID: 'IMAGE ID',
    Id: 'IMAGE ID',
    CreatedSince: 'CREATED',
    RepoDigests: 'DIGESTS',
    ReadOnly: 'R/O',
    SharedSize: 'SHARED SIZE',
    VirtualSize: 'VIRTUAL SIZE',
  },
);

export interface ImageName {
  readonly image: ImageSummary;
  readonly repository: string;
  readonly tag: string;
}

export function imageNames(image: ImageSummary): ImageName[] {
  if (image.names.length === 0) return [{ image, repository: repositoryOf(image), tag: '<none>' }];
  return image.names.map((name) => ({ image, ...splitName(name) }));
}

function repositoryOf(image: ImageSummary): string {
  const digest = image.repoDigests[0];
  return digest === undefined ? '<none>' : digest.slice(0, digest.indexOf('@'));
}

export function splitName(name: string): { repository: string; tag: string } {
  const at = name.indexOf('@');
  if (at >= 0) return { repository: name.slice(0, at), tag: '<none>' };
  const colon = name.lastIndexOf(':');
  if (colon <= name.lastIndexOf('/')) return { repository: name, tag: '<none>' };
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) };
}

export function imageRow(
  { image, repository, tag }: ImageName,
  options: { readonly nowMs: number; readonly noTruncate: boolean },
): GoStruct {
  const created = ago(image.createdAt, options.nowMs);
  return struct('images.imageReporter', {
    ID: options.noTruncate ? `sha256:${image.id}` : shortId(image.id),
    Id: image.id,
    Repository: repository,
    Tag: tag,
    Digest: image.digest ?? '<none>',
    Created: created,
    CreatedSince: created,
    CreatedAt: new GoTime(image.createdAt),
    CreatedTime: new GoTime(image.createdAt),
    Size: humanSize(image.sizeBytes, 3, ' '),
    VirtualSize: image.sizeBytes,
    SharedSize: 0,
    Labels: Object.keys(image.labels).length > 0 ? goMap(image.labels) : nilMap,
    Containers: image.containers,
    Names: image.names,
    RepoTags: image.names,
    RepoDigests: image.repoDigests,
    History: image.names.join(', '),
    Dangling: image.dangling,
    ReadOnly: image.readOnly === true,
    ParentId: '',
    Os: image.os,
    Arch: image.architecture,
    IsManifestList: image.manifestList === true,
  });
}

export function imageJson(image: ImageSummary): GoStruct {
  return struct('entities.ImageSummary', {
    Id: image.id,
    ParentId: '',
    RepoTags: image.names.length === 0 ? nilSlice : image.names,
    RepoDigests: image.repoDigests.length === 0 ? nilSlice : image.repoDigests,
    Size: image.sizeBytes,
    SharedSize: 0,
    VirtualSize: image.sizeBytes,
    Labels: Object.keys(image.labels).length > 0 ? goMap(image.labels) : nilMap,
    Containers: image.containers,
    ...(image.dangling ? { Dangling: true } : {}),
    ...(image.readOnly === true ? { ReadOnly: true } : {}),
    Names: image.names,
    Digest: image.digest ?? '',
    History: image.names,
    Created: Math.floor(image.createdAt / 1000),
    CreatedAt: new Date(image.createdAt).toISOString().replace(/\.\d+Z$/, 'Z'),
    ...(image.manifestList === true ? { IsManifestList: true } : { Os: image.os, Arch: image.architecture }),
  });
}
