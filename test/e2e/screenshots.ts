/**
 * Pictures of the interface on real containers, for the README and for looking at: `node test/e2e/screenshots.ts`, after a build, by a
 * Node that runs TypeScript. All go to test/.output/screenshots; those of the README to docs/screenshots too.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../support/browser.ts';
import { fillStore, type Selkie } from './shop.ts';

const root = resolve(import.meta.dirname, '../..');
const output = join(root, 'test/.output/screenshots');
const inReadme = ['containers', 'containers-dark', 'container-log', 'container-terminal', 'run', 'first-run'];

const looks = [
  { suffix: '', theme: 'light', language: 'en' },
  { suffix: '-dark', theme: 'dark', language: 'en' },
  { suffix: '-ja', theme: 'light', language: 'ja' },
] as const;
type Look = (typeof looks)[number];

async function main(): Promise<void> {
  const directory = mkdtempSync('/tmp/selkie-pictures-');
  const options = ['--root', join(directory, 'graph'), '--runroot', join(directory, 'run'), '--tmpdir', join(directory, 'tmp')];
  const environment = { ...process.env, SELKIE_NODE: process.execPath };
  const selkie: Selkie = (...args) => {
    const result = spawnSync(join(root, 'resources/bin/selkie'), [...options, ...args], { env: environment, encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`selkie ${args.join(' ')}: ${result.stderr}`);
    return result.stdout.trim();
  };
  const host = spawn(process.execPath, [join(root, 'out/main/web.js'), ...options], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const browser = await openBrowser();
  try {
    const [entrance] = (await once(createInterface({ input: host.stdout }), 'line')) as [string];
    mkdirSync(output, { recursive: true });
    await firstRun(browser, entrance, selkie);
    const ids = await fillStore(selkie, join(root, 'resources/starter-image/starter.tar'), directory);
    for (const look of looks) await everything(browser, entrance, look, ids);
    mkdirSync(join(root, 'docs/screenshots'), { recursive: true });
    for (const name of inReadme) copyFileSync(join(output, `${name}.png`), join(root, 'docs/screenshots', `${name}.png`));
  } finally {
    await browser.close();
    const ended = once(host, 'exit');
    host.kill('SIGTERM');
    await ended;
    spawnSync(join(root, 'resources/bin/selkie'), [...options, 'rm', '--all', '--force', '--time', '0'], { env: environment });
    endPause(join(directory, 'tmp/pause.pid'));
    rmSync(directory, { recursive: true, force: true });
  }
}

function endPause(record: string): void {
  try {
    process.kill(Number.parseInt(readFileSync(record, 'utf8'), 10), 'SIGKILL');
  } catch {
    // There was none.
  }
}

async function open(browser: Browser, entrance: string, look: Look): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: look.language === 'ja' ? 'ja-JP' : 'en-US',
    colorScheme: look.theme,
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  await page.goto(entrance);
  return page;
}

async function picture(page: Page, name: string, look: Look): Promise<void> {
  // No notices of what was done before, and no half-faded colours.
  await page.locator('.toast').first().waitFor({ state: 'hidden' });
  await page.waitForFunction('document.getAnimations().every((one) => one.playState !== "running")');
  await page.screenshot({ path: join(output, `${name}${look.suffix}.png`) });
}

/** With nothing there yet; the container that it runs is the first in the list. */
async function firstRun(browser: Browser, entrance: string, selkie: Selkie): Promise<void> {
  for (const look of [...looks].reverse()) {
    const page = await open(browser, entrance, look);
    await page.goto(`${new URL(entrance).origin}/#/first-run`);
    await page.locator('.check-passed').waitFor();
    await page.locator('.step .button-primary').first().click();
    await page.locator('.result').waitFor();
    await picture(page, 'first-run', look);
    await page.context().close();
    selkie('rm', '--all', '--force', '--time', '0');
  }
}

async function everything(browser: Browser, entrance: string, look: Look, ids: Readonly<Record<string, string>>): Promise<void> {
  const page = await open(browser, entrance, look);
  const goTo = async (path: string) => page.goto(`${new URL(entrance).origin}/#${path}`);
  await goTo('/containers');
  await page.getByRole('link', { name: 'shop-web' }).waitFor();
  // Shown when a second measurement has come.
  await page.locator('td.cell-end').filter({ hasText: '%' }).first().waitFor();
  await picture(page, 'containers', look);
  await goTo(`/containers/${ids['shop-api'] ?? ''}/log`);
  await page.getByText('1,200').first().waitFor();
  await page.getByRole('searchbox').last().fill('slow');
  await page.locator('.log-line mark').first().waitFor();
  await picture(page, 'container-log', look);
  await goTo(`/containers/${ids['nightly-backup'] ?? ''}`);
  await page.getByText('cannot reach').first().waitFor();
  await picture(page, 'container-why', look);
  await terminal(page, goTo, look, ids['shop-web'] ?? '');
  await goTo('/images');
  await page.getByRole('row').nth(3).waitFor();
  await picture(page, 'images', look);
  await images(page, goTo, look);
  await disk(page, goTo, look);
  await runForm(page, goTo, look);
  await goTo('/system');
  await page.locator('.facts').first().waitFor();
  await picture(page, 'system', look);
  await page.context().close();
}

async function images(page: Page, goTo: (path: string) => Promise<unknown>, look: Look): Promise<void> {
  await page.locator('.row-link').filter({ hasText: 'api' }).first().click();
  await page.locator('.facts').first().waitFor();
  await picture(page, 'image', look);
  await page.getByRole('tab').nth(1).click();
  await page.locator('.history-table').waitFor();
  await picture(page, 'image-layers', look);
  await page.locator('.page-actions .button').nth(1).click();
  await page.locator('[role=dialog] summary').click();
  await picture(page, 'image-push', look);
  await page.keyboard.press('Escape');
  await goTo('/images');
}

async function disk(page: Page, goTo: (path: string) => Promise<unknown>, look: Look): Promise<void> {
  await goTo('/disk');
  await page.getByRole('row').nth(8).waitFor();
  await picture(page, 'disk', look);
  await goTo('/disk?view=prune');
  await page.locator('.prune-choice input').nth(1).check();
  await page.locator('.prune-choice select').first().selectOption('unused');
  await page.locator('.disk-foot').waitFor();
  await page.getByRole('row').nth(3).waitFor();
  await picture(page, 'disk-prune', look);
  await page.locator('.disk-foot .button').click();
  await page.getByRole('dialog').waitFor();
  await picture(page, 'disk-prune-dialog', look);
  await page.keyboard.press('Escape');
  await goTo('/disk?view=trash');
  await page.getByRole('row').nth(1).waitFor();
  await picture(page, 'disk-trash', look);
  await goTo('/disk?view=check');
  await page.locator('.full-state svg:not(.spin), .check-lines').first().waitFor();
  await picture(page, 'disk-check', look);
}

async function terminal(page: Page, goTo: (path: string) => Promise<unknown>, look: Look, id: string): Promise<void> {
  await goTo(`/containers/${id}/terminal`);
  await page.locator('.xterm-rows').getByText('$').or(page.locator('.xterm-rows').getByText('#')).first().waitFor();
  await page.locator('.xterm-screen').click();
  for (const [command, sign] of [
    ['ps', 'httpd'],
    ['ls -l /var/www', 'index.html'],
    ['wget -qO- localhost:8080 | head -n 4', '<'],
    ['echo "$SHOP_REGION"', 'eu-north'],
  ] as const) {
    await page.keyboard.type(`${command}\n`);
    await page.locator('.xterm-rows > div').filter({ hasText: sign }).last().waitFor();
  }
  await picture(page, 'container-terminal', look);
}

/** By the order of the fields: their names are other ones in every language. */
async function runForm(page: Page, goTo: (path: string) => Promise<unknown>, look: Look): Promise<void> {
  await goTo('/run?image=docker.io%2Fshop%2Fweb%3A2.4');
  const fields = page.locator('form fieldset');
  await fields.nth(0).getByRole('textbox').nth(0).fill('shop-web-next');
  await fields.nth(1).getByRole('button').last().click();
  await fields.nth(1).getByRole('textbox').nth(0).fill('8090');
  await fields.nth(1).getByRole('textbox').nth(1).fill('8080');
  await fields.nth(2).getByRole('button').last().click();
  await fields.nth(2).getByRole('textbox').nth(0).fill('SHOP_REGION');
  await fields.nth(2).getByRole('textbox').nth(1).fill('eu-north');
  await page.locator('h1').click();
  await picture(page, 'run', look);
}

await main();
