/** What the page of a container says of limits and networks, where both are there: as root. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asJourney, rootReason, WebSession } from './web-session.ts';

const image = 'localhost/selkie/starter';

describe.skipIf(rootReason !== '')(`the page of a container ${rootReason}`, () => {
  let session: WebSession;
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    session = await WebSession.open({
      actor: 'root',
      prepare: (actor) => {
        actor.must(['load', '-i', actor.starterImage]);
        for (const [name, ...options] of [
          ['plain', '--network', 'bridge'],
          ['own', '--pids-limit', '77', '--network', 'none'],
          ['free', '--pids-limit', '-1', '--network', 'host'],
        ] as const) {
          ids[name] = actor.must(['create', '--name', name, ...options, image]);
        }
      },
    });
  });
  asJourney(() => session.page);
  afterAll(async () => {
    expect(await session.close()).toEqual([]);
  });

  test.each([
    ['plain', /^2,048 \(default\)$/, 'When it starts, it is connected to a bridge'],
    ['own', /^77$/, 'It has no network'],
    ['free', /^no limit$/, 'When it starts, it shares the network of this machine'],
  ])('%s: the limit of processes that holds, and the network that it will have', async (name, limit, network) => {
    const { page } = session;
    await open(name);
    await page.getByText(network).waitFor();
    expect(await limitOf().innerText()).toMatch(limit);
  });

  test('once it runs the address is shown, and the limit is what the kernel has', async () => {
    const { page, actor } = session;
    actor.must(['start', 'plain']);
    await open('plain');
    await page.locator('dt', { hasText: 'Gateway' }).waitFor();
    expect(await page.getByText('When it starts').count()).toBe(0);
    expect(await limitOf().innerText()).toMatch(/^2,048/);
    expect(actor.must(['exec', 'plain', 'sh', '-c', 'cat /sys/fs/cgroup/pids/pids.max || cat /sys/fs/cgroup/pids.max'])).toContain('2048');
  });

  test('nothing was done that a page must not do', () => {
    expect(session.misdeeds).toEqual([]);
  });

  const limitOf = () => session.page.locator('.facts > div', { hasText: 'Process limit' }).locator('dd');

  async function open(name: string): Promise<void> {
    await session.page.goto(`${session.host.origin}/#/containers/${ids[name] ?? ''}`);
    await session.page.getByRole('heading', { level: 1, name }).waitFor();
  }
});
