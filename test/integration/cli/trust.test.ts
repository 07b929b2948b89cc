/** `image trust`, `image sign` and `image scp` as a person uses them, as root and without. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync, chmodSync, chownSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Actor, actors } from '../../support/actor.ts';
import { GpgKeys, hasGpg } from '../../support/signing-keys.ts';
import { TestRegistry, registryProgram } from '../image/test-registry.ts';

const lacking = registryProgram === undefined ? ' (docker-registry is not installed)' : hasGpg ? '' : ' (gpg is not installed)';

/** A file in the actor's home, of the actor. */
function write(actor: Actor, path: string, content: string): string {
  const file = join(actor.environment['HOME'] ?? '', path);
  const owner = statSync(actor.environment['HOME'] ?? '');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  for (let at = file; at.length > (actor.environment['HOME'] ?? '').length; at = dirname(at)) chownSync(at, owner.uid, owner.gid);
  return file;
}

const acceptAll = JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }], later: { unknown: true } });

describe.each(actors())('trust, $title', ({ actor: who, skip }) => {
  test.skipIf(skip)('set and show, in Podman’s words; what is not known stays', async () => {
    await using actor = new Actor(who);
    const policy = write(actor, '.config/containers/policy.json', acceptAll);
    write(actor, '.config/containers/registries.d/a.yaml', 'docker:\n  reg.example/a:\n    lookaside: https://sigs.example/a\n');
    const key = write(actor, 'team.asc', 'a key');
    actor.must(['image', 'trust', 'set', '-f', key, '-f', key, 'reg.example/a']);
    actor.must(['image', 'trust', 'set', '--type', 'sigstoreSigned', '-f', 'home/team.asc', 'reg.example/b']);
    actor.must(['image', 'trust', 'set', '-t', 'reject', 'default']);
    const signed = { type: 'signedBy', keyType: 'GPGKeys', keyPath: key };
    expect(JSON.parse(readFileSync(policy, 'utf8'))).toEqual({
      default: [{ type: 'reject' }],
      later: { unknown: true },
      transports: { docker: { 'reg.example/a': [signed, signed], 'reg.example/b': [{ type: 'sigstoreSigned', keyPath: key }] } },
    });
    expect(actor.must(['image', 'trust', 'show', '--raw'])).toBe(readFileSync(policy, 'utf8').trimEnd());
    const lines = actor.must(['image', 'trust', 'show']).split('\n');
    expect(lines[0]).toMatch(/^TRANSPORT +NAME +TYPE +ID +STORE$/);
    expect(lines[1]).toMatch(/^all +default +reject +$/);
    expect(lines[2]).toMatch(/^repository +reg\.example\/a +signed +https:\/\/sigs\.example\/a$/);
    expect(JSON.parse(actor.must(['image', 'trust', 'show', '--json', 'reg.example/b/c:1']))).toEqual([
      { transport: 'repository', name: 'reg.example/b', repo_name: 'reg.example/b', type: 'sigstoreSigned', gpg_id: 'N/A' },
    ]);
    for (const [args, words] of [
      [['-t', 'signedBy', 'x'], /at least one public key must be defined for type 'signedBy'/],
      [['-t', 'maybe', 'x'], /invalid choice: maybe \(choose from/],
      [['-f', '/nowhere', 'x'], /\/nowhere/],
    ] as const) {
      const { code, stderr } = actor.selkie(['image', 'trust', 'set', ...args]);
      expect(code).toBe(125);
      expect(stderr).toMatch(words);
    }
  });

  describe.skipIf(skip || lacking !== '')(`signing${lacking}`, () => {
    let registry: TestRegistry;
    beforeAll(async () => {
      registry = await TestRegistry.start();
    });
    afterAll(() => registry[Symbol.asyncDispose]());

    test('push --sign-by, image sign, pull under the policy; without the signature nothing is stored', async () => {
      await using actor = new Actor(who);
      using keys = new GpgKeys();
      const fingerprint = keys.generate('team@example.com');
      const home = actor.environment['HOME'] ?? '';
      const owner = statSync(home);
      const environment = { GNUPGHOME: keys.home };
      actor.command('true', []);
      keys.gpg('--list-keys');
      for (const path of [keys.home, ...readdirSync(keys.home, { recursive: true, encoding: 'utf8' }).map((one) => join(keys.home, one))])
        if (existsSync(path)) chownSync(path, owner.uid, owner.gid);
      chmodSync(keys.home, 0o700);
      write(actor, '.config/containers/policy.json', acceptAll);
      write(actor, '.config/containers/registries.d/here.yaml', `default-docker:\n  lookaside: file://${home}/lookaside\n`);
      actor.must(['load', '-i', actor.starterImage]);
      const target = `${registry.host}/team/app:1`;
      const push = ['push', '--tls-verify=false', '--quiet', 'localhost/selkie/starter'];
      actor.must([...push, target]);
      actor.must([...push, `${registry.host}/team/app:signed`, '--sign-by', fingerprint], { environment });
      actor.must(['rmi', '--no-trash', '--force', 'localhost/selkie/starter']);
      const key = write(actor, 'team.asc', '');
      keys.export('team@example.com', key);
      actor.must(['image', 'trust', 'set', '-t', 'reject', 'default']);
      actor.must(['image', 'trust', 'set', '-f', key, registry.host]);
      expect(actor.must(['image', 'trust', 'show', '-n', target])).toMatch(
        new RegExp(`^repository +${registry.host} +signed +team@example.com +file://`),
      );
      const { code, stderr } = actor.selkie(['pull', '--tls-verify=false', target]);
      expect(code).toBe(125);
      expect(stderr).toMatch(/^Error: .*team\/app:1 is refused: .*for another name/m);
      expect(actor.must(['images', '--quiet', '--all'])).toBe('');
      actor.must(['pull', '--tls-verify=false', '--quiet', `${registry.host}/team/app:signed`]);
      write(actor, '.config/containers/registries.conf', `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`);
      actor.must(['image', 'sign', '--sign-by', 'team@example.com', `docker://${target}`], { environment });
      actor.must(['pull', '--quiet', target]);
      expect(actor.selkie(['image', 'sign', '--sign-by', 'nobody@example.com', target], { environment })).toMatchObject({ code: 125 });
    });
  });
});

const root = actors().find(({ actor }) => actor === 'root');
const user = inject('rootlessUser');

describe.skipIf(root?.skip !== false || !user)(`image scp${user ? '' : ` (skipped: ${inject('rootlessReason')})`}`, () => {
  test('from root to a user of this machine and back; what cannot be is said in one line', async () => {
    await using actor = new Actor('root');
    const name = user?.name ?? '';
    actor.must(['load', '-i', actor.starterImage]);
    const images = (): string =>
      actor.command(
        'setpriv',
        [`--reuid=${String(user?.uid)}`, `--regid=${String(user?.gid)}`, '--init-groups', '--', actor.launcher, 'images', '--noheading'],
        { environment: { HOME: user?.home ?? '', XDG_RUNTIME_DIR: '' } },
      ).stdout;
    const { code, stdout, stderr } = actor.selkie(['image', 'scp', 'localhost/selkie/starter', `${name}@localhost::`]);
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: 'Loaded image: localhost/selkie/starter:latest\n' });
    expect(stderr).toContain(`from the store of this user to the store of ${name} on this machine`);
    expect(images()).toContain('localhost/selkie/starter');
    actor.must(['rmi', '--no-trash', '--force', 'localhost/selkie/starter']);
    actor.must(['image', 'scp', '--quiet', `${name}@localhost::localhost/selkie/starter`]);
    expect(actor.must(['images', '--noheading'])).toContain('localhost/selkie/starter');
    for (const [args, words] of [
      [['nothing', `${name}@localhost::`], /^Error: cannot save nothing from the store of this user: .*nothing/m],
      [['localhost/selkie/starter', 'nobody-of-that-name@localhost::'], /there is no user nobody-of-that-name/],
      [['localhost/selkie/starter'], /both ends are the store of this user/],
      [['localhost/selkie/starter', 'host'], /no place/],
      [['localhost/selkie/starter', 'host::other'], /names none/],
      [['localhost/selkie/starter', '-oProxyCommand=x::'], /names no host|unknown/],
      [['localhost/selkie/starter', '127.0.0.1:1::'], /cannot reach 127\.0\.0\.1 by ssh: .*|ssh is not installed/],
    ] as const) {
      const failed = actor.selkie(['image', 'scp', '--quiet', '--', ...args]);
      expect(failed.code).toBe(125);
      expect(failed.stderr).toMatch(words);
    }
    actor.command(
      'setpriv',
      [`--reuid=${String(user?.uid)}`, `--regid=${String(user?.gid)}`, '--init-groups', '--', actor.launcher, 'system', 'reset', '--force'],
      { environment: { HOME: user?.home ?? '', XDG_RUNTIME_DIR: '' } },
    );
    // Where a user without a session has the run folder; reset leaves it empty.
    rmSync(`/tmp/selkie-run-${String(user?.uid)}`, { recursive: true, force: true });
  });
});
