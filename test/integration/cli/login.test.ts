/** login, logout and search at a real registry with a password, next to Podman's own words. As root and as an ordinary user. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Actor, actors } from '../../support/actor.ts';
import { makeImage, makeTar } from '../image/test-image.ts';
import { TestRegistry, account, makeCertificates, pushImage, registryProgram, serveHttp } from '../image/test-registry.ts';

const lacking = registryProgram === undefined ? ' (docker-registry is not installed)' : '';
const htpasswd = `${account.user}:$2y$05$ivLTy1aTyliAHQPKAMOo4.UldguS9FhTRq3qfjw1kN97/oe7L7vRW\n`;

interface AuthFile {
  readonly auths: Record<string, { auth?: string }>;
  readonly credHelpers?: Record<string, string>;
  readonly other?: unknown;
}

describe.skipIf(lacking !== '')(`login${lacking}`, () => {
  let directory: string;
  let open: TestRegistry;
  let locked: TestRegistry;
  let certificates: string;

  beforeAll(async () => {
    directory = mkdtempSync('/tmp/selkie-login-');
    chmodSync(directory, 0o755);
    const { ca, cert, key } = makeCertificates(directory);
    certificates = join(directory, 'certs');
    mkdirSync(certificates);
    writeFileSync(join(certificates, 'ca.crt'), readFileSync(ca), { mode: 0o644 });
    const data = join(directory, 'data');
    open = await TestRegistry.start({ data });
    const image = makeImage([await makeTar({ file: 'x' })]);
    for (const [repository, tag] of [
      ['web', '1'],
      ['team/web', '2'],
      ['team/db', '1'],
      ['web', '2'],
    ] as const)
      await pushImage(open, repository, tag, image);
    locked = await TestRegistry.start({ data, tls: { cert, key }, htpasswd });
  });
  afterAll(async () => {
    await locked[Symbol.asyncDispose]();
    await open[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  for (const { actor: name, skip, title } of actors()) {
    describe.skipIf(skip)(title, () => {
      let actor: Actor;
      let authFile: string;
      beforeAll(() => {
        actor = new Actor(name);
      });
      beforeEach(() => {
        authFile = join(actor.environment['XDG_RUNTIME_DIR'] ?? '', 'containers/auth.json');
        rmSync(authFile, { force: true });
      });
      afterAll(async () => {
        const leaks = await actor.leaks();
        await actor[Symbol.asyncDispose]();
        expect(leaks).toEqual([]);
      });

      const tls = (): string[] => ['--cert-dir', certificates];
      const login = (...args: string[]) => actor.selkie(['login', ...tls(), ...args, locked.host], { input: `${account.password}\n` });
      const read = (path = authFile): AuthFile => JSON.parse(readFileSync(path, 'utf8')) as AuthFile;
      const own = (path: string): void => {
        const { uid, gid } = statSync(join(actor.directory, 'home'));
        chownSync(path, uid, gid);
      };

      test('a right password is kept in auth.json, for its owner alone, and works for a pull', () => {
        expect(login('-u', account.user, '--password-stdin')).toMatchObject({ code: 0, stdout: 'Login Succeeded!\n', stderr: '' });
        expect(read()).toEqual({
          auths: { [locked.host]: { auth: Buffer.from(`${account.user}:${account.password}`).toString('base64') } },
        });
        expect(statSync(authFile).mode & 0o777).toBe(0o600);
        expect(actor.must(['login', '--get-login', locked.host])).toBe(account.user);
        expect(actor.must(['pull', '-q', ...tls(), `${locked.host}/web:1`])).toMatch(/^[0-9a-f]{64}$/);
        expect(actor.must(['login', ...tls(), locked.host])).toContain('Existing credentials are valid. Already logged in');
        expect(actor.must(['logout', locked.host])).toBe(`Removed login credentials for ${locked.host}`);
        expect(read()).toEqual({ auths: {} });
        expect(actor.selkie(['logout', locked.host])).toMatchObject({
          code: 125,
          stderr: expect.stringContaining(`not logged into ${locked.host}`) as string,
        });
      });

      test('a wrong one is refused, and nothing is written', () => {
        const result = login('-u', account.user, '-p', 'wrong');
        expect(result).toMatchObject({
          code: 125,
          stderr: expect.stringContaining(`logging into "${locked.host}": invalid username/password`) as string,
        });
        expect(`${result.stdout}${result.stderr}`).not.toContain('wrong\n');
        expect(existsSync(authFile)).toBe(false);
      });

      test('an unknown authority is said to be one; a password cannot be asked for without a terminal', () => {
        expect(actor.selkie(['login', '-u', 'x', '-p', 'y', locked.host])).toMatchObject({
          code: 125,
          stderr: expect.stringMatching(/signed by an authority/) as string,
        });
        expect(login('-u', account.user)).toMatchObject({ code: 125, stderr: expect.stringContaining('--password-stdin') as string });
      });

      test('what else is in the file stays, a link stays a link, and REGISTRY_AUTH_FILE and --authfile name another', () => {
        const real = join(actor.directory, 'home', 'real.json');
        const link = join(actor.directory, 'home', 'link.json');
        writeFileSync(real, JSON.stringify({ auths: { 'other.example': { auth: 'YTpi' } }, other: [1] }), { mode: 0o600 });
        own(real);
        rmSync(link, { force: true });
        symlinkSync(real, link);
        expect(
          actor.selkie(['login', ...tls(), '-u', account.user, '-p', account.password, locked.host], {
            environment: { REGISTRY_AUTH_FILE: link },
          }).code,
        ).toBe(0);
        expect(Object.keys(read(real).auths).sort()).toEqual([locked.host, 'other.example'].sort());
        expect(read(real).other).toEqual([1]);
        expect(
          login('-u', account.user, '-p', account.password, '--authfile', join(actor.directory, 'home', 'new', 'auth.json')).code,
        ).toBe(0);
        expect(read(join(actor.directory, 'home', 'new', 'auth.json')).auths).toHaveProperty([locked.host]);
        expect(existsSync(authFile)).toBe(false);
        actor.must(['logout', '--all', '--authfile', link]);
        expect(read(real)).toEqual({ auths: {}, other: [1] });
      });

      test("Docker's file is read, and written only when it is named", () => {
        const docker = join(actor.directory, 'home', '.docker', 'config.json');
        mkdirSync(join(actor.directory, 'home', '.docker'), { recursive: true });
        own(join(actor.directory, 'home', '.docker'));
        const entry = { auth: Buffer.from(`${account.user}:${account.password}`).toString('base64') };
        writeFileSync(docker, JSON.stringify({ auths: { [locked.host]: entry } }), { mode: 0o600 });
        own(docker);
        expect(actor.must(['login', '--get-login', locked.host])).toBe(account.user);
        expect(actor.must(['logout', locked.host])).toContain('established via docker login');
        expect(read(docker).auths).toHaveProperty([locked.host]);
        expect(actor.must(['logout', '--compat-auth-file', docker, locked.host])).toContain('Removed login credentials');
        expect(read(docker)).toEqual({ auths: {} });
        rmSync(docker);
      });

      test('a credential helper that credHelpers names stores and forgets', () => {
        const bin = join(actor.directory, 'home', 'bin');
        mkdirSync(bin, { recursive: true });
        const kept = join(actor.directory, 'home', 'kept');
        writeFileSync(
          join(bin, 'docker-credential-test'),
          `#!/bin/sh\ncase $1 in\nstore) cat > ${kept};;\nerase) rm ${kept};;\nget) [ -f ${kept} ] && cat ${kept} || exit 1;;\nesac\n`,
          { mode: 0o755 },
        );
        own(join(actor.directory, 'home'));
        const file = join(actor.directory, 'home', 'helpers.json');
        writeFileSync(file, JSON.stringify({ credHelpers: { [locked.host]: 'test' } }), { mode: 0o600 });
        own(file);
        const environment = { PATH: `${bin}:${actor.environment['PATH'] ?? ''}` };
        const run = (...args: string[]) => actor.selkie([...args, '--authfile', file, locked.host], { environment });
        expect(run('login', ...tls(), '-v', '-u', account.user, '-p', account.password)).toMatchObject({
          code: 0,
          stdout: 'Used:  docker-credential-test\nLogin Succeeded!\n',
        });
        expect(JSON.parse(readFileSync(kept, 'utf8'))).toMatchObject({ ServerURL: locked.host, Username: account.user });
        expect(read(file)).toEqual({ credHelpers: { [locked.host]: 'test' } });
        expect(run('login', '--get-login')).toMatchObject({ code: 0, stdout: `${account.user}\n` });
        expect(run('logout').code).toBe(0);
        expect(existsSync(kept)).toBe(false);
      });

      test('search: by the catalogue, with tags, and in words where a registry cannot', async () => {
        const search = (...args: string[]) => actor.selkie(['search', '--tls-verify=false', ...args]);
        expect(search('--format', '{{.Name}}', `${open.host}/web`).stdout).toBe(`${open.host}/web\n${open.host}/team/web\n`);
        expect(search('--limit', '1', '--format', '{{.Name}}', `${open.host}/`).stdout.trim().split('\n')).toHaveLength(1);
        expect(search('--list-tags', `${open.host}/web`).stdout).toMatch(/^NAME +TAG\n(.*web +[12]\n){2}$/);
        expect(search('--list-tags', `${open.host}/nosuch`)).toMatchObject({
          code: 125,
          stderr: expect.stringContaining('no such repository') as string,
        });
        expect(search(`${open.host}/nosuch`)).toMatchObject({ code: 0, stdout: '' });
        expect(search(`${locked.host}/web`)).toMatchObject({
          code: 125,
          stderr: expect.stringContaining(`selkie login ${locked.host}`) as string,
        });
        await Promise.resolve();
      });
    });
  }

  test('search: the first version of the protocol, with stars, and a registry that refuses to list', async () => {
    const actor = new Actor('root');
    await using public_ = await serveHttp((asked, answer) => {
      if (asked.url?.startsWith('/v1/search?q=web') === true)
        answer.end(
          JSON.stringify({
            results: [
              { name: 'web', description: 'a \u001b[31mweb', star_count: 7, is_official: true },
              { name: 'me/web', star_count: 1 },
            ],
          }),
        );
      else answer.writeHead(asked.url === '/v2/' ? 200 : 404).end();
    });
    await using closed = await serveHttp((asked, answer) => void answer.writeHead(asked.url === '/v2/' ? 200 : 404).end());
    // The servers are in this process: a synchronous command would stop them.
    const run = async (...args: string[]): Promise<{ out: string; code: number | null }> => {
      const child = actor.start(['search', '--tls-verify=false', ...args]);
      let out = '';
      child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.stderr?.on('data', (chunk: Buffer) => (out += chunk.toString()));
      const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
      return { out, code };
    };
    try {
      expect(
        (await run('--filter', 'stars=5', '--format', '{{.Name}} {{.Description}} {{.Stars}} {{.Official}}', `${public_.host}/web`)).out,
      ).toBe(`${public_.host}/web a  [31mweb 7 [OK]\n`);
      expect(await run(`${closed.host}/web`)).toMatchObject({
        code: 125,
        out: expect.stringContaining('does not let its repositories be listed') as string,
      });
    } finally {
      await actor[Symbol.asyncDispose]();
    }
  });
});
