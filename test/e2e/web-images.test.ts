/** An image by itself: what it is made of, its names, pushed to a registry that has a part of it, saved to a file and loaded again. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registryProgram, TestRegistry } from '../integration/image/test-registry.ts';
import { asJourney, reason, WebSession } from './web-session.ts';

const why = reason === '' && registryProgram === undefined ? '(skipped: needs docker-registry)' : reason;
const starter = 'localhost/selkie/starter';

describe.skipIf(why !== '')(`an image ${why}`, () => {
  let session: WebSession;
  let registry: TestRegistry;
  let layered: string;
  beforeAll(async () => {
    registry = await TestRegistry.start();
    session = await WebSession.open({
      environment: (actor) => {
        const path = join(actor.directory, 'registries.conf');
        writeFileSync(path, `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`, { mode: 0o644 });
        return { CONTAINERS_REGISTRIES_CONF: path };
      },
      prepare: (actor) => {
        actor.must(['load', '-i', actor.starterImage]);
        actor.must(['run', '--name', 'maker', '--network', 'none', starter, 'sh', '-c', 'head -c 3000000 /dev/urandom > /srv-data']);
        layered = actor.must(['commit', '--author', 'Ada', 'maker', 'localhost/app:1']).replace('sha256:', '');
      },
    });
  });
  asJourney(() => session.page);
  afterAll(async () => {
    const leaks = await session.close();
    await registry[Symbol.asyncDispose]();
    expect(leaks).toEqual([]);
  });

  test('its page is reached by its name, and says what the command line says', async () => {
    const { page, actor } = session;
    await page.getByRole('link', { name: 'Images' }).click();
    await page.getByRole('link', { name: 'app', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'app:1' }).waitFor();
    const facts = page.locator('.facts').first();
    const [inspected] = JSON.parse(actor.must(['image', 'inspect', 'localhost/app:1'])) as { Digest: string; Author: string }[];
    await facts.getByText(inspected?.Digest ?? 'none').waitFor();
    await facts.getByText('Ada').waitFor();
    await facts.getByText(/its own, .* shared with other images/).waitFor();
  });

  test('layers and history: the newest first, each with whose it is; and what was built upon it', async () => {
    const { page, actor } = session;
    await page.getByRole('tab', { name: 'Layers and history' }).click();
    const rows = page.locator('.history-table tbody tr');
    await rows.first().waitFor();
    const layers =
      (JSON.parse(actor.must(['image', 'inspect', 'localhost/app:1'])) as { RootFS: { Layers: string[] } }[])[0]?.RootFS.Layers ?? [];
    const shown = (await rows.locator('td:nth-of-type(2) code').allInnerTexts()).reverse();
    expect(shown).toEqual(layers.map((layer) => layer.slice(7, 19)));
    await rows.first().getByText('its own').waitFor();
    await rows.last().getByText('shared with 1 image').waitFor();
    const starterId = actor.must(['images', '--no-trunc', '-q', starter]).replace('sha256:', '');
    await page.goto(`${session.host.origin}/#/images/${starterId}/layers`);
    await page.getByRole('link', { name: 'localhost/app:1' }).click();
    await page.getByRole('heading', { level: 1, name: 'app:1' }).waitFor();
  });

  test('a name is added, and taken away again', async () => {
    const { page, actor } = session;
    await page.getByRole('button', { name: 'Add a name…' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill(`${registry.host}/team/app:1`);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.locator('.name-list').getByText(`${registry.host}/team/app:1`).waitFor();
    expect(actor.selkie(['image', 'exists', `${registry.host}/team/app:1`]).code).toBe(0);
    await page.getByRole('button', { name: 'Take the name localhost/app:1 away' }).click();
    await page.locator('.toast').getByRole('button', { name: 'Bring back' }).click();
    await page.locator('.name-list').getByText('localhost/app:1').waitFor();
    expect(actor.selkie(['image', 'exists', 'localhost/app:1']).code).toBe(0);
  });

  test('pushed: what is wrong is said beside the field; then each layer; the second time all of it is there already', async () => {
    const { page } = session;
    const push = async () => {
      await page.getByRole('button', { name: 'Push…' }).click();
      const where = page.getByRole('textbox', { name: 'Where to' });
      await where.fill('localhost/app:1');
      await page.keyboard.press('Enter');
      await page.getByText('localhost stands for images of this machine.').waitFor();
      await where.fill(`${registry.host}/team/app:1`);
      await page.getByText(`No sign-in is stored for ${registry.host}.`).waitFor();
      await page.keyboard.press('Enter');
      const dialog = page.getByRole('dialog', { name: `Push ${registry.host}/team/app:1` });
      // Its cross is there from the beginning; the button is when it is done.
      await dialog.getByRole('button', { name: 'Close' }).nth(1).waitFor();
      const states = await dialog.locator('.layer-table tbody tr td:nth-of-type(1)').allInnerTexts();
      await dialog.getByRole('button', { name: 'Close' }).last().click();
      return states;
    };
    expect(await push()).toEqual(['Done', 'Done']);
    expect(await (await fetch(`${registry.origin}/v2/team/app/tags/list`)).json()).toEqual({ name: 'team/app', tags: ['1'] });
    expect(await push()).toEqual(['Already there', 'Already there']);
  });

  test('a push that fails is told in one line with what to do, and what was typed is kept', async () => {
    const { page } = session;
    await page.getByRole('button', { name: 'Push…' }).click();
    await page.getByRole('textbox', { name: 'Where to' }).fill('127.0.0.1:1/nowhere:1');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('Could not push 127.0.0.1:1/nowhere:1').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    expect(await page.getByRole('textbox', { name: 'Where to' }).inputValue()).toBe('127.0.0.1:1/nowhere:1');
    await page.keyboard.press('Escape');
  });

  test('saved to a file, removed, and loaded from it', async () => {
    const { page, actor } = session;
    const path = join(actor.directory, 'home', 'app.tar');
    await page.getByRole('button', { name: 'Save to a file…' }).click();
    await page.getByRole('radio', { name: 'Write to a path' }).check();
    await page.getByRole('textbox', { name: 'Path of the file' }).fill('app.tar');
    await page.keyboard.press('Enter');
    await page.getByText('The path has to begin with /.').waitFor();
    await page.getByRole('textbox', { name: 'Path of the file' }).fill(path);
    await page.keyboard.press('Enter');
    const saving = page.getByRole('dialog', { name: `Save ${path}` });
    await saving.getByRole('button', { name: 'Close' }).nth(1).click();
    expect(existsSync(path)).toBe(true);
    actor.must(['rm', 'maker']);
    actor.must(['rmi', '--force', '--no-trash', layered]);
    await page.getByText('This image does not exist any more').waitFor();
    await page.getByRole('link', { name: 'To the images' }).click();
    await page.getByRole('button', { name: 'Load a file…' }).click();
    await page.getByRole('textbox', { name: 'Path of the file' }).fill(path);
    await page.keyboard.press('Enter');
    const loading = page.getByRole('dialog', { name: `Load ${path}` });
    await loading.getByRole('button', { name: 'Close' }).nth(1).click();
    await page.getByRole('link', { name: 'app', exact: true }).waitFor();
    expect(actor.must(['images', '--no-trunc', '-q', 'localhost/app:1'])).toBe(`sha256:${layered}`);
  });

  test('nothing was done that a page must not do', () => {
    expect(session.misdeeds).toEqual([]);
  });
});
