/** What `docker save` and `podman save` write: manifest.json, configurations, layers as plain tars. */
import * as v from 'valibot';
import { EngineError } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import { formatReference, parseReference, withDefaultTag } from '../reference/reference.ts';
import type { Archive, MemberReader } from './archive.ts';
import { parseConfig } from './config-blob.ts';
import type { LoadableImage } from './load.ts';
import { makePlainManifest } from './plain-manifest.ts';

const manifestFile = v.pipe(
  v.array(v.object({ Config: v.string(), RepoTags: v.nullish(v.array(v.string()), []), Layers: v.nullish(v.array(v.string()), []) })),
  v.nonEmpty('no image'),
);

function need(archive: Archive, path: string): MemberReader {
  const member = archive.find(path);
  if (!member) throw new EngineError('corrupt', `${archive.path} lacks ${JSON.stringify(path)}, which its manifest.json names`);
  return member;
}

function readManifestFile(archive: Archive, bytes: Buffer): v.InferOutput<typeof manifestFile> {
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new EngineError('corrupt', `manifest.json of ${archive.path} is not JSON`, { cause: error });
  }
  const parsed = v.safeParse(manifestFile, document);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new EngineError(
    'corrupt',
    `manifest.json of ${archive.path} is malformed: ${v.getDotPath(issue) ?? 'the document'}: ${issue.message}`,
  );
}

/** Undefined when it is no such archive. Errors: `corrupt`, `unsupported`, `limit-exceeded`. */
export function readDockerArchive(archive: Archive): LoadableImage[] | undefined {
  const file = archive.find('manifest.json');
  if (!file) {
    if (archive.find('repositories'))
      throw new EngineError('unsupported', `${archive.path} was made by a docker older than 1.10`, {
        fix: 'Load it there and save it again.',
      });
    return undefined;
  }
  return readManifestFile(archive, file.bytes()).map((entry) => {
    const configBytes = need(archive, entry.Config).bytes();
    const config = parseConfig(configBytes, `${entry.Config} of ${archive.path}`);
    if (config.diffIds.length !== entry.Layers.length)
      throw new EngineError(
        'corrupt',
        `${archive.path} has ${String(entry.Layers.length)} layers for an image of ${String(config.diffIds.length)}`,
      );
    const layers = entry.Layers.map((path, index) => ({
      member: need(archive, path),
      diffId: config.diffIds[index] as Digest,
      blobDigest: undefined,
    }));
    const names = entry.RepoTags.map((name) => formatReference(withDefaultTag(parseReference(name))));
    const sizes = layers.map(({ diffId, member }) => ({ diffId, sizeBytes: member.sizeBytes }));
    return { configBytes, config, manifestBytes: makePlainManifest(configBytes, sizes), names, layers };
  });
}
