/** Who is logged in where: files and helpers as they really are, in a home of its own. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadRegistries } from '../../../src-main/engine/reference/reference.ts';
import { listLogins, parseLoginKey, storedCredentials } from '../../../src-main/engine/registry/registry.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

let home: string;
const path = process.env['PATH'];

beforeEach(() => {
  home = mkdtempSync('/tmp/selkie-logins-');
});
afterEach(() => {
  process.env['PATH'] = path;
  rmSync(home, { recursive: true });
});

function write(name: string, content: string): string {
  mkdirSync(dirname(join(home, name)), { recursive: true });
  writeFileSync(join(home, name), content);
  return join(home, name);
}

function access(environment: Readonly<Record<string, string>> = {}) {
  const real = createLinuxSystem();
  const system = { ...real, identity: { ...real.identity, homeDirectory: home } };
  const all = { XDG_RUNTIME_DIR: join(home, 'run'), CONTAINERS_REGISTRIES_CONF: write('registries.conf', ''), ...environment };
  return {
    ...{ system, environment: all, authFile: undefined, compatAuthFile: undefined, certDirectory: undefined, tlsVerify: undefined },
    registries: loadRegistries({ homeDirectory: home, rootless: true, environment: all }),
    runRoot: join(home, 'runroot'),
  };
}

/** By docker's protocol: `list` on stdout, as JSON. */
function helper(name: string, list: string): void {
  const program = write(`bin/docker-credential-${name}`, `#!/bin/sh\n[ "$1" = list ] && { printf '%s' '${list}'; exit 0; }\nexit 1\n`);
  chmodSync(program, 0o755);
  process.env['PATH'] = `${dirname(program)}:${path ?? ''}`;
}

const auth = (text: string): string => Buffer.from(text).toString('base64');

test('the files in their order, the first of a key alone, Docker Hub by its name; and never a secret', async () => {
  const own = write(
    'run/containers/auth.json',
    JSON.stringify({
      auths: {
        'b.test:5000/team': { auth: auth('ada:geheim') },
        'a.test': { auth: auth('eve:geheim') },
        'empty.test': {},
        't.test': { identitytoken: 'geheim' },
      },
    }),
  );
  const docker = write(
    '.docker/config.json',
    JSON.stringify({ auths: { 'https://index.docker.io/v1/': { auth: auth('hub:geheim') }, 'a.test': { auth: auth('other:geheim') } } }),
  );
  const listed = await listLogins(access());
  expect(listed).toEqual({
    logins: [
      { key: 'a.test', username: 'eve', hasToken: false, kind: 'auth-file', storedIn: own, own: true },
      { key: 'b.test:5000/team', username: 'ada', hasToken: false, kind: 'auth-file', storedIn: own, own: true },
      { key: 'docker.io', username: 'hub', hasToken: false, kind: 'docker', storedIn: docker, own: false },
      { key: 't.test', username: '', hasToken: true, kind: 'auth-file', storedIn: own, own: true },
    ],
    warnings: [],
  });
  expect(JSON.stringify(listed)).not.toContain('geheim');
  // Each of them is the one that a pull would use.
  for (const { key, username } of listed.logins)
    expect(await storedCredentials(access(), parseLoginKey(key, access().registries))).toMatchObject({ username });
});

test('helpers tell whom they know, those of clouds nobody; one that fails keeps none of the others', async () => {
  helper('list', '{"https://index.docker.io/v1/":"hub","c.test":"<token>"}');
  write('run/containers/auth.json', JSON.stringify({ credHelpers: { 'cloud.test': 'list', 'dead.test': 'missing' } }));
  const docker = write('.docker/config.json', JSON.stringify({ credsStore: 'list', auths: { 'd.test': { auth: auth('dan:x') } } }));
  const { logins, warnings } = await listLogins(access());
  const storedIn = 'docker-credential-list';
  expect(logins).toEqual([
    { key: 'c.test', username: '', hasToken: true, kind: 'helper', storedIn, own: false },
    { key: 'cloud.test', username: '', hasToken: false, kind: 'helper', storedIn, own: true },
    { key: 'd.test', username: 'dan', hasToken: false, kind: 'docker', storedIn: docker, own: false },
    { key: 'dead.test', username: '', hasToken: false, kind: 'helper', storedIn: 'docker-credential-missing', own: true },
    { key: 'docker.io', username: 'hub', hasToken: false, kind: 'helper', storedIn, own: false },
  ]);
  expect(warnings).toEqual([expect.stringContaining('docker-credential-missing')]);
});

test.each([
  ['{"auths":[1]}', /auths\.0 has the wrong type/],
  ['not json', /is not JSON/],
])('a file that is broken (%s) is named, without a word of it, and the others are told', async (content, words) => {
  const broken = write('.docker/config.json', content);
  write('run/containers/auth.json', JSON.stringify({ auths: { 'a.test': { auth: auth('eve:x') } } }));
  const { logins, warnings } = await listLogins(access());
  expect(logins.map(({ key }) => key)).toEqual(['a.test']);
  expect(warnings).toEqual([expect.stringMatching(words)]);
  expect(warnings[0]).toContain(broken);
});

test('REGISTRY_AUTH_FILE is the only file then, also when it is not there yet', async () => {
  write('run/containers/auth.json', JSON.stringify({ auths: { 'a.test': { auth: auth('eve:x') } } }));
  expect(await listLogins(access({ REGISTRY_AUTH_FILE: join(home, 'later.json') }))).toEqual({ logins: [], warnings: [] });
});

test('an answer that is no list is no login', async () => {
  helper('html', '<html>no</html>');
  write('run/containers/auth.json', JSON.stringify({ credsStore: 'html' }));
  expect(await listLogins(access())).toEqual({ logins: [], warnings: ['docker-credential-html did not answer with JSON'] });
});
