import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatReference, loadRegistries, parseReference, withDefaultTag } from '../../../src-main/engine/reference/reference.ts';

const hex = 'a'.repeat(64);

describe('normalisation', () => {
  test.each([
    ['alpine', 'docker.io/library/alpine:latest'],
    ['alpine:3', 'docker.io/library/alpine:3'],
    ['foo/bar', 'docker.io/foo/bar:latest'],
    ['docker.io/foo', 'docker.io/library/foo:latest'],
    ['index.docker.io/foo', 'docker.io/library/foo:latest'],
    ['docker://quay.io/a/b', 'quay.io/a/b:latest'],
    ['localhost/x', 'localhost/x:latest'],
    ['localhost:5000/x:v1', 'localhost:5000/x:v1'],
    ['[::1]:5000/x', '[::1]:5000/x:latest'],
    ['UPPER.com/foo', 'UPPER.com/foo:latest'],
    ['ab-c_d__e/f.g:T_1', 'docker.io/ab-c_d__e/f.g:T_1'],
    [`quay.io/a@sha256:${hex}`, `quay.io/a@sha256:${hex}`],
    [`quay.io/a:v1@sha256:${hex}`, `quay.io/a:v1@sha256:${hex}`],
  ])('%s is %s', (text, full) => {
    expect(formatReference(withDefaultTag(parseReference(text)))).toBe(full);
  });

  test.each([
    ['', 'it is empty'],
    ['Foo/bar', 'must be lowercase'],
    ['foo/UPPER', 'must be lowercase'],
    ['a..b', 'characters'],
    ['foo___bar', 'characters'],
    ['x:', 'not a tag'],
    ['x:-bad', 'not a tag'],
    ['foo@sha256:0', 'digest'],
    ['https://quay.io/a', 'URL'],
    ['-x', 'characters'],
    ['quay.io/', 'no repository'],
    [hex, 'image id'],
    ['a/'.repeat(150) + 'a', 'longer'],
  ])('%j is refused: %s', (text, why) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: 'invalid-argument', message: expect.stringContaining(why) as string }),
    );
  });

  test('another kind of digest is refused by name', () => {
    expect(() => parseReference(`a@sha512:${'0'.repeat(128)}`)).toThrow(expect.objectContaining({ code: 'unsupported' }));
  });
});

describe('registries.conf', () => {
  let root: string;
  const environment: Record<string, string> = {};
  const load = () => loadRegistries({ homeDirectory: join(root, 'home'), rootless: true, environment, systemDirectory: join(root, 'etc') });
  const write = (path: string, text: string): string => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    return join(root, path);
  };
  const system = 'etc/containers/registries.conf';

  beforeEach(() => {
    root = mkdtempSync('/tmp/selkie-registries-');
    for (const key of Object.keys(environment)) Reflect.deleteProperty(environment, key);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  test('no file at all: docker.io; a file without a search list: refused, as Podman does', () => {
    expect(load().resolveForPull('alpine').candidates.map(formatReference)).toEqual(['docker.io/library/alpine:latest']);
    const path = write(system, '# nothing\n');
    expect(() => load().resolveForPull('alpine')).toThrow(
      expect.objectContaining({
        code: 'not-found',
        message: `short-name "alpine" did not resolve to an alias and no unqualified-search registries are defined in "${path}"`,
        fix: expect.stringContaining('docker.io/library/alpine:latest') as string,
      }),
    );
    expect(load().resolveForPull('quay.io/alpine').candidates.map(formatReference)).toEqual(['quay.io/alpine:latest']);
  });

  test('aliases, search lists, modes and what they mean locally', () => {
    write(system, 'unqualified-search-registries = ["quay.io", "docker.io"]\n');
    const drop = write('etc/containers/registries.conf.d/000.conf', '[aliases]\n"fedora" = "registry.fedoraproject.org/fedora"\n');
    const registries = load();
    expect(registries.resolveForPull('fedora:39')).toEqual({
      candidates: [{ registry: 'registry.fedoraproject.org', repository: 'fedora', tag: '39', digest: undefined }],
      source: `resolved "fedora:39" as an alias (${drop})`,
    });
    expect(registries.resolveForPull('x').candidates.map(formatReference)).toEqual(['quay.io/x:latest', 'docker.io/library/x:latest']);
    expect(registries.localCandidates('fedora').map(formatReference)).toEqual([
      'registry.fedoraproject.org/fedora:latest',
      'localhost/fedora:latest',
      'quay.io/fedora:latest',
      'docker.io/library/fedora:latest',
    ]);
    write('etc/containers/registries.conf.d/001.conf', 'short-name-mode = "enforcing"\n');
    expect(() => load().resolveForPull('x')).toThrow(expect.objectContaining({ code: 'ambiguous' }));
  });

  test("the user's file replaces the system's; the environment names another", () => {
    write(system, 'unqualified-search-registries = ["quay.io"]\n');
    write('home/.config/containers/registries.conf', 'unqualified-search-registries = ["own.test"]\n');
    expect(load().unqualifiedSearch).toEqual(['own.test']);
    environment['CONTAINERS_REGISTRIES_CONF'] = write('other.conf', 'unqualified-search-registries = ["other.test"]\n');
    expect(load().unqualifiedSearch).toEqual(['other.test']);
    environment['CONTAINERS_REGISTRIES_CONF'] = join(root, 'none');
    expect(load).toThrow(expect.objectContaining({ code: 'not-found' }));
  });

  test('the longest prefix wins; wildcards; locations; mirrors by tag and digest; blocked', () => {
    write(
      system,
      `[[registry]]
prefix = "*.corp.test"
blocked = true
[[registry]]
prefix = "ok.corp.test"
location = "store:5000/ok"
insecure = true
[[registry.mirror]]
location = "tags.test/m"
pull-from-mirror = "tag-only"
[[registry.mirror]]
location = "digests.test"
pull-from-mirror = "digest-only"
[[registry]]
prefix = "docker.io/library"
location = "docker.io/proxy"
`,
    );
    const sources = (text: string) =>
      load()
        .pullSources(withDefaultTag(parseReference(text)))
        .map((one) => `${one.registry}/${one.repository} ${String(one.insecure)}`);
    expect(sources('ok.corp.test/a/b')).toEqual(['tags.test/m/a/b false', 'store:5000/ok/a/b true']);
    expect(sources(`ok.corp.test/a@sha256:${hex}`)).toEqual(['digests.test/a false', 'store:5000/ok/a true']);
    expect(sources('alpine')).toEqual(['docker.io/proxy/alpine false']);
    expect(sources('docker.io/libraryx/a')).toEqual(['docker.io/libraryx/a false']);
    expect(() => sources('bad.corp.test/a')).toThrow(expect.objectContaining({ code: 'denied' }));
  });

  test.each([
    ['unqualified-search-registries = [', ':1:'],
    ['a = 1\nb = = 2', ':2:'],
    ['unqualified-search-registries = "docker.io"', 'unqualified-search-registries'],
    ['[[registry]]\ninsecure = true', 'neither prefix nor location'],
    ['[[registry]]\nlocation = "https://a.test"', 'is a URL'],
  ])('%j is malformed: %s', (text, where) => {
    const path = write(system, text);
    expect(load).toThrow(expect.objectContaining({ code: 'corrupt', message: expect.stringContaining(where) as string }));
    expect(load).toThrow(expect.objectContaining({ message: expect.stringContaining(path) as string }));
  });

  test('the old format is refused by name', () => {
    write(system, '[registries.search]\nregistries = ["docker.io"]\n');
    expect(load).toThrow(expect.objectContaining({ code: 'unsupported' }));
  });
});
