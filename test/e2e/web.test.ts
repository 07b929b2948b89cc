/** Journeys 1 and 2 of a newcomer, in a real browser on real containers: nothing of the product is replaced. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/ports.ts';
import { registryProgram } from '../integration/image/test-registry.ts';
import { TeamRegistry } from './team-registry.ts';
import { asJourney, reason, WebSession } from './web-session.ts';

describe.skipIf(reason !== '')(`the first run ${reason}`, () => {
  let session: WebSession;
  beforeAll(async () => {
    session = await WebSession.open();
  });
  asJourney(() => session.page);
  afterAll(async () => {
    expect(await session.close()).toEqual([]);
  });

  test('a machine without anything opens at the first steps, with the host checked line by line', async () => {
    const { page } = session;
    await page.getByRole('heading', { name: 'Welcome to Selkie' }).waitFor();
    const passed = page.locator('.check-passed summary');
    await passed.waitFor();
    // What is well is one line, by mouse and by keyboard more; what is not stands before it.
    const count = Number(/^(\d+) checks passed$/.exec(await passed.innerText())?.[1]);
    const ok = page.locator('.check-passed .check-line');
    expect(await ok.first().isVisible()).toBe(false);
    await passed.click();
    expect(await ok.first().isVisible()).toBe(true);
    await passed.press('Enter');
    expect(await ok.first().isVisible()).toBe(false);
    await passed.press('Enter');
    const lines = await page.locator('.check-line').allInnerTexts();
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.filter((line) => line.startsWith('ok'))).toHaveLength(count);
    expect(lines.slice(-count).every((line) => line.startsWith('ok'))).toBe(true);
    for (const line of lines) expect(line).toMatch(/^(ok|degraded|missing)\s/);
    // What is not well says what to do.
    for (const line of lines.filter((text) => !text.startsWith('ok'))) expect(line).toContain('What to do');
  });

  test('the first container runs from the embedded image, each step with its time, and its page opens', async () => {
    const { page } = session;
    await page.getByRole('button', { name: 'Run it', exact: true }).click();
    await page.getByText('Your container is running.').waitFor();
    for (const step of await page.locator('.run-steps li').allInnerTexts()) expect(step).toMatch(/done · [\d.,]+ (ms|sec)/);
    const guest = await session.openGuest(() => page.getByRole('link', { name: /^Open its page/ }).click());
    expect(await guest.page.getByRole('heading', { level: 1 }).innerText()).toMatch(/container/i);
    // The container's server is a stranger: the session of the interface is not for it.
    expect(guest.cookies).toBeUndefined();
    await guest.page.close();
  });

  test('it is in the list, running', async () => {
    const { page } = session;
    await page.getByRole('link', { name: 'Go to your containers' }).click();
    const row = page.getByRole('row').filter({ hasText: 'selkie/starter' });
    await row.getByText('Running').waitFor();
  });

  test('nothing was done that a page must not do', () => {
    expect(session.misdeeds).toEqual([]);
  });
});

const registryReason = reason === '' && registryProgram === undefined ? '(skipped: needs docker-registry)' : reason;

describe.skipIf(registryReason !== '')(`from a registry to the end ${registryReason}`, () => {
  let session: WebSession;
  let registry: TeamRegistry;
  let port: number;
  beforeAll(async () => {
    port = await freePort();
    registry = await TeamRegistry.start();
    session = await WebSession.open({ environment: (actor) => registry.configuration(actor) });
  });
  asJourney(() => session.page);
  afterAll(async () => {
    const leaks = await session.close();
    await registry[Symbol.asyncDispose]();
    expect(leaks).toEqual([]);
  });

  test('an image is pulled by its name, and each layer shows how far it is', async () => {
    const { page } = session;
    await page.getByRole('link', { name: 'Images' }).click();
    await page.getByRole('button', { name: 'Pull…' }).first().click();
    await page.getByRole('textbox', { name: 'Image', exact: true }).fill(registry.image);
    await page.keyboard.press('Enter');
    await registry.held;
    const bars = page.locator('.layer-table [role=progressbar]');
    await expect.poll(() => bars.count(), { timeout: 10_000 }).toBe(3);
    // Held half-way: of all layers the large one is neither at its beginning nor at its end.
    await expect
      .poll(async () => Promise.all((await bars.all()).map(async (bar) => Number(await bar.getAttribute('aria-valuenow')))), {
        timeout: 10_000,
      })
      .toEqual(expect.arrayContaining([expect.toSatisfy((value: number) => value > 20 && value < 80)]));
    // The small layers are done some time, in whichever order they came.
    await expect.poll(() => page.getByRole('row').filter({ hasText: 'Fetching' }).count(), { timeout: 30_000 }).toBe(1);
    registry.open();
    await page.getByRole('button', { name: 'Run it…' }).click();
  });

  test('it runs from the form with a name, a port and the environment; the form says the command', async () => {
    const { page } = session;
    await page.getByRole('heading', { name: 'Run a container' }).waitFor();
    expect(await page.getByRole('combobox', { name: 'Image' }).inputValue()).toBe(registry.image);
    await page.getByRole('textbox', { name: /^Name/ }).fill('team-web');
    await page.getByRole('button', { name: 'Add a port' }).click();
    await page.getByRole('textbox', { name: 'On this machine' }).fill(String(port));
    await page.getByRole('textbox', { name: 'In the container' }).fill('8080');
    await page.getByRole('button', { name: 'Add a variable' }).click();
    await page.getByRole('textbox', { name: 'Variable' }).fill('GREETING');
    await page.getByRole('textbox', { name: 'Value' }).fill('Ahoy');
    const command = await page.locator('.command-preview code').innerText();
    for (const part of ['--name team-web', `${port}:8080`, 'GREETING=Ahoy', registry.image]) expect(command).toContain(part);
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('heading', { name: 'team-web' }).waitFor();
  });

  test('it is in the list, and its port opens in the browser', async () => {
    const { page } = session;
    await page.getByRole('link', { name: 'Containers' }).click();
    const row = page.getByRole('row').filter({ hasText: 'team-web' });
    await row.getByText('Running').waitFor();
    const guest = await session.openGuest(() => row.getByRole('link', { name: `Open port ${port}→8080 in the browser` }).click());
    expect(await guest.page.getByRole('heading', { level: 1 }).innerText()).toBe('Ahoy');
    expect(guest.cookies).toBeUndefined();
    await guest.page.close();
  });

  test('its log can be read and searched', async () => {
    const { page } = session;
    await page.getByRole('link', { name: 'team-web' }).click();
    await page.getByRole('tab', { name: 'Log' }).click();
    const log = page.getByRole('log');
    await log.getByText('Selkie starter: serving').waitFor();
    await page.getByRole('searchbox', { name: 'Search in the log' }).fill('greeting: AHOY');
    await page.getByText('1 of 1').waitFor();
    // Scrolled there, which takes a frame or two.
    await expect.poll(() => log.locator('mark').allInnerTexts(), { timeout: 10_000 }).toEqual(['greeting: Ahoy']);
    // Far outside of what is in sight.
    await page.getByRole('searchbox', { name: 'Search in the log' }).fill('line 17');
    await page.getByText(/^\d+ of 111$/).waitFor();
    // The lines at the end, where the errors are, go out of sight.
    await expect.poll(() => log.locator('.log-err').count(), { timeout: 10_000 }).toBeLessThanOrEqual(1);
  });

  test('a shell in it does what is typed', async () => {
    const { page } = session;
    await page.getByRole('tab', { name: 'Terminal' }).click();
    await page.getByText('Connected to sh').waitFor();
    await page.locator('.xterm-screen').click();
    await page.keyboard.type('echo "$GREETING from pid 1: $(cat /proc/1/comm)"\n');
    await page.locator('.xterm-rows').getByText('Ahoy from pid 1: ').waitFor();
    await page.keyboard.type('exit 3\n');
    await page.getByText('The shell has ended with code 3.').waitFor();
  });

  test('it is stopped, and says how it ended', async () => {
    const { page } = session;
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByText('Stopped team-web', { exact: true }).first().waitFor();
    expect(await page.locator('.page-subtitle .state').innerText()).toMatch(/^Exited/);
    expect(session.actor.must(['ps', '--format', '{{.Names}}'])).toBe('');
  });

  test('it is removed after its plan was confirmed, and nothing else', async () => {
    const { page } = session;
    session.actor.must(['create', '--name', 'bystander', registry.image]);
    await page.getByRole('button', { name: 'Remove…' }).click();
    const plan = page.getByRole('dialog', { name: 'Remove 1 container?' });
    expect(await plan.getByRole('listitem').allInnerTexts()).toEqual([expect.stringContaining('team-web')]);
    await plan.getByRole('button', { name: 'Cancel' }).click();
    expect(session.actor.must(['ps', '-a', '--format', '{{.Names}}', '--sort', 'names'])).toBe('bystander\nteam-web');
    await page.getByRole('button', { name: 'Remove…' }).click();
    await plan.getByRole('button', { name: 'Remove 1 container' }).click();
    await page.getByRole('row').filter({ hasText: 'bystander' }).waitFor();
    expect(await page.getByRole('row').filter({ hasText: 'team-web' }).count()).toBe(0);
    expect(session.actor.must(['ps', '-a', '--format', '{{.Names}}'])).toBe('bystander');
  });

  test('nothing was done that a page must not do', () => {
    expect(session.misdeeds).toEqual([]);
  });
});
