/** Without a mouse, without good eyes, without English. */
import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asJourney, reason, WebSession } from './web-session.ts';

const image = 'localhost/selkie/starter';

describe.skipIf(reason !== '')(`for everybody ${reason}`, () => {
  let session: WebSession;
  let webId: string;
  let starterId: string;
  beforeAll(async () => {
    session = await WebSession.open({
      prepare: (actor) => {
        actor.must(['load', '-i', actor.starterImage]);
        webId = actor.must(['run', '-d', '--name', 'web', '-p', '8080', '-v', 'kept:/data', image]);
        starterId = actor.must(['images', '--no-trunc', '-q', image]).replace('sha256:', '');
        actor.must(['volume', 'create', 'thrown-away']);
        actor.must(['volume', 'rm', 'thrown-away']);
        actor.selkie(['run', '--name', 'broken', '--network', 'none', image, 'sh', '-c', 'echo why >&2; exit 3']);
      },
    });
  });
  asJourney(() => session.page);
  afterAll(async () => {
    expect(await session.close()).toEqual([]);
  });

  test('by keyboard alone: stopped in the list, started by the palette', async () => {
    const { page } = session;
    await page.getByRole('row').filter({ hasText: 'web' }).getByText('Running').waitFor();
    await page.reload();
    await page.getByRole('row').filter({ hasText: 'web' }).waitFor();
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to content');
    await page.keyboard.press('Enter');
    for (let presses = 0; (await focusedRole()) !== 'grid'; presses++) {
      expect(presses, 'the table has to be within reach').toBeLessThan(12);
      await page.keyboard.press('Tab');
    }
    // The newest is first; the other is one below.
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('t');
    await page.getByRole('row').filter({ hasText: 'web' }).getByText('Exited').waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('start web');
    await page.getByRole('option', { name: 'Start web' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('row').filter({ hasText: 'web' }).getByText('Running').waitFor();
    expect(session.actor.must(['ps', '--format', '{{.Names}}'])).toBe('web');
  });

  test('the first stop of the Tab key after a fresh start is the skip link, wherever the start has led to', async () => {
    const { page, host } = session;
    await page.goto('about:blank');
    await page.goto(host.origin);
    await page.getByRole('row').filter({ hasText: 'web' }).waitFor();
    expect(await page.evaluate('location.hash')).toBe('#/containers');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to content');
    // From then on a new page is read from its title on.
    await page.getByRole('link', { name: 'Images' }).press('Enter');
    await expect.poll(focused).toBe('Images');
  });

  test('where there is little room an image keeps its name and tag, and lets go of its registry', async () => {
    const { page, host, actor } = session;
    const long = 'registry.example.org:5000/engineering/platform/storefront/web-frontend:2.14.0-rc.3';
    actor.must(['tag', image, long]);
    actor.must(['create', '--name', 'long', long]);
    await page.goto(`${host.origin}/#/containers`);
    const cell = page.getByRole('row').filter({ hasText: 'long' }).locator('.front-clipped');
    const overflows = (part: string) => cell.locator(part).evaluate((element) => element.scrollWidth > element.clientWidth);
    await cell.waitFor();
    expect(await cell.getAttribute('title')).toBe(long);
    expect(await cell.textContent()).toBe(long);
    expect(await overflows('.front-clipped-tail')).toBe(false);
    expect(await overflows('.front-clipped-head')).toBe(true);
    actor.must(['rm', 'long']);
    actor.must(['untag', image, long]);
  });

  test('a dialog gives the focus back to where it was, and no key moves the window itself', async () => {
    const { page, host } = session;
    await page.setViewportSize({ width: 800, height: 600 });
    await page.goto(`${host.origin}/#/containers`);
    await page.getByRole('grid').focus();
    await page.keyboard.press('Delete');
    await page.getByRole('dialog').waitFor();
    // Where Enter does no harm.
    expect(await focused()).toBe('Cancel');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(await focusedRole()).toBe('grid');
    await page.getByRole('heading', { name: 'Containers' }).click();
    await page.keyboard.press('End');
    const room = '[document.scrollingElement.scrollTop, document.documentElement.scrollHeight - innerHeight]';
    expect(await page.evaluate(room)).toEqual([0, 0]);
    // The name is what one looks for: it is whole, also where there is little room.
    const name = page.getByRole('link', { name: 'broken' });
    expect(await name.evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(true);
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  const views: readonly (readonly [string, () => string, RegExp])[] = [
    ['containers', () => '/containers', /^Containers$/],
    ['overview', () => `/containers/${webId}`, /^web$/],
    ['log', () => `/containers/${webId}/log`, /^web$/],
    ['terminal', () => `/containers/${webId}/terminal`, /^web$/],
    ['inspect', () => `/containers/${webId}/inspect`, /^web$/],
    ['images', () => '/images', /^Images$/],
    ['pull', () => '/images?pull', /^Images$/],
    ['image', () => `/images/${starterId}`, /^selkie\/starter/],
    ['layers', () => `/images/${starterId}/layers`, /^selkie\/starter/],
    ['volumes', () => '/volumes', /^Volumes$/],
    ['registries', () => '/registries', /^Registries$/],
    ['login', () => '/registries?login=registry.example.org', /^Registries$/],
    ['disk', () => '/disk', /^Disk$/],
    ['free space', () => '/disk?view=prune', /^Disk$/],
    ['trash', () => '/disk?view=trash', /^Disk$/],
    ['store check', () => '/disk?view=check', /^Disk$/],
    ['run', () => '/run', /^Run a container$/],
    ['system', () => '/system', /^System$/],
    ['first steps', () => '/first-run', /^Welcome to Selkie$/],
    ['no such page', () => '/nowhere', /no such page/],
  ];

  test.each(['light', 'dark'] as const)(
    'no view has a barrier that can be found by machine, %s',
    { timeout: 300_000 },
    async (colorScheme) => {
      const { page, host } = session;
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const found: string[] = [];
      for (const [name, path, title] of views) {
        await page.goto(`${host.origin}/#${path()}`);
        await page.getByRole('heading', { level: 1, name: title, includeHidden: true }).waitFor();
        await settled();
        const { violations } = await new AxeBuilder({ page }).analyze();
        found.push(...violations.map((one) => `${name}: ${one.id} ${one.nodes.map((node) => node.html).join(' ')}`));
      }
      expect(found).toEqual([]);
    },
  );

  test('in Japanese, from the menu, and kept when the window is loaded again', async () => {
    const { page, host } = session;
    await page.goto(`${host.origin}/#/containers`);
    await page.getByRole('button', { name: 'Appearance' }).click();
    await page.getByRole('menuitemcheckbox', { name: '日本語' }).click();
    const navigation = page.getByRole('navigation');
    for (const word of ['コンテナ', 'イメージ', 'ボリューム', 'システム']) await navigation.getByRole('link', { name: word }).waitFor();
    expect(await page.evaluate('document.documentElement.lang')).toBe('ja');
    await page.reload();
    await navigation.getByRole('link', { name: 'コンテナ' }).waitFor();
    expect(await page.locator('main').innerText()).not.toMatch(/\b(Running|Name|Image|Created)\b/);
    // What the engine says of the host, too; commands and versions stay as they are.
    await page.goto(`${host.origin}/#/system`);
    await page.locator('.check-passed summary').click();
    // In the reader's language, each of them: why, and what to do.
    const foreign = page.locator('.check-line p.muted[lang=en], .check-line p strong + span[lang=en]:not(.muted)');
    expect(await page.locator('.check-line').count()).toBeGreaterThan(10);
    expect(await foreign.allInnerTexts()).toEqual([]);
  });

  test('nothing was done that a page must not do', () => {
    expect(session.misdeeds).toEqual([]);
  });

  const focused = () => session.page.evaluate<string>('document.activeElement.innerText ?? ""');
  const focusedRole = () => session.page.evaluate<string>('document.activeElement.getAttribute("role") ?? ""');

  /** Whatever is loaded is there, and nothing moves: axe measures colours, half-faded ones too. */
  async function settled(): Promise<void> {
    const { page } = session;
    await expect.poll(() => page.locator('main .full-state .spin, main .full-state:empty').count(), { timeout: 15_000 }).toBe(0);
    await page.waitForFunction('document.getAnimations().every((one) => one.playState !== "running")');
  }
});
