/** What takes the disk, freed by plan, and brought back: nothing goes that was not shown, and nothing that was removed is lost at once. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asJourney, reason, WebSession } from './web-session.ts';

const image = 'localhost/selkie/starter';

describe.skipIf(reason !== '')(`the disk ${reason}`, () => {
  let session: WebSession;
  beforeAll(async () => {
    session = await WebSession.open({
      prepare: (actor) => {
        actor.must(['load', '-i', actor.starterImage]);
        actor.must(['run', '-d', '--name', 'web', image]);
        actor.must([
          'run',
          '--name',
          'job',
          '--network',
          'none',
          '-v',
          'results:/out',
          image,
          'sh',
          '-c',
          'echo 42 > /out/answer; echo 7 > /inside',
        ]);
        actor.must(['volume', 'create', 'forgotten']);
        // Two builds of one name leave the first without any.
        actor.must(['commit', 'job', 'localhost/app:1']);
        actor.must(['run', '--rm', '--network', 'none', '--name', 'again', image, 'true']);
        actor.must(['commit', '--change', 'LABEL run=2', 'job', 'localhost/app:1']);
      },
    });
  });
  asJourney(() => session.page);
  afterAll(async () => {
    expect(await session.close()).toEqual([]);
  });

  test('it says what takes the space, shared apart from exclusive, and the numbers are those of the command line', async () => {
    const { page, actor } = session;
    await page.getByRole('link', { name: 'Disk' }).click();
    await page.getByRole('heading', { name: 'Disk' }).waitFor();
    const chart = page.getByRole('img', { name: /^Use of the disk: / });
    expect(await chart.getAttribute('aria-label')).toMatch(/Shared layers [\d.]+ \w+, Layers of one image [\d.]+ \w+, Containers/);
    const line = (name: RegExp) => page.locator('.disk-table').getByRole('row', { name });
    const told = JSON.parse(actor.must(['system', 'df', '--format', 'json'])) as { readonly Type: string; readonly Total: number }[];
    const total = (type: string) => String(told.find((one) => one.Type === type)?.Total);
    const counted = async (name: RegExp) => line(name).getByRole('cell').first().innerText();
    expect(await counted(/^Images/)).toBe(total('Images'));
    expect(await counted(/^Containers/)).toBe(total('Containers'));
    expect(await counted(/^Volumes/)).toBe(total('Local Volumes'));
    expect(await counted(/without a name/)).toBe('1');
    const rows = page.getByRole('grid', { name: 'Images' }).getByRole('row');
    expect(await rows.count()).toBe(1 + Number(total('Images')));
  });

  test('what others do is seen without asking: a volume that the command line makes', async () => {
    const { page, actor } = session;
    const volumes = page
      .locator('.disk-table')
      .getByRole('row', { name: /^Volumes/ })
      .getByRole('cell')
      .first();
    expect(await volumes.innerText()).toBe('2');
    actor.must(['volume', 'create', 'late']);
    await expect.poll(() => volumes.innerText()).toBe('3');
    actor.must(['volume', 'rm', '--no-trash', 'late']);
    await expect.poll(() => volumes.innerText()).toBe('2');
  });

  test('the plan names what would go; what is left out stays, with what needs it', async () => {
    const { page } = session;
    await page.getByRole('tab', { name: 'Free space' }).click();
    const plan = page.getByRole('grid', { name: 'What would go' });
    await plan.getByRole('row').filter({ hasText: 'job' }).waitFor();
    await plan.getByRole('row').filter({ hasText: 'no name' }).waitFor();
    expect(await plan.getByText('forgotten').count()).toBe(0);
    await page.getByRole('checkbox', { name: 'Volumes nobody uses' }).check();
    await plan.getByRole('row').filter({ hasText: 'forgotten' }).waitFor();
    await plan.getByRole('row').filter({ hasText: 'results' }).getByText('job, also in this plan').waitFor();
    await page.getByText('4 of 4 chosen.').waitFor();
    // A volume cannot go while a container that stays needs it.
    await page.getByRole('checkbox', { name: 'Select job' }).uncheck();
    await page.getByText('2 of 4 chosen.').waitFor();
    expect(await page.getByRole('checkbox', { name: 'Select results' }).isChecked()).toBe(false);
    await page.getByRole('checkbox', { name: 'Select job' }).check();
    await page.getByText('4 of 4 chosen.').waitFor();
    await page.getByRole('checkbox', { name: 'Select forgotten' }).uncheck();
  });

  test('it asks once more, does what was shown and nothing else, and says why something stayed', async () => {
    const { page, actor } = session;
    await page.getByRole('button', { name: 'Free space…' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.getByRole('heading').innerText()).toBe('Remove 3 objects?');
    expect(await page.evaluate('document.activeElement.innerText')).toBe('Cancel');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect(actor.must(['ps', '-aq', '--filter', 'name=job'])).not.toBe('');
    await page.getByRole('button', { name: 'Free space…' }).click();
    // Between the plan and the word somebody takes the volume into use.
    actor.must(['create', '--name', 'late', '-v', 'results:/in', image, 'true']);
    await dialog.getByRole('button', { name: 'Move 3 objects to the trash' }).click();
    const result = page.getByRole('status', { name: 'What was done' });
    await result.getByText(/^2 objects with .* are in the trash$/).waitFor();
    expect(await result.getByRole('listitem').allInnerTexts()).toEqual([expect.stringMatching(/^results .*(in use|being used)/)]);
    expect(actor.must(['volume', 'ls', '-q']).split('\n').sort()).toEqual(['forgotten', 'results']);
    expect(actor.selkie(['container', 'exists', 'job']).code).toBe(1);
  });

  test('all of it is brought back with one button, files and all', async () => {
    const { page, actor } = session;
    await page.getByRole('status', { name: 'What was done' }).getByRole('button', { name: 'Bring back' }).click();
    await page.getByText('2 objects are back').first().waitFor();
    actor.must(['start', 'job']);
    actor.must(['wait', 'job']);
    expect(actor.must(['diff', 'job'])).toContain('/inside');
    actor.must(['rm', 'late']);
  });

  test('a removal anywhere says that it can be taken back, and it can', async () => {
    const { page, actor, host } = session;
    await page.goto(`${host.origin}/#/volumes`);
    await page.getByRole('button', { name: 'Remove forgotten' }).click();
    await page.getByRole('dialog').getByText('can be brought back').waitFor();
    await page.getByRole('button', { name: 'Remove 1 volume and its data' }).click();
    const toast = page.locator('.toast').filter({ hasText: 'Removed forgotten' });
    await toast.getByRole('button', { name: 'Bring back' }).click();
    await page.getByText('forgotten is back').first().waitFor();
    await page.getByRole('row').filter({ hasText: 'forgotten' }).waitFor();
    expect(actor.must(['volume', 'ls', '-q'])).toContain('forgotten');
    // An image with several names, each of which was removed on its own.
    actor.must(['tag', 'localhost/app:1', 'localhost/app:2']);
    await page.goto(`${host.origin}/#/images`);
    await page.getByRole('row').filter({ hasText: 'app' }).nth(1).waitFor();
    for (const row of await page.getByRole('checkbox', { name: /^Select .*app:/ }).all()) await row.check();
    await page.getByRole('button', { name: 'Remove…', exact: true }).click();
    await page.getByRole('button', { name: 'Remove 1 image' }).click();
    await page.locator('.toast').filter({ hasText: 'Removed 2 images' }).getByRole('button', { name: 'Bring back' }).click();
    await page.getByText('localhost/app:1 is back').first().waitFor();
    expect(actor.must(['images', '--format', '{{.Repository}}:{{.Tag}}']).split('\n').sort()).toEqual(
      expect.arrayContaining(['localhost/app:1', 'localhost/app:2']),
    );
  });

  test('in the trash: brought back under another name when the name is taken, deleted for good one by one and all at once', async () => {
    const { page, actor, host } = session;
    actor.must(['rm', 'job']);
    actor.must(['create', '--name', 'job', image, 'true']);
    await page.goto(`${host.origin}/#/disk?view=trash`);
    const table = page.getByRole('grid', { name: 'Trash' });
    await table.getByRole('row').filter({ hasText: 'job' }).waitFor();
    await page.getByText(/kept for \d+ days, all together .* at most/).waitFor();
    await page.getByRole('button', { name: 'Bring back job' }).click();
    const dialog = page.getByRole('dialog', { name: 'Bring back job under another name' });
    await dialog.waitFor();
    const field = dialog.getByRole('textbox', { name: 'New name' });
    expect(await field.inputValue()).toBe('job-2');
    await field.fill('web');
    await page.keyboard.press('Enter');
    await dialog.getByText('This name is taken, too.').waitFor();
    await field.fill('job-before');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'hidden' });
    expect(actor.must(['ps', '-a', '--format', '{{.Names}}']).split('\n').sort()).toEqual(['job', 'job-before', 'web']);
    for (const name of ['job', 'job-before']) actor.must(['rm', name]);
    await table.getByRole('row').filter({ hasText: 'job-before' }).waitFor();
    await page.getByRole('button', { name: 'Delete job-before for good…' }).click();
    await page.getByRole('dialog').getByText('This cannot be undone.').waitFor();
    await page.getByRole('button', { name: 'Delete 1 object for good' }).click();
    await expect.poll(() => table.getByRole('row').filter({ hasText: 'job-before' }).count()).toBe(0);
    await page.getByRole('button', { name: /^Empty the trash/ }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Delete \d+ objects? for good$/ })
      .click();
    await page.getByText('The trash is empty').waitFor();
    expect(actor.must(['trash', 'ls', '--quiet'])).toBe('');
  });

  test('the store is checked in words, and repaired by a plan', async () => {
    const { page, actor, host } = session;
    const stray = join(actor.graphRoot, 'trash', 'f'.repeat(64));
    const made = actor.command('mkdir', ['-p', join(stray, '_data')]);
    expect(made.stderr).toBe('');
    await page.goto(`${host.origin}/#/disk?view=check`);
    await page.getByText('Something in the trash that nothing leads to').waitFor();
    await page.getByRole('button', { name: 'Repair…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Repair', exact: true }).click();
    await page.getByText('The store is in order').waitFor();
    await page.getByRole('heading', { name: 'What the repair did' }).waitFor();
    expect(actor.command('ls', [join(actor.graphRoot, 'trash')]).stdout).not.toContain('fff');
  });

  test('nothing was done that a page must not do', () => {
    expect(session.misdeeds).toEqual([]);
  });
});
