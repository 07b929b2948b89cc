import { describe, expect, test } from 'vitest';
import { isEngineError } from '../../../src-main/base/errors.ts';
import type { Digest } from '../../../src-main/contract/ids.ts';
import { buildList, parseList, preferredKind, type ListEntry } from '../../../src-main/engine/image/list-document.ts';
import { parseManifest, parseReferences } from '../../../src-main/engine/image/manifest.ts';
import { toKind } from '../../../src-main/engine/image/outgoing.ts';
import { parseReference, parseTransport } from '../../../src-main/engine/reference/reference.ts';
import { Random } from '../../support/random.ts';
import { digestOf } from '../../integration/image/test-image.ts';

const oci = 'application/vnd.oci.image.manifest.v1+json';
const entry = (change: Partial<ListEntry> = {}): ListEntry => ({
  digest: digestOf(Buffer.from('one')),
  size: 3,
  mediaType: oci,
  platform: { architecture: 'arm', os: 'linux', osVersion: '', osFeatures: [], variant: 'v7', features: [] },
  annotations: {},
  ...change,
});

describe('documents of lists', () => {
  test('an index is, byte for byte, what Podman 4.3 pushes for the same list', () => {
    const first = entry({
      digest: 'sha256:e9b55e9b81ef1f437a393c750d0167fdf8a65a60510606e3fbe763be37a6e2ab' as Digest,
      size: 344,
      annotations: { left: 'right' },
      platform: { ...entry().platform, osVersion: '3' },
    });
    const second = entry({
      digest: 'sha256:d222ae71b0d8067165dc0aaa969f06aa394f7021ed2ec2604c01fd6ff8573260' as Digest,
      size: 344,
      platform: { ...entry().platform, architecture: 'amd64', variant: '' },
    });
    const built = buildList({ annotations: {}, instances: [first, second] }, 'oci');
    expect(built.digest).toBe('sha256:5060ae77d90baa42c4ea8a341ed3840c7613a6cf3c4a16896bca4b4a02010307');
  });

  test.each(['oci', 'docker'] as const)('what is written as %s is read back, as far as that form can say it', (kind) => {
    const full = entry({
      annotations: { a: 'b' },
      platform: { architecture: 'amd64', os: 'windows', osVersion: '10.0', osFeatures: ['win32k'], variant: 'v2', features: ['sse4'] },
    });
    const { bytes, mediaType } = buildList({ annotations: { of: 'index' }, instances: [full] }, kind);
    const { entries, annotations } = parseList(bytes, mediaType, 'it');
    const { features: _, ...platform } = full.platform;
    expect(entries).toEqual([kind === 'oci' ? { ...full, platform: { ...platform, features: [] } } : { ...full, annotations: {} }]);
    expect(annotations).toEqual(kind === 'oci' ? { of: 'index' } : {});
  });

  test('the form is the one that can say all of it', () => {
    expect(preferredKind({ annotations: {}, instances: [] })).toBe('docker');
    expect(preferredKind({ annotations: {}, instances: [entry()] })).toBe('oci');
    expect(preferredKind({ annotations: {}, instances: [entry({ platform: { ...entry().platform, features: ['x'] } })] })).toBe('docker');
    expect(preferredKind({ annotations: { a: 'b' }, instances: [] })).toBe('oci');
  });

  test('a list of lists, and an image for a list, are refused by name', () => {
    const nested = JSON.stringify({
      schemaVersion: 2,
      manifests: [{ mediaType: 'application/vnd.oci.image.index.v1+json', digest: entry().digest, size: 1 }],
    });
    expect(() => parseList(Buffer.from(nested), '', 'it')).toThrow(/list of lists/);
    const image = JSON.stringify({
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: entry().digest, size: 1 },
      layers: [],
    });
    expect(() => parseList(Buffer.from(image), '', 'it')).toThrow(/not a list/);
  });

  test('a manifest turned into the other kind and back is the same again; zstd has no word in Docker’s', () => {
    const manifest = (layer: string): Buffer =>
      Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: oci,
          config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: entry().digest, size: 1 },
          layers: [{ mediaType: layer, digest: entry().digest, size: 1 }],
        }),
      );
    const bytes = manifest('application/vnd.oci.image.layer.v1.tar+gzip');
    const built = { bytes, digest: digestOf(bytes), mediaType: oci };
    const docker = toKind(built, 'docker', 'it');
    expect(docker.bytes.toString()).not.toContain('oci');
    expect(toKind(docker, 'oci', 'it')).toEqual(built);
    const zstd = manifest('application/vnd.oci.image.layer.v1.tar+zstd');
    expect(() => toKind({ bytes: zstd, digest: digestOf(zstd), mediaType: oci }, 'docker', 'it')).toThrow(/no word/);
  });
});

describe('hostile documents and names', () => {
  /** Only errors that a person can read. */
  function survives(run: () => unknown): void {
    try {
      run();
    } catch (error) {
      if (!isEngineError(error)) throw error;
    }
  }

  test('whatever stands in a manifest or an index, nothing else than an EngineError is thrown (3000 of a seed)', () => {
    const random = new Random(20261124);
    const seeds = [
      {
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.index.v1+json',
        manifests: [{ ...entry(), platform: { os: 'linux', architecture: 'amd64' } }],
        annotations: { a: 'b' },
      },
      {
        schemaVersion: 2,
        mediaType: oci,
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: entry().digest, size: 1 },
        layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: entry().digest, size: 2 }],
      },
    ];
    for (let turn = 0; turn < 3000; turn++) {
      const bytes = random.damage(Buffer.from(JSON.stringify(random.distort(random.pick(seeds)))));
      const type = random.pick(['', oci, 'application/vnd.docker.distribution.manifest.list.v2+json', '\u0000']);
      for (const parse of [parseManifest, parseList, (one: Buffer, _: string, what: string) => parseReferences(one, what)])
        survives(() => parse(bytes, type, 'it'));
    }
  });

  test('whatever is given for a reference, nothing else than an EngineError is thrown (5000 of a seed)', () => {
    const random = new Random(7);
    const seeds = [
      'docker://reg.example:5000/a/b:tag',
      `x@${entry().digest}`,
      'docker-archive:/a/b.tar:foo/bar:1',
      'oci:/a:@3',
      'dir:/x',
      'containers-storage:[overlay@/g+/r:o=1]name:1',
      'sif:x',
      'library/alpine',
      '[::1]:5000/x',
    ];
    for (let turn = 0; turn < 5000; turn++) {
      const text = random.damage(Buffer.from(random.pick(seeds))).toString(turn % 2 === 0 ? 'utf8' : 'latin1');
      survives(() => parseReference(text));
      survives(() => parseTransport(text));
    }
  });
});

describe('transports', () => {
  test.each([
    ['docker://a/b:1', { transport: 'docker', name: 'a/b:1' }],
    ['docker:1', undefined],
    ['alpine', undefined],
    ['oci:/x/y', { transport: 'oci', path: '/x/y', name: undefined, position: undefined }],
    ['oci-archive:a.tar:v1:2', { transport: 'oci-archive', path: 'a.tar', name: 'v1:2', position: undefined }],
    ['docker-archive:a.tar:@2', { transport: 'docker-archive', path: 'a.tar', name: undefined, position: 2 }],
    ['dir:/a:b', { transport: 'dir', path: '/a:b' }],
    ['containers-storage:a:1', { transport: 'containers-storage', name: 'a:1', store: undefined }],
    [
      'containers-storage:[vfs@/g+/r]a',
      { transport: 'containers-storage', name: 'a', store: { driver: 'vfs', graphRoot: '/g', runRoot: '/r' } },
    ],
    [
      'containers-storage:[/g]a',
      { transport: 'containers-storage', name: 'a', store: { driver: undefined, graphRoot: '/g', runRoot: undefined } },
    ],
  ])('%s', (text, expected) => {
    expect(parseTransport(text)).toEqual(expected);
  });

  test.each(['docker-daemon:x', 'ostree:x', 'oci:', 'dir:', 'containers-storage:[]x', 'docker-archive:x:@y'])('%s is refused', (text) => {
    expect(() => parseTransport(text)).toThrow();
  });
});
