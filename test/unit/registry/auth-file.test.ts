import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CredentialLookup, findCredentials, parseCredentials } from '../../../src-main/engine/registry/auth-file.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

let home: string;
let environment: Record<string, string>;
const path = process.env['PATH'];

beforeEach(() => {
  home = mkdtempSync('/tmp/selkie-auth-');
  environment = { XDG_RUNTIME_DIR: join(home, 'run') };
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

function find(registry: string, repository: string, more: Partial<CredentialLookup> = {}) {
  const real = createLinuxSystem();
  const system = { ...real, identity: { ...real.identity, homeDirectory: home } };
  return findCredentials({ system, environment, authFile: undefined, helpers: [], ...more }, registry, repository);
}

const auth = (text: string): string => Buffer.from(text).toString('base64');

test('the most specific key of the first file that has one', async () => {
  const first = write(
    'run/containers/auth.json',
    JSON.stringify({ auths: { 'a.test/team': { auth: auth('team:1') }, 'a.test': { auth: auth('host:2:3') } } }),
  );
  const docker = write(
    '.docker/config.json',
    JSON.stringify({ auths: { 'https://index.docker.io/v1/': { auth: auth('hub:4') } }, HttpHeaders: {} }),
  );
  expect(await find('a.test', 'team/app')).toEqual({ username: 'team', password: '1', identityToken: undefined, source: first });
  expect(await find('a.test', 'teams/app')).toMatchObject({ username: 'host', password: '2:3' });
  expect(await find('docker.io', 'library/alpine')).toMatchObject({ username: 'hub', source: docker });
  expect(await find('b.test', 'x')).toBeUndefined();
});

test('helpers: by registry, as the store of all, and by registries.conf', async () => {
  const bin = write(
    'bin/docker-credential-fake',
    '#!/bin/sh\nread host\n[ "$host" = none.test ] && { echo "not found"; exit 1; }\necho "{\\"ServerURL\\":\\"$host\\",\\"Username\\":\\"<token>\\",\\"Secret\\":\\"for $host\\"}"\n',
  );
  chmodSync(bin, 0o755);
  process.env['PATH'] = `${dirname(bin)}:${path ?? ''}`;
  const file = write('auth.json', JSON.stringify({ credHelpers: { 'a.test': 'fake' }, credsStore: 'fake' }));
  expect(await find('a.test', 'x', { authFile: file })).toMatchObject({ identityToken: 'for a.test', source: 'docker-credential-fake' });
  expect(await find('b.test', 'x', { authFile: file })).toMatchObject({ identityToken: 'for b.test' });
  expect(await find('none.test', 'x', { authFile: file })).toBeUndefined();
  expect(await find('c.test', 'x', { helpers: ['fake'] })).toMatchObject({ identityToken: 'for c.test' });
});

test('broken files: named, and their content never quoted', async () => {
  const file = write('auth.json', '{"auths": {"a.test": {"auth": "c2VjcmV0"} secret');
  const error: unknown = await find('a.test', 'x', { authFile: file }).catch((one: unknown) => one);
  expect(error).toMatchObject({ code: 'corrupt', message: `${file} is not JSON` });
  await expect(find('a.test', 'x', { authFile: write('b.json', '{"auths":[1]}') })).rejects.toMatchObject({ code: 'corrupt' });
  await expect(find('a.test', 'x', { authFile: join(home, 'none') })).rejects.toMatchObject({ code: 'invalid-argument' });
  await expect(find('a.test', 'x', { authFile: write('c.json', '{"credHelpers":{"a.test":"../../bin/sh"}}') })).rejects.toMatchObject({
    code: 'corrupt',
    message: expect.stringMatching(/^"\.\.\/\.\.\/bin\/sh" in \/.*c\.json is not the name of a credential helper$/) as string,
  });
});

test('--creds', () => {
  expect(parseCredentials('u:p:q')).toMatchObject({ username: 'u', password: 'p:q' });
  for (const text of ['u', ':p', '']) expect(() => parseCredentials(text)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
});
