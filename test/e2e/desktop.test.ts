/** The window: its main process, its preload and the ports between them, with a real engine behind. */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Actor } from '../support/actor.ts';
import { watch } from '../support/browser.ts';
import { type Desktop, desktopReason, desktopTitle, onStandIn, openDesktop } from '../support/desktop.ts';
import { asJourney } from './web-session.ts';

const image = 'localhost/selkie/starter';

describe.skipIf(desktopReason !== '')(`the desktop host ${desktopTitle} ${desktopReason}`, () => {
  let actor: Actor;
  let desktop: Desktop;
  let ended: number | undefined;
  const misdeeds: string[] = [];
  beforeAll(async () => {
    actor = new Actor(process.getuid?.() === 0 ? 'root' : 'rootless');
    actor.must(['load', '-i', actor.starterImage]);
    actor.must(['run', '-d', '--name', 'earlier', '-p', '8080', image]);
    desktop = await openDesktop(actor);
    watch(
      desktop.page.context(),
      misdeeds,
      (url) => url.protocol === 'selkie:' || url.hostname === 'app.selkie.test' || url.protocol === 'data:',
    );
  });
  asJourney(() => desktop.page);
  afterAll(async () => {
    if (ended === undefined) await desktop.close();
    if (existsSync(`${workerProgram()}.away`)) renameSync(`${workerProgram()}.away`, workerProgram());
    const leaks = await actor.leaks();
    await actor[Symbol.asyncDispose]();
    expect(leaks).toEqual([]);
  });

  const rowOf = (name: string) => desktop.page.getByRole('row').filter({ hasText: name });
  const workerProgram = () => join(actor.webHost.args[0] ?? '', '../worker.js');
  const workers = () => actor.processes().filter((line) => line.includes('/out/main/worker.js'));

  test('the window opens, and its page reaches the engine through its ports', async () => {
    await rowOf('earlier').getByText('Running').waitFor({ timeout: 30_000 });
    expect(workers()).toHaveLength(1);
    if (onStandIn) expect(desktop.reports.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['menu', 'shown']));
  });

  test('what is done elsewhere is seen, and what is done here is done', async () => {
    actor.must(['create', '--name', 'later', image]);
    await rowOf('later').getByText('Created').waitFor();
    await rowOf('later').getByRole('button', { name: 'Start later' }).click();
    await rowOf('later').getByText('Running').waitFor();
    expect(actor.must(['ps', '--format', '{{.Names}}', '--sort', 'names'])).toBe('earlier\nlater');
  });

  test('bytes go both ways: a shell, and a flood from it', async () => {
    const { page } = desktop;
    await page.getByRole('link', { name: 'earlier' }).click();
    await page.getByRole('tab', { name: 'Terminal' }).click();
    await page.getByText('Connected to sh').waitFor();
    await page.locator('.xterm-screen').click();
    await page.keyboard.type('seq 1 20000; echo "end$((6*7))"\n');
    await page.locator('.xterm-rows').getByText('end42', { exact: true }).waitFor();
  });

  test('a published port is opened by the desktop, not in the window', async () => {
    const { page } = desktop;
    await page.getByRole('link', { name: 'Containers' }).click();
    const [, port = ''] = /:(\d+)$/.exec(actor.must(['port', 'earlier', '8080'])) ?? [];
    await rowOf('earlier')
      .getByRole('link', { name: `Open port ${port}→8080 in the browser` })
      .click();
    await expect.poll(() => desktop.externalLinks()).toEqual([`http://localhost:${port}/`]);
  });

  test('the clipboard may be written, and nothing else is granted', async () => {
    const { page } = desktop;
    await rowOf('earlier').hover();
    await rowOf('earlier').getByRole('button', { name: 'Copy Name' }).click();
    await rowOf('earlier').getByRole('button', { name: 'Copied' }).waitFor();
    const stateOf = (name: string) => page.evaluate<string>(`navigator.permissions.query({ name: '${name}' }).then((one) => one.state)`);
    for (const name of ['geolocation', 'notifications', 'camera', 'clipboard-read']) expect(await stateOf(name), name).toBe('denied');
  });

  test('nothing was done that a page must not do', () => {
    expect(misdeeds).toEqual([]);
  });

  test('the page has no Node and nothing of the preload', async () => {
    const names = ['process', 'require', 'module', 'ipcRenderer', 'electron', 'toMain', 'fromMain'];
    expect(await desktop.page.evaluate<string[]>(`${JSON.stringify(names)}.filter((name) => name in globalThis)`)).toEqual([]);
  });

  test('its scheme serves the interface alone, under a strict policy', async () => {
    const statusOf = (path: string) =>
      desktop.page.evaluate<number>(`fetch(${JSON.stringify(path)}).then((answer) => answer.status, () => 0)`);
    expect(await statusOf('/index.html')).toBe(200);
    for (const path of ['/..%2fmain%2fdesktop.js', '/%2e%2e/main/desktop.js', '/..%2f..%2fpackage.json', '/nowhere.js', '/assets'])
      expect(await statusOf(path), path).not.toBe(200);
    const policy = await desktop.page.evaluate<string>(
      `fetch('/index.html').then((answer) => answer.headers.get('content-security-policy'))`,
    );
    expect(policy).toMatch(/default-src 'self'/);
    expect(policy).not.toMatch(/unsafe-eval/);
  });

  test('another frame gets no ports, and takes none away', async () => {
    const { page } = desktop;
    await page.evaluate(`document.body.append(Object.assign(document.createElement('iframe'), { srcdoc: '<p>foreign</p>' }))`);
    await expect.poll(() => page.frames().length).toBe(2);
    const [, frame] = page.frames();
    if (!frame) throw new Error('there is no frame');
    await frame.getByText('foreign').waitFor();
    await frame.evaluate(`
      globalThis.got = [];
      addEventListener('message', (event) => got.push(event.data.type));
      postMessage({ type: 'selkie-connect' }, '*');
    `);
    // What is seen now has come through the page's own ports, after the frame had asked; had they been closed, it would say so.
    actor.must(['create', '--name', 'unmoved', image]);
    await rowOf('unmoved').getByText('Created').waitFor();
    expect(await page.getByText('The engine answers again').count()).toBe(0);
    expect(await page.getByRole('alert').count()).toBe(0);
    expect(await frame.evaluate<string[]>('got')).toEqual(['selkie-connect']);
    await page.evaluate(`document.querySelector('iframe').remove()`);
  });

  test('who connects again closes the earlier ports', async () => {
    const { page } = desktop;
    await takePorts();
    // The page itself notices the loss and comes back; that is the next connection, and ends the ports that were taken here.
    await page.evaluate('lost');
    await rowOf('earlier').getByText('Running').waitFor();
    expect(workers()).toHaveLength(1);
  });

  test.each([
    ['file:///etc/passwd', 'invalid-argument'],
    ['javascript:alert(1)', 'invalid-argument'],
  ])('the desktop is not asked to open %s', async (url, code) => {
    const before = await desktop.externalLinks();
    await takePorts();
    const answer = await desktop.page.evaluate<unknown[]>(`new Promise((resolve) => {
      const [, port] = taken;
      port.onmessage = ({ data }) => {
        for (const frame of data) {
          if (frame[0] === 'hello') port.postMessage([['open', 1, 'desktop.openExternal', { url: ${JSON.stringify(url)} }, 0]]);
          else resolve(frame);
        }
      };
      port.postMessage([['hello', { version: '1' }]]);
    })`);
    expect(answer).toMatchObject(['error', 1, { code }]);
    expect(await desktop.externalLinks()).toEqual(before);
    await rowOf('earlier').getByText('Running').waitFor();
  });

  test('the window stays at its page', async () => {
    const { page } = desktop;
    const at = page.url();
    const left = page.waitForEvent('framenavigated', { timeout: 1_500 }).then(
      () => true,
      () => false,
    );
    await page.evaluate(`location.href = 'https://example.invalid/'`);
    expect(await left).toBe(false);
    expect(page.url()).toBe(at);
    await rowOf('earlier').getByText('Running').waitFor();
  });

  test('but it may load its page again', async () => {
    const { page } = desktop;
    await page.evaluate('globalThis.old = true');
    await Promise.all([page.waitForEvent('domcontentloaded'), page.evaluate('location.reload()')]);
    await rowOf('earlier').getByText('Running').waitFor();
    expect(await page.evaluate('globalThis.old')).toBeUndefined();
  });

  test('it opens no other window; a web page goes to the desktop, anything else nowhere', async () => {
    const { page } = desktop;
    const before = await desktop.externalLinks();
    for (const url of ['file:///etc/passwd', 'about:blank', 'mailto:a@example.invalid', 'https://example.invalid/page'])
      await page.evaluate(`void window.open(${JSON.stringify(url)})`);
    await expect.poll(() => desktop.externalLinks()).toEqual([...before, 'https://example.invalid/page']);
    await expect.poll(() => page.context().pages().length).toBe(1);
  });

  test('an engine that was killed is said to be unreachable, and its button brings a new one', async () => {
    const { page } = desktop;
    const [worker = ''] = workers();
    renameSync(workerProgram(), `${workerProgram()}.away`);
    process.kill(Number.parseInt(worker, 10), 'SIGKILL');
    await page.getByRole('alert').filter({ hasText: 'The engine cannot be reached' }).waitFor();
    await page.getByText('Trying again…').waitFor({ state: 'hidden' });
    expect(actor.must(['ps', '--format', '{{.Names}}', '--sort', 'names'])).toBe('earlier\nlater');
    renameSync(`${workerProgram()}.away`, workerProgram());
    await page.getByRole('button', { name: 'Restart engine' }).click();
    await rowOf('earlier').getByText('Running').waitFor();
  });

  test('closing the window ends the worker, and no container', async () => {
    ended = await desktop.close();
    expect(ended).toBe(0);
    await expect.poll(workers, { timeout: 10_000 }).toEqual([]);
    expect(actor.must(['ps', '--format', '{{.Names}}', '--sort', 'names'])).toBe('earlier\nlater');
  });

  /** As a page would: asks for ports, and keeps them as `taken`; `lost` resolves when both have lost their other end. */
  async function takePorts(): Promise<void> {
    await desktop.page.evaluate(`new Promise((resolve) => {
      addEventListener('message', function listen(event) {
        if (event.data.type !== 'selkie-port') return;
        removeEventListener('message', listen);
        globalThis.taken = event.ports;
        globalThis.lost = Promise.all(taken.map((port) => new Promise((gone) => port.addEventListener('close', gone)))).then(() => undefined);
        for (const port of taken) port.start();
        resolve();
      });
      postMessage({ type: 'selkie-connect' }, '*');
    })`);
  }
});
