import { describe, expect, test } from 'vitest';
import { isEngineError } from '../../../src-main/base/errors.ts';
import { parseConfig } from '../../../src-main/engine/image/config-blob.ts';
import { type ImageIndex, parseManifest } from '../../../src-main/engine/image/manifest.ts';
import { choosePlatform, matchesPlatform, parsePlatform } from '../../../src-main/engine/image/platform.ts';
import { memberKey } from '../../../src-main/engine/image/tar-index.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 };
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: 2 };

describe('manifests', () => {
  const valid = { schemaVersion: 2, config, layers: [layer] };

  test('what it is, by itself and else by its content type', () => {
    expect(parseManifest(bytes(valid), '', 'm')).toMatchObject({
      kind: 'manifest',
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
    });
    const docker = 'application/vnd.docker.distribution.manifest.v2+json';
    expect(parseManifest(bytes(valid), docker, 'm').mediaType).toBe(docker);
    expect(parseManifest(bytes({ manifests: [] }), 'text/plain', 'm').kind).toBe('index');
    expect(() => parseManifest(bytes(valid), 'application/vnd.oci.image.index.v1+json', 'm')).toThrow(
      expect.objectContaining({ code: 'corrupt' }),
    );
  });

  test.each([
    ['a list', [], 'corrupt'],
    ['a bad digest', { ...valid, config: { ...config, digest: 'sha256:x' } }, 'corrupt'],
    ['a negative size', { ...valid, layers: [{ ...layer, size: -1 }] }, 'corrupt'],
    ['an unknown layer', { ...valid, layers: [{ ...layer, mediaType: 'x/y' }] }, 'unsupported'],
    ['an encrypted layer', { ...valid, layers: [{ ...layer, mediaType: `${layer.mediaType}+encrypted` }] }, 'unsupported'],
    ['too many layers', { ...valid, layers: Array.from({ length: 500 }, () => layer) }, 'limit-exceeded'],
    ['nothing known', { schemaVersion: 2 }, 'unsupported'],
  ])('%s is refused', (_what, document, code) => {
    expect(() => parseManifest(bytes(document), '', 'm')).toThrow(expect.objectContaining({ code }));
  });

  test('random damage is always an EngineError', () => {
    const text = JSON.stringify({ ...valid, annotations: { a: 'b' } });
    for (let at = 0; at < text.length; at++) {
      for (const change of ['', '"', '{', '[', '9', '\u0000']) {
        const damaged = Buffer.from(text.slice(0, at) + change + text.slice(at + 1));
        try {
          parseManifest(damaged, '', 'm');
        } catch (error) {
          expect(isEngineError(error) && error.code !== 'internal', damaged.toString()).toBe(true);
        }
      }
    }
  });
});

describe('configurations', () => {
  test('nulls, missing parts, strings for lists', () => {
    const parsed = parseConfig(
      bytes({
        architecture: 'arm64',
        created: 'yesterday',
        config: { Cmd: 'sh', Env: null, ExposedPorts: { '80/tcp': {} }, Volumes: ['/v'], Labels: { a: null } },
        rootfs: { diff_ids: null },
        history: null,
      }),
      'c',
    );
    expect(parsed).toMatchObject({ createdAt: 0, platform: { os: 'linux', architecture: 'arm64', variant: '' }, diffIds: [], history: [] });
    expect(parsed.config).toEqual({
      user: '',
      exposedPorts: ['80/tcp'],
      environment: [],
      entrypoint: [],
      command: ['sh'],
      volumes: ['/v'],
      workingDirectory: '',
      labels: { a: '' },
      stopSignal: '',
    });
  });

  test.each([
    ['not JSON', Buffer.from('{')],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['no rootfs', bytes({})],
    ['a bad diff id', bytes({ rootfs: { diff_ids: ['x'] } })],
  ])('%s is corrupt', (_what, document) => {
    expect(() => parseConfig(document, 'c')).toThrow(expect.objectContaining({ code: 'corrupt' }));
  });
});

describe('platforms', () => {
  const index = (...names: string[]): ImageIndex => ({
    kind: 'index',
    mediaType: '',
    manifests: names.map((name, at) => {
      const [os = '', architecture = '', variant = ''] = name.split('/');
      return {
        mediaType: '',
        digest: `sha256:${String(at).repeat(64)}` as ImageIndex['manifests'][number]['digest'],
        size: 1,
        annotations: {},
        artifactType: '',
        platform: { os, architecture, variant },
      };
    }),
  });
  const choose = (wanted: string, ...names: string[]): string =>
    names[Number(choosePlatform(index(...names), parsePlatform(wanted), 'i').digest[7])] ?? '';

  test('the best variant that runs', () => {
    expect(choose('linux/arm/v7', 'linux/arm/v5', 'linux/arm/v6', 'linux/arm64/v8')).toBe('linux/arm/v6');
    expect(choose('linux/arm/v7', 'linux/arm/v6', 'linux/arm/v7')).toBe('linux/arm/v7');
    expect(choose('arm64', 'linux/amd64', 'linux/arm64/v8')).toBe('linux/arm64/v8');
    expect(choose('linux/amd64', 'unknown/unknown', 'linux/amd64')).toBe('linux/amd64');
    expect(choose('linux/x86_64', 'linux/amd64')).toBe('linux/amd64');
    expect(() => choose('linux/arm/v6', 'linux/arm/v7')).toThrow(expect.objectContaining({ code: 'not-found' }));
    expect(() => choose('linux/s390x', 'windows/s390x')).toThrow(expect.objectContaining({ code: 'not-found' }));
  });

  test('spellings', () => {
    expect(parsePlatform('aarch64').architecture).toBe('arm64');
    expect(parsePlatform('linux/armhf')).toEqual({ os: 'linux', architecture: 'arm', variant: 'v7' });
    for (const text of ['', 'a/b/c/d', 'linux/../x', 'linux/'])
      expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(matchesPlatform({ os: '', architecture: 'amd64', variant: '' }, parsePlatform('linux/amd64'))).toBe(true);
  });
});

test('members of archives are keys within it, whatever they are called', () => {
  expect(memberKey('./a/../b//c')).toBe('b/c');
  expect(memberKey('/../../etc/passwd')).toBe('etc/passwd');
});
