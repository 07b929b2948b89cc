/** A real Debian, in a real registry with TLS and a password, pulled and run. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, copyFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Actor, actors } from '../../support/actor.ts';
import { debianTar } from '../../support/debian-image.ts';
import { makeImage } from '../image/test-image.ts';
import { account, makeCertificates, pushImage, registryProgram, TestRegistry } from '../image/test-registry.ts';

const lacking = registryProgram === undefined ? ' (docker-registry is not installed)' : '';

describe.skipIf(lacking !== '')(`a registry with TLS and a password${lacking}`, () => {
  let directory: string;
  let registry: TestRegistry;
  let certificates: string;

  beforeAll(async () => {
    directory = mkdtempSync('/tmp/selkie-debian-');
    chmodSync(directory, 0o755);
    const { ca, cert, key } = makeCertificates(directory);
    certificates = join(directory, 'certs');
    mkdirSync(certificates);
    copyFileSync(ca, join(certificates, 'ca.crt'));
    chmodSync(join(certificates, 'ca.crt'), 0o644);
    const data = join(directory, 'data');
    await using open = await TestRegistry.start({ data });
    await pushImage(
      open,
      'team/debian',
      '12',
      makeImage([debianTar()], { extra: { config: { Cmd: ['/bin/bash'], Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] } } }),
    );
    await open.kill();
    registry = await TestRegistry.start({
      data,
      tls: { cert, key },
      htpasswd: `${account.user}:$2y$05$ivLTy1aTyliAHQPKAMOo4.UldguS9FhTRq3qfjw1kN97/oe7L7vRW\n`,
    });
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  for (const { actor: name, skip, title } of actors()) {
    describe.skipIf(skip)(title, () => {
      let actor: Actor;
      beforeAll(() => {
        actor = new Actor(name);
      });
      afterAll(async () => {
        const leaks = await actor.leaks();
        await actor[Symbol.asyncDispose]();
        expect(leaks).toEqual([]);
      });
      const image = () => `${registry.host}/team/debian:12`;
      const credentials = `${account.user}:${account.password}`;

      test('an unknown authority is refused with what to do', () => {
        const result = actor.selkie(['pull', '--creds', credentials, image()]);
        expect(result).toMatchObject({ code: 125, stderr: expect.stringMatching(/certificate/) as string });
      });

      test.each([
        ['no', []],
        ['a wrong', ['--creds', `${account.user}:wrong`]],
      ])('%s password is refused, and nothing is stored', (_, options) => {
        const result = actor.selkie(['pull', '--cert-dir', certificates, ...options, image()]);
        expect(result).toMatchObject({ code: 125, stderr: expect.stringMatching(/unauthorized|authentication|password|log/i) as string });
        expect(actor.must(['images', '-q'])).toBe('');
      });

      test('with both it is pulled, runs, and is Debian', () => {
        const id = actor.must(['pull', '-q', '--cert-dir', certificates, '--creds', credentials, image()], { environment: {} });
        expect(id).toMatch(/^[0-9a-f]{64}$/);
        expect(actor.must(['run', '--rm', '--network', 'none', image(), 'cat', '/etc/debian_version'])).toMatch(/^12/);
        expect(actor.must(['run', '--rm', '--network', 'none', image(), 'dpkg', '--verify', '--verify-format', 'rpm'])).toBe('');
        expect(actor.must(['run', '--rm', '--network', 'none', image(), 'stat', '-c', '%U:%G %a', '/usr/bin/passwd', '/etc/shadow'])).toBe(
          'root:root 4755\nroot:shadow 640',
        );
      });

      test('apt’s own user and a package database work in it', () => {
        const result = actor.selkie(['run', '--rm', '--network', 'none', '-u', '_apt', image(), 'id', '-un']);
        expect(result).toMatchObject({ code: 0, stdout: '_apt\n' });
      });

      test('a password in an auth file works as well; a second pull fetches nothing', () => {
        const authFile = join(actor.directory, 'home', 'auth.json');
        writeFileSync(authFile, JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from(credentials).toString('base64') } } }), {
          mode: 0o644,
        });
        const result = actor.selkie(['pull', '--cert-dir', certificates, '--authfile', authFile, image()]);
        expect(result.code).toBe(0);
        expect(result.stderr).not.toMatch(/MiB|fetching/);
      });

      test('pushed elsewhere it keeps its digest, since its layers are there; saved and loaded it is the same image', () => {
        const home = join(actor.directory, 'home');
        const access = ['--cert-dir', certificates, '--creds', credentials];
        actor.must(['push', '-q', ...access, '--digestfile', join(home, 'digest'), image(), `${registry.host}/${name}/copy:1`]);
        const digest = readFileSync(join(home, 'digest'), 'utf8');
        expect(actor.must(['images', '--format', '{{.Digest}}'])).toBe(digest);
        const id = actor.must(['images', '-q', '--no-trunc']);
        for (const format of ['docker-archive', 'oci-archive']) {
          const archive = join(home, `${format}.tar`);
          actor.must(['save', '-q', '--format', format, '-o', archive, image()]);
          actor.must(['rmi', '--no-trash', image()]);
          actor.must(['load', '-q', '-i', archive]);
          expect(actor.must(['images', '-q', '--no-trunc'])).toBe(id);
          expect(actor.must(['run', '--rm', '--network', 'none', image(), 'dpkg', '--verify', '--verify-format', 'rpm'])).toBe('');
        }
        const again = actor.selkie(['save', '-o', join(home, 'docker-archive.tar'), image()]);
        expect(again).toMatchObject({ code: 125, stderr: expect.stringContaining('modifying existing images') as string });
        actor.must(['push', '-q', image(), `oci-archive:${join(home, 'pushed.tar')}:v1`]);
        expect(actor.selkie(['push', image(), 'docker-daemon:x'])).toMatchObject({ code: 125 });
        const zstd = `${registry.host}/${name}/zstd:1`;
        actor.must(['push', '-q', ...access, '--compression-format', 'zstd', image(), zstd]);
        actor.must(['pull', '-q', ...access, zstd]);
        expect(actor.must(['images', '-q', '--no-trunc']).split('\n')[0]).toBe(id);
        actor.must(['untag', image(), zstd]);
      });

      test('removed, its layers are gone from the disk', () => {
        actor.must(['rmi', image()]);
        expect(actor.must(['images', '-aq'])).toBe('');
        expect(actor.must(['system', 'df', '--format', '{{.Type}} {{.Size}}'])).toMatch(/^Images 0B/);
      });
    });
  }
});
