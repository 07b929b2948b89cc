/** A pull over a slow line: how fast, how long still, cancelled in the middle, and taken up again where it was. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registryProgram } from '../integration/image/test-registry.ts';
import { SlowRegistry } from './slow-registry.ts';
import { asJourney, reason, WebSession } from './web-session.ts';

const why = reason === '' && registryProgram === undefined ? '(skipped: needs docker-registry)' : reason;

describe.skipIf(why !== '')(`a slow pull ${why}`, () => {
  let session: WebSession;
  let registry: SlowRegistry;
  beforeAll(async () => {
    registry = await SlowRegistry.start(join(import.meta.dirname, '../../resources/starter-image/starter.tar'));
    session = await WebSession.open({ environment: (actor) => registry.configuration(actor) });
  });
  asJourney(() => session.page);
  afterAll(async () => {
    const leaks = await session.close();
    await registry[Symbol.asyncDispose]();
    expect(leaks).toEqual([]);
  });

  test('it says how fast it is and how long it still takes, and both are true', async () => {
    const { page } = session;
    await page.getByRole('link', { name: 'Images' }).click();
    await page.getByRole('button', { name: 'Pull…' }).first().click();
    await page.getByRole('textbox', { name: 'Image', exact: true }).fill(registry.image);
    await page.keyboard.press('Enter');
    const line = page.locator('.pull-total');
    await line.filter({ hasText: /B of .*\/s.*left/s }).waitFor();
    // Measured over some seconds: after one it is no guess any more.
    await expect.poll(() => fetched(), { timeout: 15_000, interval: 50 }).toBeGreaterThan(registry.largeBytes * 0.25);
    const told = await line.innerText();
    const [, digits = '', unit = '', left = ''] = /([\d.]+) ([KM]iB)\/s\s+([\d.]+) sec/.exec(told) ?? [];
    const speed = Number(digits) / (unit === 'KiB' ? 1024 : 1);
    // A busy machine may be slower than the line, and is never faster.
    expect(speed, told).toBeGreaterThan(0);
    expect(speed, told).toBeLessThan((registry.bytesPerSecond / 1024 / 1024) * 1.6);
    const leftReally = (registry.largeBytes - fetched()) / 1024 / 1024 / speed;
    expect(Math.abs(Number(left) - leftReally), told).toBeLessThan(2.5 + leftReally / 4);
  });

  test('cancelled in the middle it stops at once, and nothing more is fetched', async () => {
    const { page } = session;
    await page.getByRole('button', { name: 'Cancel the pull' }).click();
    await page.getByRole('dialog').getByText('Cancelled', { exact: true }).waitFor();
    await expect.poll(() => registry.fetches.map(({ brokenOff }) => brokenOff)).toEqual([true]);
    expect(fetched()).toBeLessThan(registry.largeBytes * 0.8);
    expect(await page.getByText('Could not pull').count()).toBe(0);
    expect(session.actor.must(['images', '-q'])).toBe('');
  });

  test('tried again it goes on where it was, shows what is there already, and is cancelled from the list of activities', async () => {
    const { page } = session;
    const first = fetched();
    await page.getByRole('button', { name: 'Try again' }).click();
    // What was typed is still there.
    expect(await page.getByRole('textbox', { name: 'Image', exact: true }).inputValue()).toBe(registry.image);
    await page.getByRole('button', { name: 'Pull', exact: true }).click();
    await expect.poll(() => registry.fetches.length).toBe(2);
    const resumedAt = registry.fetches[1]?.from ?? 0;
    // What was sent is not all written down yet when it is cancelled.
    expect(resumedAt).toBeGreaterThan(registry.largeBytes * 0.1);
    expect(resumedAt).toBeLessThanOrEqual(first);
    const large = page
      .getByRole('row')
      .filter({ hasText: /Fetching/ })
      .getByRole('progressbar');
    await expect
      .poll(async () => Number(await large.getAttribute('aria-valuenow')))
      .toBeGreaterThanOrEqual(Math.floor((resumedAt / registry.largeBytes) * 100));
    await page.getByRole('button', { name: 'Go on in the background' }).click();
    await page.getByRole('button', { name: /^Activity/ }).click();
    const item = page.getByRole('dialog', { name: 'Activity' }).getByRole('listitem').first();
    await item.filter({ hasText: /B of .*\/s/ }).waitFor();
    await expect.poll(() => fetched(), { timeout: 15_000, interval: 50 }).toBeGreaterThan(registry.largeBytes * 0.6);
    await item.getByRole('button', { name: /^Cancel/ }).click();
    await item.getByText(/^Cancelled/).waitFor();
    await expect.poll(() => registry.fetches.map(({ brokenOff }) => brokenOff)).toEqual([true, true]);
    await page.keyboard.press('Escape');
  });

  test('a third time it comes to its end: no byte was written twice, and it runs', async () => {
    const { page } = session;
    await page.getByRole('button', { name: 'Pull…' }).first().click();
    await page.getByRole('textbox', { name: 'Image', exact: true }).fill(registry.image);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Run it…' }).waitFor({ timeout: 30_000 });
    const [, second, third, ...more] = registry.fetches;
    expect(more).toEqual([]);
    expect(third?.from).toBeGreaterThan(second?.from ?? 0);
    expect((third?.from ?? 0) + (third?.sent ?? 0)).toBe(registry.largeBytes);
    // What was on its way when the line was cut is all that may have been sent for nothing.
    const sent = registry.fetches.reduce((sum, fetch) => sum + fetch.sent, 0);
    console.log(
      `pull cancelled twice: ${sent} bytes sent for a layer of ${registry.largeBytes}, resumed at ${second?.from} and ${third?.from}`,
    );
    expect(sent).toBeLessThan(registry.largeBytes * 1.25);
    await page.getByRole('button', { name: 'Close' }).last().click();
    await page.getByRole('row').filter({ hasText: 'team/large' }).waitFor();
    session.actor.must(['run', '--rm', registry.image, 'true']);
  });

  test('one that fails in sight is told there and nowhere else', async () => {
    const { page } = session;
    await pull(`${registry.host}/team/nothing:1.0`);
    await page.getByRole('dialog').getByText('Could not pull').waitFor();
    expect(await page.getByText('Could not pull').count()).toBe(1);
    expect(await page.locator('.toast').count()).toBe(0);
    await page.getByRole('button', { name: 'Close' }).last().click();
  });

  test('one that fails in the background is told by a notice', async () => {
    const { page } = session;
    await pull(registry.laterImage);
    await page.getByRole('button', { name: 'Go on in the background' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    registry.refuse();
    const notice = page.locator('.toast').getByText('Could not pull');
    await notice.waitFor();
    // Said to screen readers besides, for a moment.
    expect(await notice.count()).toBe(1);
  });

  test('nothing was done that a page must not do', () => {
    expect(session.misdeeds).toEqual([]);
  });

  /** How much of the large layer there is, counted at the line. */
  const fetched = () => Math.max(0, ...registry.fetches.map(({ from, sent }) => from + sent));

  async function pull(reference: string): Promise<void> {
    const { page } = session;
    await page.getByRole('button', { name: 'Pull…' }).first().click();
    await page.getByRole('textbox', { name: 'Image', exact: true }).fill(reference);
    await page.keyboard.press('Enter');
  }
});
