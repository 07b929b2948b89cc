/** What goes wrong, and how the page says it: an engine that dies, a form that cannot be. */
import { once } from 'node:events';
import { existsSync, renameSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/ports.ts';
import { asJourney, reason, WebSession } from './web-session.ts';

const image = 'localhost/selkie/starter';

describe.skipIf(reason !== '')(`faults ${reason}`, () => {
  let session: WebSession;
  let published: number;
  let foreign: number;
  let stranger: Server;
  beforeAll(async () => {
    published = await freePort();
    stranger = createServer().listen(0, '0.0.0.0');
    await once(stranger, 'listening');
    foreign = (stranger.address() as { port: number }).port;
    session = await WebSession.open({
      prepare: (actor) => {
        actor.must(['load', '-i', actor.starterImage]);
        actor.must(['run', '-d', '--name', 'web', '-p', `${published}:8080`, image]);
      },
    });
  });
  asJourney(() => session.page);
  afterAll(async () => {
    const leaks = await session.close();
    stranger.close();
    if (existsSync(`${program()}.away`)) renameSync(`${program()}.away`, program());
    expect(leaks).toEqual([]);
  });

  test('an engine that was killed is said to be unreachable, which is not “no containers”, and the container lives', async () => {
    const { page, host, actor } = session;
    await page.getByRole('row').filter({ hasText: 'web' }).getByText('Running').waitFor();
    const [worker = 0, ...others] = host.workers();
    expect(others).toEqual([]);
    // So that it cannot come back before the person has asked for it.
    renameSync(program(), `${program()}.away`);
    process.kill(worker, 'SIGKILL');
    await page.getByRole('alert').filter({ hasText: 'The engine cannot be reached' }).waitFor();
    expect(await page.getByText('No containers yet').count()).toBe(0);
    expect(actor.must(['ps', '--format', '{{.Names}}'])).toBe('web');
  });

  test('after a few attempts it rests, and says why the engine cannot be started', async () => {
    const { page, host } = session;
    await page.getByText('Trying again…').waitFor({ state: 'hidden' });
    const alert = page.getByRole('alert').filter({ hasText: 'The engine cannot be reached' });
    expect(await alert.innerText()).toContain('this installation of Selkie is not complete');
    expect(host.workers()).toEqual([]);
  });

  test('its button brings a new engine, and what the list shows is true', async () => {
    const { page, host } = session;
    renameSync(`${program()}.away`, program());
    await page.getByRole('button', { name: 'Restart engine' }).click();
    await page.getByText('The engine answers again').first().waitFor();
    await page.getByRole('row').filter({ hasText: 'web' }).getByText('Running').waitFor();
    expect(host.workers()).toHaveLength(1);
    session.actor.must(['create', '--name', 'later', image]);
    await page.getByRole('row').filter({ hasText: 'later' }).getByText('Created').waitFor();
  });

  test('a name and a port that are taken are told beside their fields', async () => {
    const { page } = session;
    await page.getByRole('button', { name: 'Run…' }).click();
    await page.getByRole('combobox', { name: 'Image' }).fill(image);
    await page.getByRole('textbox', { name: /^Name/ }).fill('web');
    await page.getByRole('button', { name: 'Add a port' }).click();
    const hostPort = page.getByRole('textbox', { name: 'On this machine' });
    await hostPort.fill(String(published));
    await page.getByRole('textbox', { name: 'In the container' }).fill('8080');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByText('2 fields need another value.').waitFor();
    expect(await errorOf('Name (optional)')).toBe('There is a container of that name already.');
    expect(await errorOf('On this machine')).toBe('Published by the container web already.');
    expect(await page.getByRole('textbox', { name: /^Name/ }).getAttribute('aria-invalid')).toBe('true');
  });

  test('a port that another program has is told beside its field too, by the engine', async () => {
    const { page, actor } = session;
    await page.getByRole('textbox', { name: /^Name/ }).fill('other');
    await page.getByRole('textbox', { name: 'On this machine' }).fill(String(foreign));
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await expect.poll(() => errorOf('On this machine'), { timeout: 20_000 }).toContain(String(foreign));
    // Nothing half-made is left behind.
    expect(actor.must(['ps', '-a', '--format', '{{.Names}}', '--sort', 'names'])).toBe('later\nweb');
    const field = page.getByRole('textbox', { name: 'On this machine' });
    expect(await field.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
  });

  test('another port, and it runs', async () => {
    const { page } = session;
    await page.getByRole('textbox', { name: 'On this machine' }).fill(String(await freePort()));
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('heading', { name: 'other' }).waitFor();
    await page.getByText('Running').first().waitFor();
  });

  test('a page that is not, and a container that is gone, are told apart', async () => {
    const { page, host } = session;
    await page.goto(`${host.origin}/#/nowhere`);
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    await page.goto(`${host.origin}/#/containers/${'0'.repeat(64)}`);
    await page.getByRole('heading', { name: 'This container does not exist any more' }).waitFor();
  });

  test('nothing was done that a page must not do', () => {
    expect(session.misdeeds).toEqual([]);
  });

  /** The engine's program in this run's copy of the product. */
  const program = () => join(session.host.program, '../worker.js');

  /** What the field of that label says is wrong with it. */
  async function errorOf(label: string): Promise<string | undefined> {
    const field = session.page.getByLabel(label, { exact: true });
    const ids = ((await field.getAttribute('aria-describedby')) ?? '').split(' ').filter((id) => id.endsWith('-error'));
    return ids[0] === undefined ? undefined : session.page.locator(`[id="${ids[0]}"]`).innerText();
  }
});
