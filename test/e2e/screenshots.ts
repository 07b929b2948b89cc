/**
 * Pictures of the interface on real containers, for the README and for looking at: `node test/e2e/screenshots.ts [VIEW…] [--look NAME…]`, after a
 * build, by a Node that runs TypeScript. Without arguments all of them. All go to test/.output/screenshots; those of the README to
 * docs/screenshots too, when all were taken.
 */
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../support/browser.ts';
import { openShelf } from './shelf.ts';
import { fillStore, manyImages, manyName, type Selkie } from './shop.ts';

const root = resolve(import.meta.dirname, '../..');
const output = join(root, 'test/.output/screenshots');
const inReadme = ['containers', 'containers-dark', 'container-log', 'container-terminal', 'run', 'first-run'];

const looks = [
  { name: 'light', suffix: '', theme: 'light', language: 'en', width: 1280 },
  { name: 'dark', suffix: '-dark', theme: 'dark', language: 'en', width: 1280 },
  { name: 'ja', suffix: '-ja', theme: 'light', language: 'ja', width: 1280 },
  { name: 'narrow', suffix: '-narrow', theme: 'light', language: 'en', width: 900 },
  { name: 'slim', suffix: '-slim', theme: 'light', language: 'ja', width: 640 },
] as const;
type Look = (typeof looks)[number];

interface Scene {
  readonly page: Page;
  readonly goTo: (path: string) => Promise<unknown>;
  readonly take: (name: string) => Promise<void>;
  readonly ids: Readonly<Record<string, string>>;
  readonly shelf: string;
  readonly selkie: Selkie;
  readonly directory: string;
  readonly look: Look;
}

const views: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  containers,
  container,
  terminal,
  images,
  image,
  pull,
  push,
  archive,
  disk,
  prune,
  trash,
  check,
  registries,
  run: runForm,
  system,
  long,
  many,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { look: { type: 'string', multiple: true, default: looks.map(({ name }) => name) } },
});
const unknown = [
  ...positionals.filter((name) => !(name in views)),
  ...values.look.filter((name) => !looks.some((look) => look.name === name)),
];
if (unknown.length > 0) throw new Error(`no such view or look: ${unknown.join(', ')}; views: ${Object.keys(views).join(', ')}`);
const wanted = positionals.length > 0 ? Object.entries(views).filter(([name]) => positionals.includes(name)) : Object.entries(views);

async function main(): Promise<void> {
  const directory = mkdtempSync('/tmp/selkie-pictures-');
  const options = ['--root', join(directory, 'graph'), '--runroot', join(directory, 'run'), '--tmpdir', join(directory, 'tmp')];
  await using shelf = await openShelf();
  const environment = { ...process.env, ...home(directory, shelf.host), SELKIE_NODE: process.execPath };
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
    if (positionals.length === 0) await firstRun(browser, entrance, selkie);
    else selkie('load', '-q', '-i', join(root, 'resources/starter-image/starter.tar'));
    const ids = await fillStore(selkie, join(root, 'resources/starter-image/starter.tar'), directory);
    for (const look of looks.filter(({ name }) => values.look.includes(name)))
      await everything(browser, entrance, { look, ids, selkie, directory, shelf: shelf.host });
    if (positionals.length > 0) return;
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

/** A person's own files: what they are logged in to, which registries they use, and a policy. */
function home(directory: string, shelf: string): Readonly<Record<string, string>> {
  const containers = join(directory, 'home/.config/containers');
  mkdirSync(containers, { recursive: true });
  const registries = join(containers, 'registries.conf');
  writeFileSync(registries, `unqualified-search-registries = ["${shelf}"]\n[[registry]]\nlocation = "${shelf}"\ninsecure = true\n`);
  const key = join(containers, 'release.pub');
  writeFileSync(key, generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }));
  const accept = [{ type: 'insecureAcceptAnything' }];
  const policy = { default: accept, transports: { docker: { [`${shelf}/secret`]: [{ type: 'reject' }] } } };
  writeFileSync(join(containers, 'policy.json'), JSON.stringify(policy));
  return { HOME: join(directory, 'home'), XDG_RUNTIME_DIR: join(directory, 'xdg'), CONTAINERS_REGISTRIES_CONF: registries };
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
    viewport: { width: look.width, height: 800 },
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

async function everything(browser: Browser, entrance: string, setting: Omit<Scene, 'page' | 'goTo' | 'take'>): Promise<void> {
  const page = await open(browser, entrance, setting.look);
  const scene: Scene = {
    ...setting,
    page,
    goTo: (path) => page.goto(`${new URL(entrance).origin}/#${path}`),
    take: (name) => picture(page, name, setting.look),
  };
  for (const [name, view] of wanted) {
    try {
      await view(scene);
    } catch (error) {
      await page.screenshot({ path: join(output, `failed-${name}${setting.look.suffix}.png`) });
      throw error;
    }
  }
  await page.context().close();
}

async function containers({ page, goTo, take }: Scene): Promise<void> {
  await goTo('/containers');
  await page.getByRole('link', { name: 'shop-web' }).waitFor();
  // Shown when a second measurement has come.
  await page.locator('td.cell-end').filter({ hasText: '%' }).first().waitFor();
  await take('containers');
}

async function container({ page, goTo, take, ids }: Scene): Promise<void> {
  await goTo(`/containers/${ids['shop-api'] ?? ''}/log`);
  await page.getByText('1,200').first().waitFor();
  await page.getByRole('searchbox').last().fill('slow');
  await page.locator('.log-line mark').first().waitFor();
  await take('container-log');
  await goTo(`/containers/${ids['nightly-backup'] ?? ''}`);
  await page.getByText('cannot reach').first().waitFor();
  await take('container-why');
  await goTo(`/containers/${ids['shop-web'] ?? ''}`);
  await page.locator('.facts').first().waitFor();
  await page.locator('.page-actions [aria-haspopup=menu]').click();
  await page.getByRole('menuitem').first().waitFor();
  await take('container-more');
  await page.getByRole('menuitem').first().click();
  await page.getByRole('dialog').waitFor();
  await take('container-commit');
  await page.keyboard.press('Escape');
  await page.locator('.page-actions [aria-haspopup=menu]').click();
  await page.getByRole('menuitem').nth(1).click();
  await page.getByRole('dialog').waitFor();
  await take('container-export');
  await page.keyboard.press('Escape');
}

async function images({ page, goTo, take }: Scene): Promise<void> {
  await goTo('/images');
  await page.getByRole('row').nth(3).waitFor();
  await take('images');
}

async function image({ page, goTo, take }: Scene): Promise<void> {
  await goTo('/images');
  await page.locator('.row-link').filter({ hasText: 'api' }).first().click();
  await page.locator('.facts').first().waitFor();
  await take('image');
  await page.getByRole('tab').nth(1).click();
  await page.locator('.history-table').waitFor();
  await take('image-layers');
}

async function pull({ page, goTo, take, shelf }: Scene): Promise<void> {
  await goTo('/images?pull');
  await page.getByRole('dialog').waitFor();
  await take('pull');
  await page.locator('[role=dialog] form input').first().fill('nginx');
  await page.locator('.field-with-button .button').click();
  await page.locator('.search-result').first().waitFor();
  await take('pull-search');
  await page.locator('.search-result').first().click();
  await page.locator('.tag-button').nth(2).click();
  await take('pull-tags');
  await goTo(`/images?pull=${encodeURIComponent(`${shelf}/secret/thing:1`)}`);
  await page.locator('.dialog-footer .button-primary').click();
  await page.locator('.error-box').waitFor();
  await take('pull-refused');
  await page.keyboard.press('Escape');
}

async function push({ page, goTo, take, shelf }: Scene): Promise<void> {
  await goTo('/images');
  await page.locator('.row-link').filter({ hasText: 'api' }).first().click();
  await page.locator('.facts').first().waitFor();
  await page.locator('.page-actions .button').nth(1).click();
  await page.locator('[role=dialog] summary').click();
  await take('image-push');
  await page.locator('[role=dialog] form input').first().fill(`${shelf}/shop/api:1.19`);
  await page.locator('.dialog-footer .button-primary').click();
  await page.locator('.layer-table [role=progressbar]:not([aria-valuenow="0"])').first().waitFor();
  await take('image-push-progress');
  await page.locator('.dialog-footer .button').first().click();
  await page.locator('.dialog-footer .button').nth(1).waitFor();
  await page.keyboard.press('Escape');
}

async function archive({ page, goTo, take }: Scene): Promise<void> {
  await goTo('/images');
  await page.locator('.page-actions .button').first().click();
  await page.locator('[role=dialog] input[type=radio]').nth(1).check();
  await take('image-import');
  await page.keyboard.press('Escape');
}

async function disk({ page, goTo, take }: Scene): Promise<void> {
  await goTo('/disk');
  await page.getByRole('row').nth(8).waitFor();
  await take('disk');
}

async function prune({ page, goTo, take }: Scene): Promise<void> {
  await goTo('/disk?view=prune');
  await page.locator('.prune-choice input').nth(1).check();
  await page.locator('.prune-choice select').first().selectOption('unused');
  await page.locator('.disk-foot').waitFor();
  await page.getByRole('row').nth(3).waitFor();
  await take('disk-prune');
  await page.locator('.disk-foot .button').click();
  await page.getByRole('dialog').waitFor();
  await take('disk-prune-dialog');
  await page.keyboard.press('Escape');
}

async function trash({ page, goTo, take }: Scene): Promise<void> {
  await goTo('/disk?view=trash');
  await page.getByRole('row').nth(1).waitFor();
  await take('disk-trash');
}

async function check({ page, goTo, take, directory }: Scene): Promise<void> {
  await goTo('/disk?view=check');
  await page.locator('.full-state svg:not(.spin), .check-lines').first().waitFor();
  await take('disk-check');
  const stray = join(directory, 'graph/trash', 'f'.repeat(64));
  mkdirSync(join(stray, '_data'), { recursive: true });
  await page.locator('.full-state .button').click();
  await page.locator('.check-lines').waitFor();
  await take('disk-check-problem');
  rmSync(stray, { recursive: true });
}

async function registries({ page, goTo, take, directory }: Scene): Promise<void> {
  await goTo('/images');
  await goTo('/registries');
  await page.locator('.full-state svg:not(.spin)').waitFor();
  await take('registries-empty');
  const auth = Buffer.from('ada:secret').toString('base64');
  const files = [join(directory, 'xdg/containers/auth.json'), join(directory, 'home/.docker/config.json')];
  for (const [index, file] of files.entries()) {
    mkdirSync(join(file, '..'), { recursive: true });
    const hosts = index === 0 ? ['ghcr.io', 'registry.example.org:5000/engineering'] : ['https://index.docker.io/v1/'];
    writeFileSync(file, JSON.stringify({ auths: Object.fromEntries(hosts.map((host) => [host, { auth }])) }), { mode: 0o600 });
  }
  await goTo('/images');
  await goTo('/registries');
  await page.locator('.registries-table').waitFor();
  await take('registries');
  await page.locator('.registries-table .button').nth(1).click();
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.page-actions .button').click();
  await page.locator('[role=dialog] form input').nth(0).fill('127.0.0.1:1');
  await page.locator('[role=dialog] form input').nth(1).fill('ada');
  await page.locator('[role=dialog] form input').nth(2).fill('secret');
  await page.locator('.dialog-footer .button-primary').click();
  await page.locator('.error-box').waitFor();
  await take('registries-login');
  await page.keyboard.press('Escape');
  for (const file of files) rmSync(file);
}

async function system({ page, goTo, take }: Scene): Promise<void> {
  await goTo('/system');
  await page.locator('.facts').first().waitFor();
  await take('system');
}

/** Names as long as a company can make them. */
async function long({ page, goTo, take, selkie }: Scene): Promise<void> {
  const starter = 'localhost/selkie/starter';
  const name = `registry.example.org:5000/engineering-europe/${'platform-services-'.repeat(4)}team/order-history-exporter:release-2026.11.24-build.1234567`;
  selkie('tag', starter, name);
  selkie('create', '--name', `the-container-with-${'a-very-'.repeat(12)}long-name`, name, 'true');
  await goTo('/images');
  await page.getByText('order-history-exporter').first().waitFor();
  await take('long-images');
  await page.locator('.row-link').filter({ hasText: 'order-history-exporter' }).first().click();
  await page.locator('.facts').first().waitFor();
  await page.getByText('the-container-with').first().waitFor();
  await take('long-image');
  await page.locator('.page-actions .button-danger').click();
  await page.getByRole('dialog').waitFor();
  await take('long-removal');
  await page.keyboard.press('Escape');
  await goTo('/disk');
  await page.getByText('order-history-exporter').or(page.getByText('starter')).first().waitFor();
  await take('long-disk');
  selkie('rm', `the-container-with-${'a-very-'.repeat(12)}long-name`);
  selkie('untag', starter, name);
  await goTo('/disk?view=trash');
  await page.getByText('the-container-with').first().waitFor();
  await take('long-trash');
  selkie('trash', 'empty', '--force', `the-container-with-${'a-very-'.repeat(12)}long-name`);
}

/** Two hundred images more. */
async function many({ page, goTo, take, selkie, directory }: Scene): Promise<void> {
  const path = join(directory, 'many.tar');
  writeFileSync(path, await manyImages(200));
  selkie('load', '-q', '-i', path);
  await goTo('/images');
  await page.getByRole('row').nth(12).waitFor();
  await page
    .locator('.nav-count')
    .filter({ hasText: /^2\d\d$/ })
    .waitFor();
  await take('images-many');
  await goTo('/disk');
  await page.getByRole('row').nth(12).waitFor();
  await take('disk-many');
  await page.locator('.tab-panel').evaluate((panel) => {
    panel.scrollTop = panel.scrollHeight;
  });
  await take('disk-many-scrolled');
  selkie('rmi', '--no-trash', ...Array.from({ length: 200 }, (_, index) => manyName(index)));
}

async function terminal({ page, goTo, take, ids }: Scene): Promise<void> {
  await goTo(`/containers/${ids['shop-web'] ?? ''}/terminal`);
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
  await take('container-terminal');
}

/** By the order of the fields: their names are other ones in every language. */
async function runForm({ page, goTo, take }: Scene): Promise<void> {
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
  await take('run');
  await page.locator('.advanced > summary').click();
  await page.locator('.advanced select').selectOption('keep-id');
  await page.locator('.advanced').scrollIntoViewIfNeeded();
  await take('run-advanced');
}

await main();
