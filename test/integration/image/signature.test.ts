/** Signatures: ours and those of skopeo and Podman, each verified by the others; and everything that is not one. */
import { execFileSync } from 'node:child_process';
import { sign as signBytes, createPrivateKey } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Digest } from '../../../src-main/contract/ids.ts';
import { GpgKeys, hasGpg, makeKeyPair } from '../../support/signing-keys.ts';
import { Podman, hasPodman, hasSkopeo } from './peers.ts';
import { type TestImage, blob, hostArchitecture, makeImage, makeIndex, makeTar } from './test-image.ts';
import { TestRegistry, pushBlob, pushImage, pushManifest, registryProgram, serveHttp } from './test-registry.ts';
import { type TestEngine, TestStore, contentsOf, nothing } from './test-store.ts';

const lacking = [
  [process.getuid?.() === 0, 'needs root'],
  [registryProgram !== undefined, 'needs docker-registry'],
  [hasGpg, 'needs gpg'],
  [hasSkopeo, 'needs skopeo'],
] as const;
const reason = lacking.find(([there]) => !there)?.[1];

describe.skipIf(reason !== undefined)(`signatures of images${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let registry: TestRegistry;
  let store: TestStore;
  let engine: TestEngine;
  let keys: GpgKeys;
  let image: TestImage;
  let fingerprint: string;
  let name: string;
  let lookaside: string;
  let publicKey: string;

  beforeAll(async () => {
    registry = await TestRegistry.start();
    keys = new GpgKeys();
    fingerprint = keys.generate('team@example.com');
    image = makeImage([await makeTar({ 'hello.txt': 'signed\n' })]);
    await pushImage(registry, 'team/app', '1', image);
    name = `${registry.host}/team/app:1`;
  });

  beforeEach(() => {
    store = new TestStore();
    engine = store.openEngine();
    store.environment['GNUPGHOME'] = keys.home;
    lookaside = join(store.directory, 'lookaside');
    publicKey = keys.export('team@example.com', store.write('team.asc', ''));
    registriesD({ lookaside: `file://${lookaside}` });
    return async () => {
      engine[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    };
  });

  afterAll(async () => {
    keys[Symbol.dispose]();
    await registry[Symbol.asyncDispose]();
  });

  function registriesD(entry: Readonly<Record<string, unknown>>): string {
    return store.write(
      '.config/containers/registries.d/test.yaml',
      `docker:\n  ${JSON.stringify(registry.host)}: ${JSON.stringify(entry)}\n`,
    );
  }

  function policy(...requirements: readonly object[]): string {
    const document = { default: [{ type: 'reject' }], transports: { docker: { [registry.host]: requirements } } };
    return store.write('.config/containers/policy.json', JSON.stringify(document));
  }

  const signedBy = (key: string, signedIdentity?: object): object => ({
    type: 'signedBy',
    keyType: 'GPGKeys',
    keyPath: key,
    ...(signedIdentity === undefined ? {} : { signedIdentity }),
  });

  const pull = (reference = name) => engine.images.pull(reference, { policy: 'always', tlsVerify: false });

  /** One line, and as if nothing had been asked for. */
  async function refused(words: RegExp, reference = name): Promise<void> {
    const error: unknown = await pull(reference).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ name: 'EngineError' });
    const { message } = error as Error;
    expect(message).toMatch(words);
    expect(message).not.toContain('\n');
    expect(contentsOf(engine)).toEqual(nothing);
    expect(store.partials()).toEqual([]);
    expect(store.blobs()).toEqual([]);
  }

  /** What a reader finds for the image, in this order. */
  function put(...signatures: readonly (string | Buffer)[]): void {
    const folder = join(lookaside, `team/app@${image.manifest.digest.replace(':', '=')}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const [index, bytes] of signatures.entries()) writeFileSync(join(folder, `signature-${String(index + 1)}`), bytes);
  }

  function payload(digest: Digest = image.manifest.digest, reference = name, type = 'atomic container signature'): string {
    return JSON.stringify({
      critical: { type, image: { 'docker-manifest-digest': digest }, identity: { 'docker-reference': reference } },
      optional: { creator: 'test' },
    });
  }

  function skopeo(...args: string[]): string {
    const folder = join(store.home, '.config/containers');
    const globals = ['--policy', join(folder, 'policy.json'), '--registries.d', join(folder, 'registries.d')];
    const environment = { ...process.env, GNUPGHOME: keys.home, HOME: store.home };
    return execFileSync('skopeo', [...globals, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: environment });
  }

  const acceptAll = JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] });

  describe('simple signing', () => {
    test('what skopeo signed comes in, by its tag and by its digest', async () => {
      const target = `${registry.host}/team/by-skopeo:1`;
      skopeo(
        'copy',
        '--src-tls-verify=false',
        '--dest-tls-verify=false',
        '--sign-by',
        fingerprint,
        `docker://${name}`,
        `docker://${target}`,
      );
      policy(signedBy(publicKey));
      expect((await pull(target)).name).toBe(target);
      expect((await pull(`${registry.host}/team/by-skopeo@${image.manifest.digest}`)).record.id).toBe(image.config.digest.slice(7));
    });

    test.skipIf(!hasPodman)(
      `what we push signed, skopeo and Podman take under the same policy${hasPodman ? '' : ' (skipped: needs podman)'}`,
      async () => {
        await pull(await unsigned());
        const target = `${registry.host}/team/by-us:1`;
        const { digest } = await engine.images.push(name, target, { tlsVerify: false, signBy: 'team@example.com' });
        const file = join(lookaside, `team/by-us@${digest.replace(':', '=')}/signature-1`);
        expect(existsSync(file)).toBe(true);
        const path = policy(signedBy(publicKey));
        skopeo('copy', '--src-tls-verify=false', '--remove-signatures', `docker://${target}`, `dir:${join(store.directory, 'dir')}`);
        skopeo('standalone-verify', join(store.directory, 'dir/manifest.json'), target, fingerprint, file);
        using podman = new Podman();
        const before = { HOME: process.env['HOME'], GNUPGHOME: process.env['GNUPGHOME'] };
        Object.assign(process.env, { HOME: store.home, GNUPGHOME: keys.home });
        try {
          podman.run('pull', '--quiet', '--tls-verify=false', '--signature-policy', path, target);
          expect(podman.identity(target).id).toBe(image.config.digest.slice(7));
          keys.export('team@example.com', publicKey);
          writeFileSync(file, readFileSync(file).fill(0, 60, 80));
          expect(() => podman.run('pull', '--quiet', '--tls-verify=false', '--signature-policy', path, target)).toThrow();
        } finally {
          for (const [key, value] of Object.entries(before))
            if (value === undefined) Reflect.deleteProperty(process.env, key);
            else process.env[key] = value;
        }
      },
    );

    async function unsigned(): Promise<string> {
      store.write('.config/containers/policy.json', acceptAll);
      return Promise.resolve(name);
    }

    test('image sign: beside what is there; of an index also what it names; skopeo reads it from a dir:', async () => {
      await unsigned();
      const index = makeIndex([{ image, platform: { os: 'linux', architecture: hostArchitecture } }]);
      for (const one of [image.config, ...image.layers]) await pushBlob(registry, 'team/many', one);
      await pushManifest(registry, 'team/many', image.manifest.digest, image.manifest);
      await pushManifest(registry, 'team/many', '1', index);
      const many = `${registry.host}/team/many:1`;
      store.write('.config/containers/registries.conf', `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`);
      const once = await engine.images.sign([many], { signBy: fingerprint, all: false });
      expect(once).toHaveLength(1);
      policy(signedBy(publicKey));
      // Of an index what is taken has to be signed, as in Podman.
      await refused(/it has no signature/, many);
      const directory = join(store.directory, 'elsewhere');
      expect(await engine.images.sign([`docker://${many}`], { signBy: fingerprint, all: true, directory })).toHaveLength(2);
      expect(readdirSync(join(directory, 'team')).length).toBe(2);
      await engine.images.sign([many], { signBy: fingerprint, all: true });
      expect((await pull(many)).name).toBe(many);
      const dir = join(store.directory, 'copied');
      skopeo('copy', '--src-tls-verify=false', `docker://${many}`, `dir:${dir}`);
      expect(existsSync(join(dir, 'signature-1'))).toBe(true);
      const under = {
        default: [{ type: 'reject' }],
        transports: { dir: { '': [signedBy(publicKey, { type: 'exactReference', dockerReference: many })] } },
      };
      store.write('.config/containers/policy.json', JSON.stringify(under));
      expect(await engine.images.load(dir, {})).toHaveLength(1);
      under.transports.dir[''] = [signedBy(publicKey)];
      store.write('.config/containers/policy.json', JSON.stringify(under));
      await expect(engine.images.load(dir, {})).rejects.toMatchObject({
        code: 'denied',
        message: expect.stringMatching(/another name/) as string,
      });
    });

    test('each that is none, or another: refused in one line, and nothing stored', async () => {
      policy(signedBy(publicKey));
      await refused(/it has no signature/);
      const other = keys.generate(`other-${String(Date.now())}@example.com`);
      put(keys.sign(payload(), other));
      await refused(/by the key [0-9A-F]+, which the policy does not name/);
      const good = keys.sign(payload(), fingerprint, '--compress-algo', 'none');
      const changed = Buffer.from(good);
      changed.write('X', good.indexOf('team/app'));
      put(changed);
      await refused(/does not fit what it signs/);
      put(keys.sign(payload(`sha256:${'0'.repeat(64)}` as Digest), fingerprint));
      await refused(/for another manifest/);
      put(keys.sign(payload(undefined, `${registry.host}/team/other:1`), fingerprint));
      await refused(/for another name/);
      put(keys.sign(payload(undefined, undefined, 'cosign container image signature'), fingerprint));
      await refused(/of the type/);
      put(keys.sign('no JSON', fingerprint));
      await refused(/not JSON/);
      put('<!doctype html><title>Sign in</title>');
      await refused(/web page/);
      put(Buffer.alloc(10 * 1024 * 1024, 0x90));
      await refused(/larger than/);
      put('');
      await refused(/empty/);
      put(Buffer.concat([good, good]));
      await refused(/not one signature|gpg does not take it|does not fit/);
      put(keys.sign(payload(), fingerprint, '--armor'));
      await refused(/it is no signature/);
      // A bomb: some kilobytes that become a hundred megabytes.
      put(keys.sign(Buffer.alloc(100 * 1024 * 1024), fingerprint, '--compress-algo', 'zlib'));
      await refused(/gpg does not take it|not one signature/);
      put(changed, 'nonsense', good);
      expect((await pull()).name).toBe(name);
    });

    test('keys: expired, missing, no keyring, two that both have to have signed', async () => {
      keys.gpg(
        '--faked-system-time',
        '20200101T000000',
        '--pinentry-mode',
        'loopback',
        '--passphrase',
        '',
        '--quick-generate-key',
        'Old <old@example.com>',
        'ed25519',
        'sign',
        '1d',
      );
      put(keys.sign(payload(), 'old@example.com', '--faked-system-time', '20200101T000100'));
      policy(signedBy(keys.export('old@example.com', store.write('old.asc', ''))));
      await refused(/has expired/);
      put(keys.sign(payload(), fingerprint));
      policy(signedBy(join(store.home, 'missing.asc')));
      await refused(/cannot read the key .*missing\.asc/);
      policy(signedBy(store.write('nonsense.asc', 'no keyring\n')));
      await refused(/nonsense\.asc holds no OpenPGP key/);
      policy(signedBy(publicKey), signedBy(store.write('old.asc', keys.gpg('--armor', '--export', 'old@example.com'))));
      await refused(/which the policy does not name/);
      policy({ type: 'signedBy', keyType: 'GPGKeys', keyData: readFileSync(publicKey).toString('base64') });
      expect((await pull()).name).toBe(name);
    });

    test('from a lookaside on a web server; what that answers instead is refused', async () => {
      put(keys.sign(payload(), fingerprint));
      let answer: 'file' | 'html' | 'error' | 'endless' = 'file';
      await using server = await serveHttp((asked, response) => {
        if (answer === 'error') response.writeHead(403).end();
        else if (answer === 'html') response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
        else if (answer === 'endless') response.writeHead(200).end(Buffer.alloc(10 * 1024 * 1024, 0x90));
        else {
          const path = join(lookaside, decodeURIComponent(asked.url ?? '').replace(/^\/sigs/, ''));
          if (existsSync(path)) response.writeHead(200).end(readFileSync(path));
          else response.writeHead(404).end('<html>not here</html>');
        }
      });
      registriesD({ sigstore: `http://${server.host}/sigs` });
      policy(signedBy(publicKey));
      for (const [wrong, words] of [
        ['error', /status 403/],
        ['html', /web page/],
        ['endless', /larger than/],
      ] as const) {
        answer = wrong;
        await refused(words);
      }
      answer = 'file';
      expect((await pull()).name).toBe(name);
      await expect(engine.images.push(name, `${registry.host}/team/no:1`, { tlsVerify: false, signBy: fingerprint })).rejects.toMatchObject(
        {
          code: 'unsupported',
          message: expect.stringMatching(/only to a folder/) as string,
        },
      );
    });

    test('a key that is not there, or a wrong passphrase: nothing is sent', async () => {
      await unsigned();
      await pull();
      const target = `${registry.host}/team/never:1`;
      await expect(engine.images.push(name, target, { tlsVerify: false, signBy: 'nobody@example.com' })).rejects.toMatchObject({
        code: 'not-found',
      });
      keys.generate('locked@example.com', { passphrase: 'open sesame' });
      execFileSync('gpgconf', ['--homedir', keys.home, '--kill', 'gpg-agent']);
      const wrong = { tlsVerify: false, signBy: 'locked@example.com', signPassphraseFile: store.write('wrong', 'sesame') };
      await expect(engine.images.push(name, target, wrong)).rejects.toMatchObject({ code: 'unauthorized' });
      await expect(pull(target)).rejects.toMatchObject({ code: 'not-found' });
      await engine.images.push(name, target, { ...wrong, signPassphraseFile: store.write('right', 'open sesame\n') });
      policy(signedBy(keys.export('locked@example.com', store.write('locked.asc', ''))));
      expect((await pull(target)).name).toBe(target);
    });
  });

  describe('sigstore', () => {
    const sigstoreSigned = (key: string): object => ({ type: 'sigstoreSigned', keyPath: key });

    const attachmentType = 'application/vnd.dev.cosign.simplesigning.v1+json';
    const annotation = 'dev.cosignproject.cosign/signature';

    function openssl(...args: readonly string[]): Buffer {
      return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    }

    async function fetchBytes(path: string): Promise<Buffer> {
      const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' };
      const { body, statusCode } = await request(`${registry.origin}/v2/${path}`, { headers });
      expect(statusCode).toBe(200);
      return Buffer.from(await body.arrayBuffer());
    }

    /** Debian's skopeo has sigstore taken out: openssl is the other program here. */
    test.each(['ec', 'rsa', 'ed25519'] as const)(
      'what we push with a key of the kind %s comes in, and openssl verifies it',
      async (kind) => {
        registriesD({ 'use-sigstore-attachments': true });
        store.write('.config/containers/policy.json', acceptAll);
        await pull();
        const { privateFile, publicFile } = makeKeyPair(store.home, kind, kind);
        const target = `${registry.host}/team/sigstore-${kind}:1`;
        const push = { tlsVerify: false, signBySigstorePrivateKey: privateFile };
        const { digest } = await engine.images.push(name, target, push);
        const manifest = JSON.parse((await fetchBytes(`team/sigstore-${kind}/manifests/${digest.replace(':', '-')}.sig`)).toString()) as {
          layers: { mediaType: string; digest: string; annotations: Record<string, string> }[];
        };
        expect(manifest.layers.map(({ mediaType }) => mediaType)).toEqual([attachmentType]);
        const [layer] = manifest.layers;
        const document = store.write('payload', await fetchBytes(`team/sigstore-${kind}/blobs/${layer?.digest ?? ''}`));
        const bare = store.write('bare', Buffer.from(layer?.annotations[annotation] ?? '', 'base64'));
        if (kind === 'ed25519') openssl('pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', publicFile, '-sigfile', bare, '-in', document);
        else openssl('dgst', '-sha256', '-verify', publicFile, '-signature', bare, document);
        policy(sigstoreSigned(publicFile));
        expect((await pull(target)).name).toBe(target);
        policy(sigstoreSigned(makeKeyPair(store.home, 'wrong', kind).publicFile));
        await expect(pull(target)).rejects.toMatchObject({ code: 'denied', message: expect.stringMatching(/by another key/) as string });
        // A second signature stands beside the first.
        store.write('.config/containers/policy.json', acceptAll);
        await engine.images.push(name, target, { ...push, signBySigstorePrivateKey: makeKeyPair(store.home, 'second').privateFile });
        policy(sigstoreSigned(publicFile));
        expect((await pull(target)).name).toBe(target);
      },
    );

    test('what openssl signed comes in; a key in cosign’s own encryption is refused by name, and so is a push without attachments', async () => {
      registriesD({ 'use-sigstore-attachments': true });
      const fresh = makeImage([await makeTar({ x: 'signed by openssl\n' })]);
      await pushImage(registry, 'team/openssl', '1', fresh);
      const target = `${registry.host}/team/openssl:1`;
      const { privateFile, publicFile } = makeKeyPair(store.home, 'own');
      const document = Buffer.from(payload(fresh.manifest.digest, target, 'cosign container image signature'));
      const bare = openssl('dgst', '-sha256', '-sign', privateFile, store.write('payload', document));
      const attached = blob(document);
      await pushBlob(registry, 'team/openssl', attached);
      const lines = {
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: fresh.config.digest, size: fresh.config.bytes.length },
        layers: [
          { mediaType: 'application/vnd.dsse.envelope.v1+json', digest: fresh.config.digest, size: fresh.config.bytes.length },
          {
            mediaType: attachmentType,
            digest: attached.digest,
            size: document.length,
            annotations: { [annotation]: bare.toString('base64') },
          },
        ],
      };
      const tag = `${fresh.manifest.digest.replace(':', '-')}.sig`;
      await pushManifest(registry, 'team/openssl', tag, { bytes: Buffer.from(JSON.stringify(lines)), mediaType: lines.mediaType });
      policy(sigstoreSigned(publicFile));
      expect((await pull(target)).name).toBe(target);
      const cosign = '-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED COSIGN PRIVATE KEY-----\n';
      for (const [key, code, words] of [
        [store.write('cosign.key', cosign), 'unsupported', /secretbox/],
        [store.write('none.key', 'none'), 'unauthorized', /no private key/],
        [join(store.home, 'missing.key'), 'not-found', /cannot read/],
      ] as const)
        await expect(
          engine.images.push(target, `${registry.host}/team/x:1`, { tlsVerify: false, signBySigstorePrivateKey: key }),
        ).rejects.toMatchObject({
          code,
          message: expect.stringMatching(words) as string,
        });
      registriesD({});
      await expect(
        engine.images.push(target, `${registry.host}/team/x:1`, { tlsVerify: false, signBySigstorePrivateKey: privateFile }),
      ).rejects.toMatchObject({ code: 'unsupported', message: expect.stringMatching(/attachments are off/) as string });
    });

    test('a changed payload, no annotation, another digest, no key: refused, and nothing stored', async () => {
      const { privateFile, publicFile } = makeKeyPair(store.home, 'own');
      const key = createPrivateKey(readFileSync(privateFile));
      const file = (document: string, annotations?: object, signed = document): Buffer =>
        Buffer.concat([
          Buffer.from('\0sigstore-json\n', 'latin1'),
          Buffer.from(
            JSON.stringify({
              mimeType: 'application/vnd.dev.cosign.simplesigning.v1+json',
              payload: Buffer.from(document).toString('base64'),
              annotations: annotations ?? {
                'dev.cosignproject.cosign/signature': signBytes('sha256', Buffer.from(signed), key).toString('base64'),
              },
            }),
          ),
        ]);
      const good = payload(undefined, undefined, 'cosign container image signature');
      policy(sigstoreSigned(publicFile));
      for (const [bytes, words] of [
        [file(good, undefined, good.replace('test', 'tset')), /payload was changed/],
        [file(good, {}), /lacks its annotation/],
        [file(payload(`sha256:${'1'.repeat(64)}` as Digest, undefined, 'cosign container image signature')), /another manifest/],
        [file(payload()), /of the type/],
        [Buffer.from('\0sigstore-json\n{'), /not JSON/],
        [Buffer.from('\0new-kind\n'), /kind that is not known/],
        [keys.sign(payload(), fingerprint), /of the other kind/],
      ] as const) {
        put(bytes);
        await refused(words);
      }
      put(file(good));
      policy(sigstoreSigned(privateFile));
      await refused(/no public key in PEM/);
      policy(sigstoreSigned(join(store.home, 'none.pub')));
      await refused(/cannot read the key/);
      policy(sigstoreSigned(publicFile));
      expect((await pull()).name).toBe(name);
    });

    test('a manifest of signatures that is damaged is refused', async () => {
      registriesD({ 'use-sigstore-attachments': true });
      const tar = await makeTar({ x: 'another image\n' });
      const fresh = makeImage([tar]);
      await pushImage(registry, 'team/damaged', '1', fresh);
      const lie = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: 'application/vnd.oci.image.manifest.v1+json',
          config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: fresh.config.digest, size: fresh.config.bytes.length },
          layers: [{ mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json', digest: fresh.layers[0]?.digest, size: 2 ** 40 }],
        }),
      );
      await pushManifest(registry, 'team/damaged', `${fresh.manifest.digest.replace(':', '-')}.sig`, {
        bytes: lie,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
      });
      policy(sigstoreSigned(makeKeyPair(store.home, 'own').publicFile));
      await refused(/malformed: layers\.0\.size/, `${registry.host}/team/damaged:1`);
    });
  });

  test('what cannot be verified is refused by its name', async () => {
    for (const [requirement, words] of [
      [{ type: 'signedBaseLayer', baseLayerIdentity: { type: 'matchRepository' } }, /signatures of base layers cannot be verified/],
      [{ type: 'sigstoreSigned', fulcio: {}, rekorPublicKeyPath: '/x' }, /Fulcio/],
      [{ type: 'sigstoreSigned', keyPath: '/x', rekorPublicKeyPath: '/y' }, /Rekor/],
      [{ type: 'sigstoreSigned', pki: {} }, /\(pki\)/],
      [{ type: 'signedBy', keyType: 'X509Certificates', keyPath: '/x' }, /X509Certificates/],
      [{ type: 'signedBy', keyType: 'GPGKeys' }, /exactly one of/],
      [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/x', keyPaths: ['/y'] }, /exactly one of/],
      [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/x', extra: 1 }, /malformed: extra/],
      [{ type: 'somethingNew' }, /not known/],
    ] as const) {
      policy(requirement);
      await refused(words);
    }
    store.write('.config/containers/registries.d/test.yaml', 'docker: [');
    policy(signedBy(publicKey));
    await refused(/test\.yaml/);
  });
});
