/** A container becomes an image, its files a file, that file an image again; and in whose name it runs. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asJourney, reason, WebSession } from './web-session.ts';

const image = 'localhost/selkie/starter';

describe.skipIf(reason !== '')(`what a container leaves ${reason}`, () => {
  let session: WebSession;
  let id: string;
  beforeAll(async () => {
    session = await WebSession.open({
      prepare: (actor) => {
        actor.must(['load', '-i', actor.starterImage]);
        id = actor.must(['run', '-d', '--name', 'web', '--network', 'none', '-v', 'kept:/kept', image]);
        actor.must(['exec', 'web', 'sh', '-c', 'echo changed > /srv-note; echo kept > /kept/note']);
      },
    });
  });
  asJourney(() => session.page);
  afterAll(async () => {
    expect(await session.close()).toEqual([]);
  });

  test('an image is made of it, with a remark and an author, and it goes on running', async () => {
    const { page, actor, host } = session;
    await page.goto(`${host.origin}/#/containers/${id}`);
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Make an image of it…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Make an image of web' });
    const name = dialog.getByRole('textbox', { name: 'Name of the image' });
    expect(await name.inputValue()).toBe('localhost/web:1');
    await name.fill('no good');
    await page.keyboard.press('Enter');
    await dialog.getByText('A name has no spaces.').waitFor();
    await name.fill('localhost/web:kept');
    await dialog.getByRole('textbox', { name: 'Remark' }).fill('as it was on Tuesday');
    await dialog.getByRole('textbox', { name: 'Author' }).fill('Ada');
    // Where it can be frozen it is; where it cannot, that is said instead.
    const freeze = dialog.getByRole('checkbox', { name: 'Freeze the container meanwhile' });
    const manager = actor.must(['inspect', '--format', '{{.HostConfig.CgroupManager}}', 'web']);
    if (manager === 'disabled') await dialog.getByText('cannot be frozen here').waitFor();
    else expect(await freeze.isChecked()).toBe(true);
    expect(await freeze.count()).toBe(manager === 'disabled' ? 0 : 1);
    await dialog.getByRole('button', { name: 'Make the image' }).click();
    await page.getByRole('button', { name: 'Run it…' }).waitFor();
    const [made] = JSON.parse(actor.must(['image', 'inspect', 'localhost/web:kept'])) as { Author: string; Comment: string }[];
    expect(made).toMatchObject({ Author: 'Ada', Comment: 'as it was on Tuesday' });
    expect(actor.must(['ps', '--format', '{{.Names}} {{.State}}'])).toBe('web running');
    await page.getByRole('button', { name: 'Run it…' }).click();
    await page.getByRole('heading', { name: 'Run a container' }).waitFor();
    expect(await page.getByRole('combobox', { name: 'Image' }).inputValue()).toBe('localhost/web:kept');
    expect(actor.must(['run', '--rm', '--network', 'none', 'localhost/web:kept', 'cat', '/srv-note'])).toBe('changed');
  });

  test('its files go into a file, told when it cannot be; nothing half is left', async () => {
    const { page, actor, host } = session;
    const path = join(actor.directory, 'home', 'web.tar');
    await page.goto(`${host.origin}/#/containers/${id}`);
    const open = async (to: string) => {
      await page.getByRole('button', { name: 'More' }).click();
      await page.getByRole('menuitem', { name: 'Export its files…' }).click();
      await page.getByRole('radio', { name: 'Write to a path' }).check();
      await page.getByRole('textbox', { name: 'Path of the file' }).fill(to);
      await page.keyboard.press('Enter');
    };
    await open('/no/such/folder/web.tar');
    await page.getByRole('dialog').getByText('Could not export /no/such/folder/web.tar').waitFor();
    await page.getByRole('dialog').getByText('no such file or directory').waitFor();
    await page.getByRole('button', { name: 'Close' }).last().click();
    await open(path);
    const dialog = page.getByRole('dialog', { name: `Export ${path}` });
    await dialog.getByText('Done', { exact: true }).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    const names = actor.command('tar', ['-tf', path]).stdout.split('\n');
    expect(names).toContain('srv-note');
    expect(names).not.toContain('kept/note');
    expect(statSync(path).size).toBeGreaterThan(100_000);
    expect(actor.command('ls', ['-A', join(actor.directory, 'home')]).stdout).not.toContain('.web.tar.');
  });

  test('that file is imported as an image beside those that are loaded', async () => {
    const { page, actor, host } = session;
    await page.goto(`${host.origin}/#/images`);
    await page.getByRole('button', { name: 'Load a file…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Load images from a file' });
    await dialog.getByRole('textbox', { name: 'Path of the file' }).fill(join(actor.directory, 'home', 'web.tar'));
    expect(await dialog.getByRole('radio', { name: 'Saved images' }).isChecked()).toBe(true);
    await dialog.getByRole('radio', { name: 'Files of a system' }).check();
    await dialog.getByRole('textbox', { name: 'Name of the new image' }).fill('localhost/from-files:1');
    await dialog.getByRole('button', { name: 'Import' }).click();
    await page
      .getByRole('dialog', { name: /^Import / })
      .getByRole('button', { name: 'Close' })
      .nth(1)
      .click();
    await page.getByRole('link', { name: 'from-files', exact: true }).waitFor();
    expect(actor.must(['run', '--rm', '--network', 'none', 'localhost/from-files:1', 'cat', '/srv-note'])).toBe('changed');
  });

  test('users of its own: the command says so, and it is so; what cannot be is said beside the choice', async () => {
    const { page, actor, host } = session;
    await page.goto(`${host.origin}/#/run?image=${encodeURIComponent(image)}`);
    await page.getByText('Advanced').click();
    const users = page.getByRole('combobox', { name: 'Users inside the container' });
    await users.selectOption('keep-id');
    await page.getByText('Files that the container writes into your folders are yours').waitFor();
    await page.locator('.command-preview').getByText('--userns keep-id').waitFor();
    // Podman's rule: as root there is nobody to leave out.
    if (actor.name === 'root') {
      await users.selectOption('nomap');
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await page.getByText('nomap is only supported in rootless mode').waitFor();
      expect(await users.getAttribute('aria-invalid')).toBe('true');
    } else {
      await page.getByRole('textbox', { name: 'Name (optional)' }).fill('mine');
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await page.getByRole('heading', { level: 1, name: 'mine' }).waitFor();
      expect(actor.must(['inspect', '--format', '{{.HostConfig.UsernsMode}}', 'mine'])).not.toBe('');
      expect(actor.must(['exec', 'mine', 'id', '-u'])).toBe(actor.command('id', ['-u']).stdout.trim());
    }
  });

  test('removed, its page says where it is now', async () => {
    const { page, host } = session;
    await page.goto(`${host.origin}/#/containers/${id}`);
    await page.getByRole('heading', { level: 1, name: 'web' }).waitFor();
    session.actor.must(['rm', '-f', '--time', '0', 'web']);
    await page.getByText('This container does not exist any more').waitFor();
    await page.getByRole('link', { name: 'See the trash' }).click();
    await page.getByRole('grid', { name: 'Trash' }).getByRole('row').filter({ hasText: 'web' }).waitFor();
  });

  test('nothing was done that a page must not do', () => {
    expect(session.misdeeds).toEqual([]);
  });
});
