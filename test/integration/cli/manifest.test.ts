/** Lists of images and references with a transport, by the command line: as root and as an ordinary user, with a real registry and skopeo beside it. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Actor, actors } from '../../support/actor.ts';
import { Random } from '../../support/random.ts';
import { hasSkopeo, skopeo } from '../image/peers.ts';
import { makeImage, makeIndex, makeTar, noise, type TestImage } from '../image/test-image.ts';
import { pushImage, pushManifest, registryProgram, TestRegistry } from '../image/test-registry.ts';

const lacking = registryProgram === undefined ? ' (docker-registry is not installed)' : hasSkopeo ? '' : ' (skopeo is not installed)';
const starter = 'localhost/selkie/starter:latest';
const insecure = '--tls-verify=false';

interface ShownList {
  readonly manifests: readonly {
    readonly digest: string;
    readonly platform: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  }[];
}

describe.skipIf(lacking !== '')(`lists and transports${lacking}`, () => {
  let registry: TestRegistry;
  let intel: TestImage;
  let arm: TestImage;
  let index: ReturnType<typeof makeIndex>;
  beforeAll(async () => {
    registry = await TestRegistry.start();
    const base = await makeTar({ base: noise(300_000, 'base') });
    intel = makeImage([base, await makeTar({ which: 'intel', more: noise(2_000_000, 'intel') })], { architecture: 'amd64' });
    arm = makeImage([base, await makeTar({ which: 'arm', more: noise(2_000_000, 'arm') })], { architecture: 'arm64', variant: 'v8' });
    index = makeIndex([
      { image: intel, platform: { architecture: 'amd64', os: 'linux' } },
      { image: arm, platform: { architecture: 'arm64', os: 'linux', variant: 'v8' } },
    ]);
    await pushImage(registry, 'team/app', 'amd64', intel);
    await pushImage(registry, 'team/app', 'arm64', arm);
    await pushManifest(registry, 'team/app', 'both', index);
  });
  afterAll(() => registry[Symbol.asyncDispose]());

  const app = (tag: string): string => `${registry.host}/team/app:${tag}`;
  const raw = (place: string): string => skopeo('inspect', '--raw', insecure, `docker://${place}`);

  describe.each(actors())('$title', ({ actor: name, skip }) => {
    describe.skipIf(skip)('by the command line', () => {
      let actor: Actor;
      beforeAll(() => {
        actor = new Actor(name);
        actor.must(['load', '-q', '-i', actor.starterImage]);
      });
      afterEach(() => {
        for (const list of ['list:1', 'list:2']) actor.must(['manifest', 'rm', '--ignore', '--no-trash', list]);
        actor.must(['rmi', '--all', '--force', '--no-trash']);
        actor.must(['trash', 'empty', '-f']);
        actor.must(['load', '-q', '-i', actor.starterImage]);
        expect(actor.selkie(['system', 'check', '--quick']).stdout).toContain('The store is whole');
      });
      afterAll(async () => {
        const leaks = await actor.leaks();
        await actor[Symbol.asyncDispose]();
        expect(leaks).toEqual([]);
      });

      const shown = (list: string): ShownList => JSON.parse(actor.must(['manifest', 'inspect', list])) as ShownList;
      const home = (path: string): string => join(actor.environment['HOME'] ?? '', path);
      const make = (list = 'list:1', ...more: string[]): string =>
        actor.must(['manifest', 'create', insecure, ...more, list, `docker://${app('amd64')}`, `docker://${app('arm64')}`]);

      test('created, added to, annotated, inspected, pushed, taken from, removed', () => {
        expect(actor.must(['manifest', 'create', 'list:1'])).toMatch(/^[0-9a-f]{64}$/);
        expect(actor.selkie(['manifest', 'create', 'list:1'])).toMatchObject({
          code: 125,
          stderr: expect.stringMatching(/^Error: .*list:1.*already/m) as string,
        });
        expect(actor.must(['manifest', 'add', insecure, 'list:1', `docker://${app('amd64')}`])).toMatch(/^[0-9a-f]{64}$/);
        actor.must(['manifest', 'add', insecure, '--arch', 'arm', '--variant', 'v6', 'list:1', `docker://${app('arm64')}`]);
        actor.must(['manifest', 'annotate', '--variant', 'v7', '--annotation', 'team=blue', 'list:1', arm.manifest.digest]);
        const [first, second] = shown('list:1').manifests;
        expect(first).toMatchObject({ digest: intel.manifest.digest, platform: { architecture: 'amd64', os: 'linux' } });
        expect(second).toMatchObject({ digest: arm.manifest.digest, platform: { architecture: 'arm', os: 'linux', variant: 'v7' } });
        expect(actor.selkie(['manifest', 'exists', 'list:1'])).toMatchObject({ code: 0, stdout: '' });
        const place = `${registry.host}/cli/${name}:1`;
        actor.must(['manifest', 'push', '--quiet', insecure, '--digestfile', home('digest'), 'list:1', `docker://${place}`]);
        const pushed = raw(place);
        expect(`sha256:${createHash('sha256').update(pushed).digest('hex')}`).toBe(readFileSync(home('digest'), 'utf8'));
        expect(JSON.parse(pushed)).toMatchObject({ manifests: [{}, { annotations: { team: 'blue' }, platform: { variant: 'v7' } }] });
        actor.must(['manifest', 'remove', 'list:1', intel.manifest.digest]);
        expect(shown('list:1').manifests.map(({ digest }) => digest)).toEqual([arm.manifest.digest]);
        actor.must(['manifest', 'push', '--quiet', '--rm', insecure, 'list:1', `docker://${place}`]);
        expect(JSON.parse(raw(place))).toMatchObject({ manifests: [{ digest: arm.manifest.digest }] });
        expect(actor.selkie(['manifest', 'exists', 'list:1'])).toMatchObject({ code: 1, stdout: '', stderr: '' });
        for (const args of [['inspect'], ['rm'], ['push']])
          expect(actor.selkie(['manifest', ...args, ...(args[0] === 'push' ? ['list:1', place] : ['list:1'])])).toMatchObject({
            stderr: expect.stringMatching(/^Error: [^\n]*list:1/) as string,
          });
      });

      test('push --all is the list with its images; a list by its name runs and is inspected as its image for this machine', () => {
        make();
        const place = `${registry.host}/cli/${name}-all:1`;
        actor.must(['push', '--quiet', '--all', insecure, 'list:1', place]);
        expect(raw(place)).toContain(arm.manifest.digest);
        actor.must(['manifest', 'create', insecure, '--all', 'list:2', `docker://${app('both')}`]);
        actor.must(['manifest', 'push', '--quiet', insecure, 'list:2', `docker://${registry.host}/cli/${name}-both:1`]);
        expect(raw(`${registry.host}/cli/${name}-both:1`)).toBe(index.bytes.toString());
      });

      test('pull --all-tags; not of another transport, nor with a digest', () => {
        const ids = actor.must(['pull', '--quiet', '--all-tags', insecure, `${registry.host}/team/app`]).split('\n');
        expect(ids).toHaveLength(3);
        const names = actor.must(['images', '--format', '{{.Repository}}:{{.Tag}}', '--noheading']).split('\n');
        for (const tag of ['amd64', 'arm64', 'both']) expect(names).toContain(app(tag));
        for (const wrong of ['oci:/x', `${registry.host}/team/app@${intel.manifest.digest}`])
          expect(actor.selkie(['pull', '--all-tags', insecure, wrong])).toMatchObject({
            code: 125,
            stderr: expect.stringMatching(/^Error: .*all tags/m) as string,
          });
      });

      test('pushed to and pulled from layouts, folders and archives; run from them and from docker://', () => {
        const echo = (image: string, ...more: string[]) =>
          actor.selkie(['run', '--rm', '--quiet', '--network', 'none', ...more, image, 'echo', 'ran']);
        const id = actor.must(['images', '--quiet', '--no-trunc', starter]);
        const places = [
          `oci:${home('layout')}:one`,
          `dir:${home('folder')}`,
          `docker-archive:${home('docker.tar')}:localhost/a:1`,
          `oci-archive:${home('oci.tar')}:one`,
        ];
        for (const place of places) actor.must(['push', '--quiet', starter, place]);
        const remote = `docker://${registry.host}/cli/${name}-starter:1`;
        actor.must(['push', '--quiet', insecure, starter, remote]);
        for (const place of places) {
          actor.must(['rmi', '--all', '--force', '--no-trash']);
          expect(`sha256:${actor.must(['pull', '--quiet', place])}`, place).toBe(id);
          actor.must(['rmi', '--all', '--force', '--no-trash']);
          for (const more of [[], [insecure]]) {
            const since = actor.must(['events', '--stream=false', '--format', '{{.Status}}']).split('\n').length;
            expect(echo(place, ...more), `${place} ${more.join('')}`).toMatchObject({ code: 0, stdout: 'ran\n' });
            const events = actor.must(['events', '--stream=false', '--format', '{{.Status}}']).split('\n').slice(since);
            expect(events.filter((status) => status === 'loadfromarchive')).toHaveLength(1);
          }
        }
        // Without a word about TLS it is not reached; with it, it is pulled and run, and then it is here.
        actor.must(['rmi', '--all', '--force', '--no-trash']);
        expect(echo(remote)).toMatchObject({ code: 125 });
        expect(echo(remote, insecure)).toMatchObject({ code: 0, stdout: 'ran\n', stderr: '' });
        expect(echo(remote)).toMatchObject({ code: 0, stdout: 'ran\n' });
        expect(echo(remote, insecure, '--pull=never')).toMatchObject({ code: 0, stdout: 'ran\n' });
        expect(echo('docker://localhost:1/none', insecure, '--pull=never')).toMatchObject({ code: 125 });
        const inspect = (image: string) => JSON.parse(actor.must(['image', 'inspect', image])) as { Id: string }[];
        expect(`sha256:${inspect(remote)[0]?.Id ?? ''}`).toBe(id);
        const known = `containers-storage:${remote.slice('docker://'.length)}`;
        expect(`sha256:${inspect(known)[0]?.Id ?? ''}`).toBe(id);
        expect(actor.selkie(['image', 'inspect', `oci:${home('layout')}:one`])).toMatchObject({
          code: 125,
          stderr: expect.stringMatching(/^Error: [^\n]*unsupported transport/) as string,
        });
      });

      test('what a list needs stays through prune and repair; out of the trash it comes back whole', () => {
        actor.must(['pull', '--quiet', insecure, app('amd64')]);
        actor.must(['manifest', 'create', 'list:1', app('amd64')]);
        const before = actor.must(['manifest', 'inspect', 'list:1']);
        actor.must(['rmi', '--force', '--no-trash', app('amd64')]);
        actor.must(['image', 'prune', '--force', '--no-trash']);
        actor.must(['system', 'check', '--repair', '--force']);
        expect(actor.must(['manifest', 'inspect', 'list:1'])).toBe(before);
        actor.must(['manifest', 'rm', 'list:1']);
        expect(actor.selkie(['manifest', 'exists', 'list:1'])).toMatchObject({ code: 1 });
        actor.must(['system', 'check', '--repair', '--force']);
        const [entry] = JSON.parse(actor.must(['trash', 'ls', '--format', 'json'])) as { Id: string }[];
        actor.must(['trash', 'restore', entry?.Id ?? '']);
        expect(actor.must(['manifest', 'inspect', 'list:1'])).toBe(before);
        const place = `${registry.host}/cli/${name}-kept:1`;
        actor.must(['manifest', 'push', '--quiet', insecure, 'list:1', place]);
        expect(raw(place)).toContain(intel.manifest.digest);
        actor.must(['manifest', 'rm', '--no-trash', 'list:1']);
        actor.must(['rmi', '--all', '--force', '--no-trash']);
        expect(existsSync(join(actor.graphRoot, 'content/blobs/sha256', intel.manifest.digest.slice(7)))).toBe(false);
      });

      test('killed while it is changed or pushed a list is the old or the new one, and can be changed and pushed', {
        timeout: 300_000,
      }, async () => {
        const random = new Random(3);
        make();
        const place = `${registry.host}/cli/${name}-killed`;
        const known = new Set<string>([intel.manifest.digest, arm.manifest.digest]);
        for (let death = 0; death < 10; death += 1) {
          const args = [
            ['manifest', 'add', insecure, 'list:1', `docker://${app('amd64')}`],
            ['manifest', 'remove', 'list:1', intel.manifest.digest],
            ['manifest', 'annotate', '--annotation', `round=${String(death)}`, 'list:1', arm.manifest.digest],
            ['manifest', 'push', '--quiet', insecure, 'list:1', `docker://${place}:${String(death)}`],
            ['manifest', 'create', insecure, '--amend', 'list:1', `docker://${app('both')}`],
          ][death % 5] as string[];
          const before = shown('list:1');
          const child = actor.start(args);
          const ended = once(child, 'exit');
          await Promise.race([pause(150 + random.below(700)), ended]);
          child.kill('SIGKILL');
          await ended;
          const now = shown('list:1');
          const digests = now.manifests.map(({ digest }) => digest);
          expect(digests).toContain(arm.manifest.digest);
          expect(digests.filter((digest) => !known.has(digest))).toEqual([]);
          expect(actor.selkie(['system', 'check', '--quick']).stdout).toContain('The store is whole');
          // To its end: what has been done already is not done twice, or is refused, which changes nothing.
          actor.selkie(args);
          expect([before, shown('list:1')]).toContainEqual(now);
        }
        actor.must(['manifest', 'push', '--quiet', insecure, 'list:1', `docker://${place}:whole`]);
        expect(raw(`${place}:whole`)).toContain(arm.manifest.digest);
      });
    });
  });
});
