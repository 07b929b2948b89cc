/** A log of a hundred thousand lines: its end is what one wants to see, and there at once; the rest when it is asked for. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asJourney, reason, WebSession } from './web-session.ts';

const image = 'localhost/selkie/starter';
const total = 100_000;
const script = `seq 1 ${total - 1} | sed 's/.*/& GET \\/items 200 a line of the length that lines of a server have, more or less/'; echo the very end; exec sleep 100000`;

describe.skipIf(reason !== '')(`a long log ${reason}`, () => {
  let session: WebSession;
  let id: string;
  beforeAll(async () => {
    session = await WebSession.open({
      prepare: (actor) => {
        actor.must(['load', '-i', actor.starterImage]);
        id = actor.must(['run', '-d', '--name', 'talker', image, 'sh', '-c', script]);
        actor.must(['exec', 'talker', 'sh', '-c', 'while ! grep -q sleep /proc/1/cmdline; do :; done']);
      },
    });
    await session.page.getByRole('link', { name: 'talker' }).click();
    await session.page.getByRole('tab', { name: 'Overview' }).waitFor();
  });
  asJourney(() => session.page);
  afterAll(async () => {
    expect(await session.close()).toEqual([]);
  });

  test('its last line is in sight, and only its last lines were read', async () => {
    const { page } = session;
    await page.evaluate(watchFrames);
    const took = await page.evaluate<number>(`(async () => {
      const started = performance.now();
      const tab = [...document.querySelectorAll('[role=tab]')].find((one) => one.textContent === 'Log');
      tab.dispatchEvent(new MouseEvent('mousedown', { bubbles: true, button: 0 }));
      const shown = () => [...document.querySelectorAll('.log-text')].some((one) => one.textContent === 'the very end');
      while (!shown()) await new Promise((next) => requestAnimationFrame(next));
      return performance.now() - started;
    })()`);
    console.log(`log of ${total} lines: the last one in sight after ${Math.round(took)} ms, longest pause ${await longestPause()} ms`);
    expect(await linesShown()).toBe('last 2,000 lines');
  });

  test('lines that were there are not new when one scrolls up; one that is written then is', async () => {
    const { page, actor } = session;
    await log().focus();
    await page.keyboard.press('PageUp');
    const badge = page.locator('.to-end');
    await badge.waitFor();
    expect(await badge.innerText()).toBe('To the end');
    actor.must(['exec', 'talker', 'sh', '-c', 'echo written later > /proc/1/fd/1']);
    await page.getByRole('button', { name: '1 new line' }).click();
    await log().getByText('written later').waitFor();
    expect(await badge.count()).toBe(0);
  });

  test('at its top older lines come, and what was in sight stays there', async () => {
    const { page } = session;
    await log().focus();
    await page.keyboard.press('Home');
    await expect.poll(linesShown, { timeout: 10_000 }).not.toBe('last 2,001 lines');
    // The line that was at the top when it was asked for older ones has not moved.
    await log()
      .getByText(`${total - 1_999} GET`)
      .waitFor();
    for (let presses = 0; (await linesShown()) !== '100,001 lines'; presses++) {
      expect(presses, 'the beginning has to be within reach').toBeLessThan(40);
      const before = await linesShown();
      await page.keyboard.press('Home');
      // The view glides there.
      await expect.poll(linesShown, { timeout: 10_000 }).not.toBe(before);
    }
    await page.keyboard.press('Home');
    await log()
      .getByText(/^1 GET/)
      .waitFor();
    expect(await page.locator('.to-end').innerText()).toBe('To the end');
  });

  test('a search goes through all of it, page by page, and the window stays alive meanwhile', async () => {
    const { page } = session;
    await page.reload();
    await expect.poll(linesShown, { timeout: 10_000 }).toBe('last 2,000 lines');
    await page.evaluate(watchFrames);
    const started = performance.now();
    // In one line near the beginning alone.
    await page.getByRole('searchbox', { name: 'Search in the log' }).fill('4321 GET /items');
    await page.locator('.find-count', { hasText: /^\d+ of 10$/ }).waitFor();
    const took = performance.now() - started;
    const pause = await longestPause();
    console.log(`search in ${total} lines that are not there yet: ${Math.round(took)} ms, longest pause ${pause} ms`);
    expect(pause).toBeLessThan(5_000);
    expect(await log().locator('mark').first().innerText()).toBe('4321 GET /items');
    // From the end on: the nearest one is the last.
    expect(await page.locator('.find-count').innerText()).toMatch(/^10 of 10/);
    await page.keyboard.press('Enter');
    await page.getByText('1 of 10').waitFor();
    await log()
      .getByText(/^4321 GET/)
      .waitFor();
    await page.keyboard.press('Shift+Enter');
    await log()
      .getByText(/^94321 GET/)
      .waitFor();
  });

  test('once all is there, another search takes no time', async () => {
    const { page } = session;
    await page.evaluate(watchFrames);
    const started = performance.now();
    await page.getByRole('searchbox', { name: 'Search in the log' }).fill('77 GET');
    await page.locator('.find-count', { hasText: /^\d+ of 1000$/ }).waitFor();
    console.log(
      `search in ${total} lines that are there: ${Math.round(performance.now() - started)} ms, longest pause ${await longestPause()} ms`,
    );
    await page.getByRole('searchbox', { name: 'Search in the log' }).fill('no such words');
    await page.getByText('No matches').waitFor();
  });

  test('nothing was done that a page must not do', () => {
    expect(session.misdeeds).toEqual([]);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
  });

  const log = () => session.page.getByRole('log');
  const linesShown = () => session.page.locator('.log .toolbar-end').innerText();
  /** Since the last `watchFrames`: how long the page has drawn nothing. */
  const longestPause = async () => Math.round(await session.page.evaluate<number>('globalThis.longestPause'));
});

const watchFrames = `(() => {
  globalThis.longestPause = 0;
  if (globalThis.watching) return;
  globalThis.watching = true;
  let last = performance.now();
  const frame = () => {
    const now = performance.now();
    globalThis.longestPause = Math.max(globalThis.longestPause, now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})()`;
