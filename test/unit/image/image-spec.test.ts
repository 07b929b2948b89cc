/** The schemas that the suite holds what Selkie writes against: by the examples of the specification, and by what each of its rules forbids. */
import { describe, expect, test } from 'vitest';
import { descriptor, imageConfig, imageIndex, imageLayout, imageManifest, violations } from '../../support/image-spec.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: 32_654 };
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 7023 };
const manifest = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config, layers: [layer] };
const entry = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest,
  size: 7143,
  platform: { architecture: 'ppc64le', os: 'linux' },
};
const index = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [entry],
  annotations: { 'com.example.key1': 'value1' },
};
const image = {
  created: '2015-10-31T22:22:56.015925234Z',
  author: 'Alyssa P. Hacker <alyspdev@example.com>',
  architecture: 'amd64',
  os: 'linux',
  config: {
    User: 'alice',
    ExposedPorts: { '8080/tcp': {} },
    Env: ['PATH=/usr/local/sbin:/usr/bin', 'FOO=oci_is_a'],
    Entrypoint: ['/bin/my-app-binary'],
    Cmd: ['--foreground', '--config'],
    Volumes: { '/var/job-result-data': {} },
    WorkingDir: '/home/alice',
    Labels: { 'com.example.project.git.url': 'https://example.com/project.git' },
  },
  rootfs: { type: 'layers', diff_ids: [digest] },
  history: [{ created: '2015-10-31T22:22:54.690851953Z', created_by: '/bin/sh -c #(nop) CMD ["sh"]', empty_layer: true }],
};

describe('the schemas of the image specification', () => {
  test.each([
    ['a descriptor', descriptor, layer],
    ['a manifest', imageManifest, manifest],
    ['an index', imageIndex, index],
    ['an index without images', imageIndex, { schemaVersion: 2, manifests: [] }],
    ['a layout', imageLayout, { imageLayoutVersion: '1.0.0' }],
    ['a configuration', imageConfig, image],
  ])('%s of the specification', (_title, schema, document) => {
    expect(violations(schema, document)).toEqual([]);
  });

  const { size: _, ...sizeless } = layer;
  test.each([
    ['a descriptor without a size', descriptor, sizeless, 'size'],
    ['a negative size', descriptor, { ...layer, size: -1 }, 'size'],
    ['a short digest', descriptor, { ...layer, digest: 'sha256:abc' }, 'digest'],
    ['a media type that is none', descriptor, { ...layer, mediaType: 'layer' }, 'mediaType'],
    ['an address that is none', descriptor, { ...layer, urls: ['x y'] }, 'urls.0'],
    ['annotations that are no text', descriptor, { ...layer, annotations: { a: 1 } }, 'annotations.a'],
    ['a key that is not named', descriptor, { ...layer, Size: 1 }, 'Size'],
    ['schemaVersion 1', imageManifest, { ...manifest, schemaVersion: 1 }, 'schemaVersion'],
    [
      'Docker’s layers',
      imageManifest,
      { ...manifest, layers: [{ ...layer, mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' }] },
      'layers.0.mediaType',
    ],
    ['no layers', imageManifest, { ...manifest, layers: [] }, 'layers'],
    [
      'Docker’s configuration',
      imageManifest,
      { ...manifest, config: { ...config, mediaType: 'application/vnd.docker.container.image.v1+json' } },
      'config.mediaType',
    ],
    [
      'a platform without an architecture',
      imageIndex,
      { ...index, manifests: [{ ...entry, platform: { os: 'linux' } }] },
      'manifests.0.platform.architecture',
    ],
    ['another layout', imageLayout, { imageLayoutVersion: '2.0.0' }, 'imageLayoutVersion'],
    ['no root file system', imageConfig, { ...image, rootfs: undefined }, 'rootfs'],
    ['a time that is none', imageConfig, { ...image, created: 'yesterday' }, 'created'],
    ['a variable without =', imageConfig, { ...image, config: { Env: ['PATH'] } }, 'config.Env.0'],
    ['a port that is none', imageConfig, { ...image, config: { ExposedPorts: { web: {} } } }, 'config.ExposedPorts'],
    ['history with other keys', imageConfig, { ...image, history: [{ createdBy: 'x' }] }, 'history.0.createdBy'],
  ])('%s is refused', (_title, schema, document, where) => {
    const found = violations(schema, document);
    expect(found.map((line) => line.slice(0, line.indexOf(': ')))).toContain(where);
  });
});
