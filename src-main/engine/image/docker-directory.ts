/** What skopeo calls `dir:` and Podman docker-dir: a folder with one manifest and its blobs, named by their digests. */
import { createHash } from 'node:crypto';
import { EngineError } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { Archive, MemberReader } from './archive.ts';
import { parseConfig } from './config-blob.ts';
import type { LoadableImage } from './load.ts';
import { parseManifest } from './manifest.ts';

function findBlob(archive: Archive, digest: Digest): MemberReader {
  const member = archive.find(digest.slice('sha256:'.length));
  if (!member) throw new EngineError('corrupt', `${archive.path} lacks blob ${digest}`);
  return member;
}

/** Undefined when it is no such folder. Errors: `corrupt`, `digest-mismatch`, `unsupported`. */
export function readDockerDirectory(archive: Archive): LoadableImage[] | undefined {
  const file = archive.find('manifest.json');
  if (!file || !archive.find('version')) return undefined;
  const manifestBytes = file.bytes();
  const manifest = parseManifest(manifestBytes, '', `manifest.json of ${archive.path}`);
  if (manifest.kind !== 'manifest')
    throw new EngineError('unsupported', `${archive.path} holds an index of several images`, { fix: 'Copy one of them there.' });
  const configBytes = findBlob(archive, manifest.config.digest).bytes();
  if (`sha256:${createHash('sha256').update(configBytes).digest('hex')}` !== manifest.config.digest)
    throw new EngineError('digest-mismatch', `blob ${manifest.config.digest} of ${archive.path} has other content than its digest says`);
  const config = parseConfig(configBytes, archive.path);
  if (config.diffIds.length !== manifest.layers.length)
    throw new EngineError(
      'corrupt',
      `${archive.path} has ${String(manifest.layers.length)} layers for an image of ${String(config.diffIds.length)}`,
    );
  const layers = manifest.layers.map(({ digest }, index) => ({
    member: findBlob(archive, digest),
    diffId: config.diffIds[index] as Digest,
    blobDigest: digest,
  }));
  return [{ configBytes, config, manifestBytes, names: [], layers }];
}
