/** An image in the shape of `podman image inspect`. */
import type { ImageDetail } from '../../../contract/image.ts';
import { goMap, GoTime, nilMap, struct, type GoStruct } from './template/template.ts';

export function imageInspect(detail: ImageDetail): GoStruct {
  const labels = goMap(detail.config.labels);
  return struct('interface {}', {
    Id: detail.id,
    Digest: detail.digest ?? '',
    RepoTags: detail.names,
    RepoDigests: detail.repoDigests,
    Parent: '',
    Comment: detail.comment,
    Created: new GoTime(detail.createdAt),
    Config: config(detail),
    Version: '',
    Author: detail.author,
    Architecture: detail.architecture,
    Os: detail.os,
    ...(detail.variant === '' ? {} : { Variant: detail.variant }),
    Size: detail.sizeBytes,
    VirtualSize: detail.sizeBytes,
    GraphDriver: struct('*define.DriverData', { Name: detail.graphDriver.name, Data: goMap(detail.graphDriver.data) }),
    RootFS: struct('*inspect.RootFS', { Type: 'layers', Layers: detail.layers.map((layer) => layer.diffId) }),
    Labels: labels.size > 0 ? labels : nilMap,
    Annotations: goMap({}),
    ManifestType: detail.mediaType,
    User: detail.config.user,
    History: detail.history.map(historyEntry),
    NamesHistory: detail.names,
  });
}

function config(detail: ImageDetail): GoStruct {
  const { config: image } = detail;
  const fields: [string, unknown, boolean][] = [
    ['User', image.user, image.user !== ''],
    ['ExposedPorts', emptyValues(image.exposedPorts), image.exposedPorts.length > 0],
    ['Env', image.environment, image.environment.length > 0],
    ['Entrypoint', image.entrypoint, image.entrypoint.length > 0],
    ['Cmd', image.command, image.command.length > 0],
    ['Volumes', emptyValues(image.volumes), image.volumes.length > 0],
    ['WorkingDir', image.workingDirectory, image.workingDirectory !== ''],
    ['Labels', goMap(image.labels), Object.keys(image.labels).length > 0],
    ['StopSignal', image.stopSignal, image.stopSignal !== ''],
  ];
  // Templates see every field, JSON only those that are set: what is not enumerable is there for a template alone.
  const result = struct('*v1.ImageConfig', Object.fromEntries(fields.filter(([, , set]) => set).map(([name, value]) => [name, value])));
  for (const [name, value, set] of fields) if (!set) Object.defineProperty(result, name, { value, enumerable: false });
  return result;
}

function emptyValues(keys: readonly string[]): ReadonlyMap<string, unknown> {
  return goMap(Object.fromEntries(keys.map((key) => [key, {}])));
}

function historyEntry(entry: ImageDetail['history'][number]): GoStruct {
  return struct('v1.History', {
    ...(entry.createdAt === undefined ? {} : { created: new GoTime(entry.createdAt) }),
    ...(entry.createdBy === '' ? {} : { created_by: entry.createdBy }),
    ...(entry.comment === '' ? {} : { comment: entry.comment }),
    ...(entry.emptyLayer ? { empty_layer: true } : {}),
  });
}
