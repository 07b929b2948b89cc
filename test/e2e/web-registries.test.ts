/** Registries: logged in and out, searched, and what they or a policy refuse is said in words with the way on. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeImage, makeTar } from '../integration/image/test-image.ts';
import { account, pushImage, registryProgram, TestRegistry } from '../integration/image/test-registry.ts';
import { asJourney, reason, WebSession } from './web-session.ts';

const why = reason === '' && registryProgram === undefined ? '(skipped: needs docker-registry)' : reason;
const htpasswd = `${account.user}:$2y$05$ivLTy1aTyliAHQPKAMOo4.UldguS9FhTRq3qfjw1kN97/oe7L7vRW\n`;

describe.skipIf(why !== '')(`registries ${why}`, () => {
  let session: WebSession;
  let data: string;
  let open: TestRegistry;
  let locked: TestRegistry;
  beforeAll(async () => {
    data = mkdtempSync('/tmp/selkie-shelf-');
    open = await TestRegistry.start({ data });
    const image = makeImage([await makeTar({ file: 'x' })]);
    for (const [repository, tag] of [
      ['team/web', '1.9'],
      ['team/web', '1.10'],
      ['team/web', 'latest'],
      ['team/db', '16'],
    ] as const)
      await pushImage(open, repository, tag, image);
    locked = await TestRegistry.start({ data, htpasswd });
    session = await WebSession.open({
      environment: (actor) => {
        const path = join(actor.directory, 'registries.conf');
        const entries = [open, locked].map(({ host }) => `[[registry]]\nlocation = "${host}"\ninsecure = true\n`).join('');
        writeFileSync(path, `unqualified-search-registries = ["${open.host}"]\n${entries}`, { mode: 0o644 });
        return { CONTAINERS_REGISTRIES_CONF: path };
      },
    });
  });
  asJourney(() => session.page);
  afterAll(async () => {
    const leaks = await session.close();
    await locked[Symbol.asyncDispose]();
    await open[Symbol.asyncDispose]();
    rmSync(data, { recursive: true, force: true });
    expect(leaks).toEqual([]);
  });

  const getLogin = () => session.actor.selkie(['login', '--get-login', locked.host]);

  test('nobody is logged in at first, and it says whether that matters', async () => {
    const { page } = session;
    await page.getByRole('link', { name: 'Registries' }).click();
    await page.getByRole('heading', { name: 'You are not logged in anywhere' }).waitFor();
    await page.getByText('That is fine for public images.').waitFor();
    expect(getLogin().code).toBe(125);
  });

  test('a pull that needs a login leads to it; a wrong password is refused in words and kept nowhere', async () => {
    const { page, host } = session;
    await page.goto(`${host.origin}/#/images?pull=${encodeURIComponent(`${locked.host}/team/web:1.10`)}`);
    await page.getByRole('button', { name: 'Pull', exact: true }).click();
    await page
      .getByRole('dialog')
      .getByRole('link', { name: `Log in to ${locked.host}…` })
      .click();
    const dialog = page.getByRole('dialog', { name: 'Log in to a registry' });
    expect(await dialog.getByRole('textbox', { name: 'Registry' }).inputValue()).toBe(locked.host);
    await dialog.getByRole('button', { name: 'Log in', exact: true }).click();
    await dialog.getByText('Type the user.').waitFor();
    await dialog.getByText('Type the password.').waitFor();
    await dialog.getByRole('textbox', { name: 'User' }).fill(account.user);
    await dialog.getByLabel('Password or token').fill('wrong');
    await page.keyboard.press('Enter');
    await dialog.getByText('The login did not work').waitFor();
    await dialog.getByText('invalid username/password').waitFor();
    await dialog.getByText('Check user and password.').waitFor();
    expect(getLogin().code).toBe(125);
  });

  test('the right one is kept where podman looks, listed without a secret, and the pull works', async () => {
    const { page, host } = session;
    const dialog = page.getByRole('dialog', { name: 'Log in to a registry' });
    await dialog.getByLabel('Password or token').fill(account.password);
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'hidden' });
    const row = page.getByRole('row').filter({ hasText: locked.host });
    await row.getByText(account.user, { exact: true }).waitFor();
    await row.getByText('auth.json').waitFor();
    expect(getLogin().stdout.trim()).toBe(account.user);
    expect(await page.content()).not.toContain(account.password);
    await page.goto(`${host.origin}/#/images?pull=${encodeURIComponent(`${locked.host}/team/web:1.10`)}`);
    await page.getByRole('button', { name: 'Pull', exact: true }).click();
    await page.getByRole('button', { name: 'Run it…' }).waitFor();
    await page.getByRole('button', { name: 'Close' }).last().click();
  });

  test('searched by a word: a result is picked, then a tag, the highest first, and pulled', async () => {
    const { page } = session;
    await page.getByRole('button', { name: 'Pull…' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Pull an image' });
    const field = dialog.getByRole('textbox', { name: 'Image', exact: true });
    await dialog.getByRole('button', { name: 'Search' }).click();
    await dialog.getByText('Type a word to search for.').waitFor();
    await field.fill('nothing-like-it');
    await dialog.getByRole('button', { name: 'Search' }).click();
    await dialog.getByText('No registry that was asked has anything by the name nothing-like-it.').waitFor();
    await field.fill('team:ignored');
    await dialog.getByRole('button', { name: 'Search' }).click();
    const results = dialog.getByRole('list', { name: 'Found for team' });
    await results.waitFor();
    expect((await results.getByRole('button').allInnerTexts()).map((text) => text.trim()).sort()).toEqual([
      `${open.host}/team/db`,
      `${open.host}/team/web`,
    ]);
    await results.getByRole('button', { name: `${open.host}/team/web` }).click();
    expect(await field.inputValue()).toBe(`${open.host}/team/web`);
    const tags = dialog.getByRole('group', { name: `Tags of ${open.host}/team/web` });
    await tags.waitFor();
    expect(await tags.getByRole('button').allInnerTexts()).toEqual(['latest', '1.10', '1.9']);
    await tags.getByRole('button', { name: '1.9', exact: true }).click();
    expect(await field.inputValue()).toBe(`${open.host}/team/web:1.9`);
    await dialog.getByRole('button', { name: 'Pull', exact: true }).click();
    await page.getByRole('button', { name: 'Run it…' }).waitFor();
    await page.getByRole('button', { name: 'Close' }).last().click();
    expect(session.actor.must(['images', '--format', '{{.Repository}}:{{.Tag}}'])).toContain(`${open.host}/team/web:1.9`);
  });

  test('a registry that cannot be asked is named, with what it said', async () => {
    const { page } = session;
    await page.getByRole('button', { name: 'Pull…' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Pull an image' });
    await dialog.getByRole('textbox', { name: 'Image', exact: true }).fill('127.0.0.1:1/web');
    await dialog.getByRole('button', { name: 'Search' }).click();
    await dialog.getByText('Could not search for 127.0.0.1:1/web').waitFor();
    await dialog.getByText('cannot reach registry 127.0.0.1:1').waitFor();
    await page.keyboard.press('Escape');
  });

  test('what the policy of the machine refuses says why and what to do, and stores nothing', async () => {
    const { page, actor, host } = session;
    const folder = join(actor.directory, 'home/.config/containers');
    mkdirSync(folder, { recursive: true });
    const key = join(folder, 'key.pub');
    const requirement = { type: 'sigstoreSigned', keyPath: key };
    const policy = { default: [{ type: 'insecureAcceptAnything' }], transports: { docker: { [`${open.host}/team/db`]: [requirement] } } };
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(key, publicKey.export({ type: 'spki', format: 'pem' }), { mode: 0o644 });
    writeFileSync(join(folder, 'policy.json'), JSON.stringify(policy), { mode: 0o644 });
    await page.goto(`${host.origin}/#/images?pull=${encodeURIComponent(`${open.host}/team/db:16`)}`);
    await page.getByRole('button', { name: 'Pull', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('lets in only what is signed (sigstore), and this image has no signature').waitFor();
    await dialog.getByText(`the policy ${join(folder, 'policy.json')} (for docker:${open.host}/team/db) needs sigstoreSigned`).waitFor();
    await dialog.getByText(/^What to do:/).waitFor();
    await dialog.getByText('Ask its publisher to sign it').waitFor();
    await page.getByRole('button', { name: 'Close' }).last().click();
    expect(actor.selkie(['image', 'exists', `${open.host}/team/db:16`]).code).toBe(1);
    rmSync(join(folder, 'policy.json'));
  });

  test('logged out: asked first, and known at once', async () => {
    const { page, host } = session;
    await page.goto(`${host.origin}/#/registries`);
    await page.getByRole('button', { name: `Log out of ${locked.host}…` }).click();
    const dialog = page.getByRole('dialog', { name: `Log out of ${locked.host}?` });
    expect(await page.evaluate('document.activeElement.innerText')).toBe('Cancel');
    await dialog.getByRole('button', { name: 'Log out', exact: true }).click();
    await page.getByRole('heading', { name: 'You are not logged in anywhere' }).waitFor();
    expect(getLogin().code).toBe(125);
  });

  test('a login of Docker is told as its own, and stays its own', async () => {
    const { page, actor, host } = session;
    const folder = join(actor.directory, 'home/.docker');
    mkdirSync(folder);
    const auth = Buffer.from(`${account.user}:${account.password}`).toString('base64');
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: { [locked.host]: { auth } } }), { mode: 0o644 });
    await page.goto(`${host.origin}/#/images`);
    await page.goto(`${host.origin}/#/registries`);
    const row = page.getByRole('row').filter({ hasText: locked.host });
    await row.getByText('Docker’s').waitFor();
    expect(await row.getByRole('button', { name: /^Log out/ }).count()).toBe(0);
    await row.getByRole('button', { name: `Log in to ${locked.host}…` }).waitFor();
  });

  test('nothing was done that a page must not do', () => {
    expect(session.misdeeds).toEqual([]);
  });
});
