/** Files of the person at the browser: archives that are chosen or dropped, sent to the engine, and fetched back from it. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Download } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asJourney, reason, WebSession } from './web-session.ts';

const starter = 'localhost/selkie/starter';
const digestOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

describe.skipIf(reason !== '')(`files to and from the browser ${reason}`, () => {
  let session: WebSession;
  /** Of the person at the browser: nobody else can read it. */
  let desk: string;
  let appId: string;
  beforeAll(async () => {
    desk = mkdtempSync('/tmp/selkie-desk-');
    chmodSync(desk, 0o700);
    session = await WebSession.open({
      prepare: (actor) => {
        actor.must(['load', '-i', actor.starterImage]);
        actor.must(['run', '--name', 'maker', '--network', 'none', starter, 'sh', '-c', 'head -c 9000000 /dev/urandom > /srv-data']);
        appId = actor.must(['commit', 'maker', 'localhost/app:1']).replace('sha256:', '');
      },
    });
  });
  asJourney(() => session.page);
  afterAll(async () => {
    rmSync(desk, { recursive: true, force: true });
    expect(await session.close()).toEqual([]);
  });

  const close = (name: RegExp | string) => session.page.getByRole('dialog', { name }).getByRole('button', { name: 'Close' }).last().click();
  const images = () => session.page.goto(`${session.host.origin}/#/images`);
  /** What is being received lies under no name, and is seen by who holds it open. */
  const held = () =>
    session.host.workers().flatMap((pid) =>
      readdirSync(`/proc/${String(pid)}/fd`).flatMap((fd) => {
        try {
          const target = readlinkSync(`/proc/${String(pid)}/fd/${fd}`);
          return /\/(sent|save)-/.test(target) ? [target] : [];
        } catch {
          return [];
        }
      }),
    );
  const partial = () => session.actor.command('ls', ['-A', join(session.actor.graphRoot, 'content/partial')]).stdout;
  async function fetched(click: () => Promise<void>, as: string): Promise<Download> {
    const [download] = await Promise.all([session.page.waitForEvent('download'), click()]);
    await download.saveAs(join(desk, as));
    return download;
  }

  test('an image is downloaded, byte for byte what the command line saves', async () => {
    const { page, actor, host } = session;
    await page.goto(`${host.origin}/#/images/${appId}`);
    await page.getByRole('button', { name: 'Save to a file…' }).click();
    expect(await page.getByRole('radio', { name: 'Download with the browser' }).isChecked()).toBe(true);
    const download = await fetched(() => page.getByRole('button', { name: 'Save', exact: true }).click(), 'app.tar');
    expect(download.suggestedFilename()).toBe('app-1.tar');
    await page.getByRole('dialog', { name: 'Save app-1.tar' }).getByText('Done', { exact: true }).first().waitFor();
    await close('Save app-1.tar');
    const saved = join(actor.directory, 'home', 'saved.tar');
    actor.must(['save', '-q', '-o', saved, 'localhost/app:1']);
    expect(digestOf(join(desk, 'app.tar'))).toBe(digestOf(saved));
    await expect.poll(held).toEqual([]);
  });

  test('a link to a download is good once, for this browser and this page alone', async () => {
    const { page, host } = session;
    await page.getByRole('button', { name: 'Save to a file…' }).click();
    const link = (await fetched(() => page.getByRole('button', { name: 'Save', exact: true }).click(), 'again.tar')).url();
    await close('Save app-1.tar');
    expect(await page.evaluate(async (address) => (await fetch(address)).status, link).catch(String)).toBe(404);
    // Without the session of the browser.
    const bare = (address: string) => fetch(address.replace('selkie.localhost', '127.0.0.1'));
    expect((await bare(link)).status).toBe(403);
    expect((await bare(`${host.origin}/download/nothing`)).status).toBe(403);
    // What the page asked for in vain is in the console, as it should be.
    session.misdeeds.splice(0);
  });

  test('removed, chosen as a file and loaded: the same image again', async () => {
    const { page, actor } = session;
    actor.must(['rm', 'maker']);
    actor.must(['rmi', '--no-trash', 'localhost/app:1']);
    await images();
    await page.getByRole('button', { name: 'Load a file…' }).click();
    await page.keyboard.press('Enter');
    await page.getByText('Choose a file, or give a path.').waitFor();
    await page.locator('input[type=file]').setInputFiles(join(desk, 'app.tar'));
    await page.getByText('app.tar', { exact: true }).waitFor();
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await page.getByRole('button', { name: 'Load', exact: true }).click();
    await page.getByRole('dialog', { name: 'Load app.tar' }).getByText('Done', { exact: true }).first().waitFor();
    await close('Load app.tar');
    await page.getByRole('link', { name: 'app', exact: true }).waitFor();
    expect(actor.must(['images', '--no-trunc', '-q', 'localhost/app:1'])).toBe(`sha256:${appId}`);
    await expect.poll(held).toEqual([]);
    expect(partial()).not.toMatch(/sent-/);
  });

  test('the files of a container are downloaded from its row, and dropped on the list become an image', async () => {
    const { page, actor, host } = session;
    actor.must(['run', '--name', 'notes', '--network', 'none', 'localhost/app:1', 'sh', '-c', 'echo kept > /srv-note']);
    await page.goto(`${host.origin}/#/containers`);
    await page.getByRole('button', { name: 'Actions for notes' }).click();
    await page.getByRole('menuitem', { name: 'Export its files…' }).click();
    await fetched(() => page.getByRole('button', { name: 'Export', exact: true }).click(), 'notes.tar');
    await close('Export notes.tar');
    expect(actor.command('tar', ['-tf', '-'], { input: readFileSync(join(desk, 'notes.tar')) }).stdout).toContain('srv-note');
    await images();
    await page.getByRole('grid').waitFor();
    const bytes = readFileSync(join(desk, 'notes.tar')).toString('base64');
    const data = await page.evaluateHandle((base64) => {
      const raw = atob(base64);
      const file = new File([Uint8Array.from(raw, (character) => character.charCodeAt(0))], 'notes.tar');
      const transfer = new DataTransfer();
      transfer.items.add(file);
      return transfer;
    }, bytes);
    const grid = page.getByRole('grid');
    await grid.dispatchEvent('dragover', { dataTransfer: data });
    await page.getByText('Let go to load this file').waitFor();
    await grid.dispatchEvent('drop', { dataTransfer: data });
    await page.getByText('notes.tar', { exact: true }).waitFor();
    await page.getByRole('radio', { name: 'Files of a system' }).check();
    await page.getByRole('textbox', { name: 'Name of the new image (optional)' }).fill('localhost/notes:1');
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByRole('dialog', { name: 'Import notes.tar' }).getByText('Done', { exact: true }).first().waitFor();
    await close('Import notes.tar');
    expect(actor.must(['run', '--rm', '--network', 'none', 'localhost/notes:1', 'cat', '/srv-note'])).toBe('kept');
  });

  test('what is no archive is told in one line, and how large it is does not matter to memory', async () => {
    const { page } = session;
    const path = join(desk, 'large.tar');
    writeFileSync(path, '');
    truncateSync(path, 300_000_000);
    await images();
    await page.getByRole('button', { name: 'Load a file…' }).click();
    await page.locator('input[type=file]').setInputFiles(path);
    const before = session.host.workers().map(rssBytes);
    await page.getByRole('button', { name: 'Load', exact: true }).click();
    await page.getByText('The file is being sent to the engine.').waitFor();
    await expect.poll(held).toHaveLength(1);
    await page.getByText('Could not load large.tar').waitFor({ timeout: 60_000 });
    expect(await page.getByRole('dialog').locator('.error-box').innerText()).toContain('large.tar');
    for (const [index, pid] of session.host.workers().entries()) expect(peakBytes(pid) - (before[index] ?? 0)).toBeLessThan(150_000_000);
    await close('Load large.tar');
    await expect.poll(held).toEqual([]);
  });

  test('cancelled, or broken off with its page, nothing of it is left', async () => {
    const { page, host } = session;
    const begin = async () => {
      await page.getByRole('button', { name: 'Load a file…' }).click();
      await page.locator('input[type=file]').setInputFiles(join(desk, 'large.tar'));
      await page.getByRole('button', { name: 'Load', exact: true }).click();
      await expect.poll(held).toHaveLength(1);
    };
    await begin();
    await page.getByRole('button', { name: 'Cancel it' }).click();
    await page.getByRole('dialog', { name: 'Load large.tar' }).getByText('Cancelled').waitFor();
    await expect.poll(held).toEqual([]);
    await close('Load large.tar');
    await begin();
    await page.goto('about:blank');
    await expect.poll(held).toEqual([]);
    expect(partial()).not.toMatch(/sent-/);
    await page.goto(`${host.origin}/#/images`);
    await page.getByRole('link', { name: 'app', exact: true }).waitFor();
  });

  test('another name by the menu of its row; what was thrown away elsewhere leaves the trash here, too', async () => {
    const { page, actor, host } = session;
    await page.getByRole('button', { name: 'Actions for app:1' }).click();
    await page.getByRole('menuitem', { name: 'Add a name…' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('localhost/app:2');
    await page.keyboard.press('Enter');
    await page.getByRole('row').filter({ hasText: 'app' }).filter({ hasText: '2' }).first().waitFor();
    expect(actor.selkie(['image', 'exists', 'localhost/app:2']).code).toBe(0);
    actor.must(['rm', 'notes']);
    await page.goto(`${host.origin}/#/disk?view=trash`);
    await page.getByRole('row').filter({ hasText: 'notes' }).waitFor();
    actor.must(['trash', 'empty', '--force']);
    await page.getByText('The trash is empty').waitFor();
  });

  test('nothing was done that a page must not do', () => {
    expect(session.misdeeds).toEqual([]);
  });
});

const kilobytes = (pid: number, field: string) =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1] ?? 0) * 1024;
const rssBytes = (pid: number) => kilobytes(pid, 'VmRSS');
const peakBytes = (pid: number) => kilobytes(pid, 'VmHWM');
