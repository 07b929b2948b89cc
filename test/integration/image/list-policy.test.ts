/** Images that a list takes from one registry to another, under a policy that asks for signatures; and OpenPGP messages that are damaged. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isEngineError } from '../../../src-main/base/errors.ts';
import { openKeyring } from '../../../src-main/engine/signature/gpg.ts';
import { GpgKeys, hasGpg } from '../../support/signing-keys.ts';
import { Random } from '../../support/random.ts';
import { makeImage, makeIndex, makeTar, type TestImage } from './test-image.ts';
import { pushImage, pushManifest, registryProgram, serveBefore, TestRegistry } from './test-registry.ts';
import { type TestEngine, TestStore } from './test-store.ts';

const lacking = registryProgram === undefined ? ' (docker-registry is not installed)' : hasGpg ? '' : ' (gpg is not installed)';
const insecure = { tlsVerify: false } as const;

describe.skipIf(lacking !== '')(`lists and signatures${lacking}`, () => {
  let registry: TestRegistry;
  let keys: GpgKeys;
  let images: TestImage[];
  let store: TestStore;
  let engine: TestEngine;

  beforeAll(async () => {
    registry = await TestRegistry.start();
    keys = new GpgKeys();
    keys.generate('team@example.com');
    images = [makeImage([await makeTar({ a: 'intel' })]), makeImage([await makeTar({ a: 'arm' })], { architecture: 'arm64' })];
    for (const [index, image] of images.entries()) await pushImage(registry, 'team/app', String(index), image);
    const platforms = ['amd64', 'arm64'].map((architecture, at) => ({
      image: images[at] as TestImage,
      platform: { architecture, os: 'linux' },
    }));
    await pushManifest(registry, 'team/app', '1', makeIndex(platforms));
  });
  afterAll(async () => {
    keys[Symbol.dispose]();
    await registry[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    store = new TestStore();
    engine = store.openEngine();
    store.environment['GNUPGHOME'] = keys.home;
    return async () => {
      engine[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    };
  });

  function sign(image: TestImage, reference = `${registry.host}/team/app:1`): void {
    const { digest } = image.manifest;
    const folder = join(store.directory, 'lookaside', `team/app@${digest.replace(':', '=')}`);
    mkdirSync(folder, { recursive: true });
    const critical = {
      type: 'atomic container signature',
      image: { 'docker-manifest-digest': digest },
      identity: { 'docker-reference': reference },
    };
    writeFileSync(join(folder, 'signature-1'), keys.sign(JSON.stringify({ critical, optional: null }), 'team@example.com'));
  }

  test('each image that is copied has to be signed; until all are, nothing arrives under the tag', async () => {
    store.write('.config/containers/registries.d/a.yaml', `default-docker:\n  lookaside: file://${store.directory}/lookaside\n`);
    const key = keys.export('team@example.com', store.write('team.asc', ''));
    const docker = { [registry.host]: [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: key }] };
    store.write('.config/containers/policy.json', JSON.stringify({ default: [{ type: 'reject' }], transports: { docker } }));
    await engine.images.createList('list:1', [`docker://${registry.host}/team/app:1`], {
      all: true,
      amend: false,
      annotations: {},
      ...insecure,
    });
    const changed: string[] = [];
    await using target = await serveBefore(
      registry,
      () => false,
      ({ method = '', url = '' }) => {
        if (method === 'PUT' && url.includes('/manifests/')) changed.push(url);
        return false;
      },
    );
    const push = () => engine.images.pushList('list:1', `${target.host}/copies/signed:1`, { all: true, ...insecure });
    for (const [index, image] of images.entries()) {
      await expect(push()).rejects.toMatchObject({
        code: 'denied',
        message: expect.stringMatching(/^[^\n]*team\/app@sha256:[^\n]* is refused: the policy [^\n]* needs signedBy, and /) as string,
      });
      expect(changed.filter((url) => url.endsWith('/1'))).toEqual([]);
      sign(image, index === 1 ? undefined : `${registry.host}/team/app:1`);
    }
    await push();
    expect(changed.filter((url) => url.endsWith('/1'))).toHaveLength(1);
    sign(images[0] as TestImage, `${registry.host}/other/app:1`);
    await engine.images.createList('list:2', [`docker://${registry.host}/team/app:0`], {
      all: true,
      amend: false,
      annotations: {},
      ...insecure,
    });
    await expect(engine.images.pushList('list:2', `${target.host}/copies/other:1`, { all: true, ...insecure })).rejects.toMatchObject({
      code: 'denied',
      message: expect.stringContaining('for another name') as string,
    });
  });

  test('of a message that was damaged nothing is taken but what it signs, and each refusal is one line (60 of a seed)', {
    timeout: 240_000,
  }, async () => {
    const random = new Random(41);
    const document = Buffer.from('{"critical":{}}');
    const message = keys.sign(document, 'team@example.com');
    const key = keys.export('team@example.com', store.write('team.asc', ''));
    await using keyring = await openKeyring(
      store.system,
      [{ name: key, bytes: Buffer.from(keys.gpg('--armor', '--export', 'team@example.com')) }],
      undefined,
    );
    expect(await keyring.verify(message)).toEqual(document);
    let refused = 0;
    for (let turn = 0; turn < 60; turn += 1) {
      const damaged = random.damage(random.damage(message));
      try {
        expect(await keyring.verify(damaged), `turn ${String(turn)}`).toEqual(document);
      } catch (error) {
        if (!isEngineError(error)) throw error;
        expect(error.code).toMatch(/^(?:denied|corrupt)$/);
        expect(error.message).not.toContain('\n');
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(20);
  });
});
