/**
 * Files that people and other programs write, damaged in every way that a seed gives: nothing but an EngineError in one short line may come of it, in
 * bounded time and memory. A breach names its seed: SELKIE_FUZZ_SEED runs that turn alone, SELKIE_FUZZ_TURNS how many there are.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { stringify } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isEngineError } from '../../../src-main/base/errors.ts';
import type { Digest } from '../../../src-main/contract/ids.ts';
import { loadConfig, loadTrashSettings } from '../../../src-main/engine/config/config.ts';
import { recipeFilesIn, recipeMagic } from '../../../src-main/engine/layer/recipe-format.ts';
import { RecipeReader } from '../../../src-main/engine/layer/recipe-reader.ts';
import { formatReference, loadRegistries, parseReference, repositoryName } from '../../../src-main/engine/reference/reference.ts';
import { findCredentials } from '../../../src-main/engine/registry/auth-file.ts';
import { decidePolicy, dockerScopes } from '../../../src-main/engine/registry/registry.ts';
import { formatSignature, parseSignature } from '../../../src-main/engine/signature/format.ts';
import { makePayload, parsePayload } from '../../../src-main/engine/signature/payload.ts';
import { parseAttachment, signaturePlaces } from '../../../src-main/engine/signature/signature.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import type { System } from '../../../src-main/system/system.ts';
import { Random } from '../../support/random.ts';

const turns = Number(process.env['SELKIE_FUZZ_TURNS'] ?? 400);
const onlySeed = process.env['SELKIE_FUZZ_SEED'];
const longestTurnMs = 2000;
const mostHeapBytes = 256 * 1024 * 1024;
const longestMessage = 1500;
const digest = `sha256:${'ab'.repeat(32)}` as Digest;

let directory: string;
let system: System;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'selkie-hostile-'));
  const real = createLinuxSystem();
  const identity = { ...real.identity, rootless: true, homeDirectory: join(directory, 'home'), hostUid: 1000 };
  // No program that a file names is run.
  const processes = {
    ...real.processes,
    find: () => undefined,
    run: () => Promise.resolve({ code: 1, signal: undefined, stdout: '', stderr: '' }),
  };
  system = { ...real, identity, processes };
});
afterAll(() => rmSync(directory, { recursive: true }));

function write(name: string, content: string | Buffer): string {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** Turns of one target; what it takes to run it again is in the message of a failure. */
async function bombard(firstSeed: number, turn: (random: Random) => unknown, count = turns): Promise<void> {
  const heap = process.memoryUsage().heapUsed;
  const [from, to] = onlySeed === undefined ? [firstSeed, firstSeed + count] : [Number(onlySeed), Number(onlySeed) + 1];
  for (let seed = from; seed < to; seed += 1) {
    const began = performance.now();
    try {
      await turn(new Random(seed));
    } catch (error) {
      if (!isEngineError(error)) throw new Error(`SELKIE_FUZZ_SEED=${String(seed)}: ${String(error)}`, { cause: error });
      expect(error.code, `seed ${String(seed)}: ${error.message}`).not.toBe('internal');
      expect(error.message, `seed ${String(seed)}`).not.toContain('\n');
      expect(error.message.length, `seed ${String(seed)}: ${error.message.slice(0, 200)}`).toBeLessThan(longestMessage);
    }
    expect(performance.now() - began, `seed ${String(seed)}`).toBeLessThan(longestTurnMs);
  }
  expect(process.memoryUsage().heapUsed - heap).toBeLessThan(mostHeapBytes);
}

/** The document with other values, or its text with other bytes. */
function asToml(random: Random, document: Record<string, unknown>): string {
  const odd = random.below(3) === 0 ? document : (random.distort(document) as Record<string, unknown>);
  let text: string;
  try {
    text = stringify(odd);
  } catch {
    // Null has no form in TOML.
    text = stringify(document);
  }
  return random.damage(random.damage(Buffer.from(text))).toString(random.below(2) === 0 ? 'utf8' : 'latin1');
}

function asJson(random: Random, document: unknown): Buffer {
  return random.damage(Buffer.from(JSON.stringify(random.below(3) === 0 ? document : random.distort(document))));
}

/** What breaks parsers that call themselves. */
const deep = { json: '['.repeat(200_000), toml: `a = ${'['.repeat(200_000)}`, yaml: `a: ${'['.repeat(5000)}` };

describe('configuration', () => {
  const containers = {
    containers: {
      ...{ default_ulimits: ['nofile=1:2'], env: ['A=b'], pids_limit: 5, shm_size: '64m', umask: '0022', userns: 'auto' },
      ...{
        default_capabilities: ['CAP_CHOWN'],
        default_sysctls: [],
        log_size_max: -1,
        dns_servers: ['::1'],
        seccomp_profile: '/x',
        init_path: '/y',
      },
    },
    engine: { cgroup_manager: 'cgroupfs', stop_timeout: 3, runtime: 'crun', image_volume_mode: 'bind' },
    network: { default_rootless_network_cmd: 'pasta' },
  };
  const storage = {
    storage: {
      ...{ driver: 'overlay', graphroot: '/data/$USER', runroot: '/run/${UID}/x', rootless_storage_path: '$HOME/s' },
      options: { additionalimagestores: ['/a'], overlay: { mountopt: 'nodev', mount_program: '/usr/bin/fuse-overlayfs' }, vfs: {} },
    },
  };

  function load(containersText: string, storageText: string): void {
    const environment = {
      CONTAINERS_CONF: write('containers.conf', containersText),
      CONTAINERS_STORAGE_CONF: write('storage.conf', storageText),
    };
    const config = loadConfig({ system, options: {}, environment, resources: '/r' });
    // Read when they are asked for.
    expect(Object.values(config).length).toBeGreaterThan(0);
  }

  test('containers.conf', () => bombard(1000, (random) => load(asToml(random, containers), '')));
  test('storage.conf', () => bombard(2000, (random) => load('', asToml(random, storage))));
  test('selkie.conf', () =>
    bombard(3000, (random) =>
      loadTrashSettings(system.identity, {
        SELKIE_CONF: write('selkie.conf', asToml(random, { trash: { keep_days: 7, maximum_percent: 10 } })),
      }),
    ));
  test('nested without end', () =>
    bombard(
      1,
      () => {
        expect(() => load(deep.toml, '')).toThrow(expect.objectContaining({ code: 'invalid-argument' }) as Error);
        expect(() => load('', deep.toml)).toThrow(expect.objectContaining({ code: 'invalid-argument' }) as Error);
      },
      1,
    ));
});

describe('registries', () => {
  const registries = {
    'unqualified-search-registries': ['docker.io', 'quay.io'],
    'short-name-mode': 'permissive',
    'credential-helpers': ['containers-auth.json', 'x'],
    registry: [
      {
        prefix: '*.example.com',
        location: 'mirror.example.com:5000/a',
        insecure: true,
        mirror: [{ location: 'm.example/x', 'pull-from-mirror': 'all' }],
      },
      { location: 'docker.io', blocked: false, 'mirror-by-digest-only': true },
    ],
    aliases: { alpine: 'docker.io/library/alpine', 'a/b': 'quay.io/a/b' },
  };
  const auth = {
    auths: {
      'quay.io/team': { auth: 'dXNlcjpwYXNz' },
      'https://index.docker.io/v1/': { auth: 'dXNlcg==', identitytoken: 't' },
    },
    credHelpers: { 'a.example': 'secret' },
    credsStore: 'store',
  };

  function use(text: string): void {
    const loaded = loadRegistries({
      homeDirectory: join(directory, 'home'),
      rootless: true,
      environment: { CONTAINERS_REGISTRIES_CONF: write('registries.conf', text) },
      systemDirectory: directory,
    });
    for (const name of ['alpine', 'a/b', 'x.example.com/y:1', `docker.io/library/z@${digest}`]) {
      loaded.localCandidates(name);
      for (const reference of loaded.resolveForPull(name).candidates) loaded.pullSources(reference);
    }
  }

  test('registries.conf', () => bombard(4000, (random) => use(asToml(random, registries))));
  test('auth.json', () =>
    bombard(5000, async (random) => {
      const authFile = write('auth.json', asJson(random, auth));
      for (const registry of ['quay.io', 'docker.io', 'a.example'])
        await findCredentials({ system, environment: {}, authFile, helpers: [] }, registry, 'team/app');
    }));
  test('nested without end', async () => {
    expect(() => use(deep.toml)).toThrow(expect.objectContaining({ code: 'corrupt' }) as Error);
    const authFile = write('auth.json', deep.json);
    await expect(findCredentials({ system, environment: {}, authFile, helpers: [] }, 'x', 'y')).rejects.toMatchObject({ code: 'corrupt' });
  });
});

describe('signatures', () => {
  const reference = parseReference('quay.io/team/app:1');
  const name = formatReference(reference);
  const signedBy = { type: 'signedBy', keyType: 'GPGKeys', keyPath: '/k', signedIdentity: { type: 'matchExact' } };
  const policy = {
    default: [{ type: 'insecureAcceptAnything' }],
    transports: {
      docker: {
        'quay.io': [signedBy],
        'quay.io/team': [
          { type: 'sigstoreSigned', keyData: 'eA==', signedIdentity: { type: 'remapIdentity', prefix: 'a', signedPrefix: 'b' } },
        ],
      },
      dir: { '': [{ type: 'reject' }] },
    },
  };
  const registriesD = {
    'default-docker': { lookaside: 'https://s.example/x' },
    docker: { 'quay.io/team': { lookaside: 'file:///s', 'use-sigstore-attachments': true } },
  };

  function decide(text: Buffer | string): void {
    write('home/.config/containers/policy.json', text);
    decidePolicy(
      { transport: 'docker', scopes: dockerScopes(name, repositoryName(reference)), name },
      { homeDirectory: system.identity.homeDirectory, systemDirectory: directory },
    );
  }

  function places(text: Buffer | string) {
    write('registries.d/x.yaml', text);
    return signaturePlaces(reference, { homeDirectory: directory, rootless: true, registriesDirectory: join(directory, 'registries.d') });
  }

  test('policy.json', () => bombard(6000, (random) => decide(asJson(random, policy))));
  test('registries.d', () => bombard(7000, (random) => places(asJson(random, registriesD))));
  test('what is signed', () =>
    bombard(8000, (random) => {
      const kind = random.pick(['simple', 'sigstore'] as const);
      const bytes = makePayload(kind, { digest, reference: name }, 'x', 1);
      parsePayload(random.below(2) === 0 ? random.damage(bytes) : asJson(random, JSON.parse(bytes.toString())), kind);
    }));
  test('a signature’s file, of each kind', () =>
    bombard(9000, (random) => {
      const sigstore = formatSignature({ kind: 'sigstore', mimeType: 'a/b', payload: Buffer.from('{}'), annotations: { a: 'b' } });
      // An OpenPGP packet of the tags 8, 3, 11, 2 in the old and the new form, with lengths that lie.
      const openPgp = Buffer.from([
        random.pick([0xa3, 0x90, 0xcb, 0xc2, 0xff]),
        random.below(256),
        ...Array.from({ length: random.below(40) }, () => random.below(256)),
      ]);
      parseSignature(random.damage(random.pick([sigstore, openPgp, Buffer.from('<html>'), Buffer.alloc(0)])));
    }));
  test('attachments', () =>
    bombard(10_000, (random) =>
      parseAttachment(asJson(random, { layers: [{ mediaType: 'a/b', digest, size: 3, annotations: { a: 'b' } }] }), 'attachment'),
    ));
  test('nested without end', async () => {
    expect(() => decide(deep.json)).toThrow(expect.objectContaining({ code: 'corrupt' }) as Error);
    await expect(places(deep.yaml)).rejects.toMatchObject({ code: 'corrupt' });
    // Billion laughs.
    const laughs = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...Array.from(
        { length: 8 },
        (_, at) =>
          `b${String(at)}: &b${String(at)} [${Array.from({ length: 9 }, () => `*${at === 0 ? 'a' : `b${String(at - 1)}`}`).join()}]`,
      ),
    ];
    await expect(places(laughs.join('\n'))).rejects.toMatchObject({ code: 'corrupt' });
    expect(() => parsePayload(Buffer.from(deep.json), 'simple')).toThrow(expect.objectContaining({ code: 'corrupt' }) as Error);
    expect(() => parseAttachment(Buffer.from(deep.json), 'x')).toThrow(expect.objectContaining({ code: 'corrupt' }) as Error);
  });
});

describe('recipes of layers', () => {
  const contents = { one: Buffer.alloc(5000, 'a'), 'folder/two': Buffer.alloc(300, 'b') };

  /** Operations as recipe-format.ts has them, some of them other than they should be. */
  function operations(random: Random): Buffer {
    const parts: Buffer[] = [];
    for (let count = random.below(8); count > 0; count -= 1) {
      const head = Buffer.alloc(5);
      head.writeUInt8(random.below(12) === 0 ? random.below(256) : 1);
      head.writeUInt32LE(random.below(10) === 0 ? 0xffff_fff0 : 12, 1);
      parts.push(head, Buffer.alloc(12, 'h'));
      const path = Buffer.from(random.pick(['one', 'folder/two', 'folder', 'gone', '', '\0']), 'latin1');
      const file = Buffer.alloc(3);
      file.writeUInt8(2);
      file.writeUInt16LE(random.below(10) === 0 ? 60_000 : path.length, 1);
      const piece = Buffer.alloc(16);
      piece.writeUIntLE(random.below(6) === 0 ? 2 ** 47 : random.below(200), 0, 6);
      piece.writeUIntLE(random.below(6) === 0 ? 2 ** 47 : random.below(400), 6, 6);
      parts.push(file, path, piece, ...(random.below(4) === 0 ? [Buffer.from([3]), piece] : []));
    }
    return Buffer.concat(parts);
  }

  function block(bytes: Buffer): Buffer {
    const frame = zstdCompressSync(bytes);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(frame.length);
    return Buffer.concat([length, frame]);
  }

  function recipe(random: Random): Buffer {
    const end = Buffer.alloc(4);
    const body = Buffer.concat([recipeMagic, block(operations(random)), end]);
    const move = Buffer.from([3, 0, ...Buffer.from('one'), random.below(3), 0, 0, 0]);
    const footer = Buffer.alloc(8);
    footer.writeBigUInt64LE(
      random.below(8) === 0 ? 0xffff_ffff_ffff_fff0n : BigInt(random.below(6) === 0 ? random.below(200) : body.length),
    );
    return random.damage(Buffer.concat([body, ...(random.below(2) === 0 ? [block(random.damage(move))] : []), end, footer]));
  }

  test('whatever is in one', () =>
    bombard(11_000, (random) => {
      for (const [path, bytes] of Object.entries(contents)) write(`layer/diff/${path}`, bytes);
      const files = recipeFilesIn(join(directory, 'layer'));
      writeFileSync(files.recipe, recipe(random));
      using reader = new RecipeReader(files, join(directory, 'layer/diff'));
      let size = 0;
      for (const chunk of reader.chunks()) size += chunk.length;
      expect(size).toBeLessThan(64 * 1024 * 1024);
    }));

  test('a block that is a bomb is not unpacked', () => {
    const files = recipeFilesIn(join(directory, 'layer'));
    const bomb = block(Buffer.alloc(64 * 1024 * 1024));
    mkdirSync(dirname(files.recipe), { recursive: true });
    const footer = Buffer.alloc(8);
    footer.writeBigUInt64LE(BigInt(recipeMagic.length));
    writeFileSync(files.recipe, Buffer.concat([recipeMagic, bomb, Buffer.alloc(4), footer]));
    using reader = new RecipeReader(files, directory);
    expect(() => [...reader.chunks()]).toThrow(expect.objectContaining({ code: 'corrupt' }) as Error);
  });
});
