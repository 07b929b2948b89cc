/** A container's life once per way of keeping trees, from an image of three layers to nothing left, by the command line. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import tar from 'tar-stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import { Actor, actors } from '../../support/actor.ts';
import { makeImage } from '../image/test-image.ts';

interface Way {
  readonly name: string;
  readonly driver: 'overlay' | 'vfs';
  readonly environment: Readonly<Record<string, string>>;
}

const ways: readonly Way[] = [
  { name: 'overlay', driver: 'overlay', environment: {} },
  {
    name: 'fuse-overlayfs as mount_program',
    driver: 'overlay',
    environment: { STORAGE_DRIVER: 'overlay', STORAGE_OPTS: 'overlay.mount_program=/usr/bin/fuse-overlayfs' },
  },
  { name: 'vfs', driver: 'vfs', environment: { STORAGE_DRIVER: 'vfs' } },
];

const system = createLinuxSystem();
const applets = ['sh', 'cat', 'ls', 'stat', 'sleep', 'mkdir', 'rm', 'mv', 'ln', 'echo', 'chmod'];

type Entry = Partial<tar.Header> & { readonly content?: Buffer | string };

async function archiveOf(entries: Readonly<Record<string, Entry>>): Promise<Buffer> {
  const pack = tar.pack();
  for (const [name, { content = '', ...headers }] of Object.entries(entries))
    pack.entry({ name, mtime: new Date(1_700_000_000_000), mode: 0o755, ...headers }, Buffer.from(content));
  pack.finalize();
  return buffer(pack);
}

async function threeLayers(): Promise<Buffer> {
  const image = makeImage(
    [
      await archiveOf({
        'bin/': { type: 'directory' },
        'bin/busybox': { content: readFileSync('/bin/busybox') },
        ...Object.fromEntries(applets.map((name) => [`bin/${name}`, { type: 'symlink', linkname: 'busybox' } as const])),
        'opaque/old': { content: 'old' },
        'folder/kept': { content: 'kept' },
        'folder/gone': { content: 'gone' },
        'becomes-folder': { content: 'file' },
      }),
      await archiveOf({
        'folder/.wh.gone': {},
        'opaque/.wh..wh..opq': {},
        'opaque/new': { content: 'new', mode: 0o4711, uid: 3, gid: 4 },
        'opaque/linked': { type: 'link', linkname: 'opaque/new' },
        'becomes-folder/in': { content: 'in' },
      }),
      await archiveOf({ 'folder/.wh.kept': {}, 'folder/kept': { content: 'again' }, top: { content: 'top' } }),
    ],
    { compression: 'none', extra: { config: { Cmd: ['sh'], Env: ['PATH=/bin'] } } },
  );
  const names = image.layers.map((_, index) => `${String(index)}.tar`);
  const manifest = [{ Config: 'config.json', RepoTags: ['localhost/three:1'], Layers: names }];
  return archiveOf({
    'config.json': { content: image.config.bytes },
    ...Object.fromEntries(image.layers.map(({ tar: content }, index) => [`${String(index)}.tar`, { content }])),
    'manifest.json': { content: JSON.stringify(manifest) },
  });
}

for (const { actor: name, skip, title } of actors()) {
  describe.skipIf(skip).each(ways)(`${title}: $name`, (way) => {
    const lack =
      way.name.startsWith('fuse') && system.processes.find('/usr/bin/fuse-overlayfs') === undefined
        ? ' (fuse-overlayfs is not installed)'
        : '';
    let actor: Actor;
    const selkie = (...args: string[]) => actor.selkie(args, { environment: way.environment });
    const must = (...args: string[]) => actor.must(args, { environment: way.environment });
    beforeAll(() => {
      actor = new Actor(name);
    });
    afterAll(async () => {
      const leaks = await actor.leaks();
      await actor[Symbol.asyncDispose]();
      expect(leaks).toEqual([]);
    });

    test.skipIf(lack !== '')(`an image's layers are seen as they should, and saved as they came${lack}`, async () => {
      const archive = join(actor.directory, 'three.tar');
      writeFileSync(archive, await threeLayers(), { mode: 0o644 });
      must('load', '-i', archive);
      expect(must('info', '--format', '{{.Store.GraphDriverName}}')).toBe(way.driver);
      const script =
        'cd /; ls folder opaque becomes-folder; cat folder/kept top; stat -c "%a %u %g %h" opaque/new; [ opaque/new -ef opaque/linked ] && echo same';
      expect(must('run', '--rm', '--network', 'none', 'localhost/three:1', 'sh', '-c', script).split('\n')).toEqual([
        ...['becomes-folder:', 'in', '', 'folder:', 'kept', '', 'opaque:', 'linked', 'new'],
        ...['againtop4711 3 4 2', 'same'],
      ]);
      const layers = must('image', 'inspect', '--format', '{{.RootFS.Layers}}', 'localhost/three:1');
      const saved = join(actor.directory, 'saved.tar');
      must('save', '-o', saved, 'localhost/three:1');
      must('rmi', '--no-trash', 'localhost/three:1');
      must('load', '-i', saved);
      expect(must('image', 'inspect', '--format', '{{.RootFS.Layers}}', 'localhost/three:1')).toBe(layers);
    });

    test.skipIf(lack !== '')(`a container keeps its data over a stop and a start, and leaves nothing${lack}`, () => {
      const run = ['run', '-d', '--name', 'life', '--network', 'none', '--stop-timeout', '1', 'localhost/three:1', 'sh', '-c'];
      // The engine that starts it has ended when this returns: what mounts has to live on.
      must(...run, 'echo begun >> /data; exec sleep 1000');
      must(
        'exec',
        'life',
        'sh',
        '-c',
        'echo more >> /data; rm /top; rm -r /opaque; mkdir /opaque; echo x > /opaque/fresh; mv /folder /moved',
      );
      must('stop', 'life');
      must('start', 'life');
      expect(must('exec', 'life', 'sh', '-c', 'cat /data; ls /opaque /moved; ls /top /folder 2>&1; true')).toMatch(
        /^begun\nmore\nbegun\n\/moved:\nkept\n\n\/opaque:\nfresh\nls: \/top: No such.*\nls: \/folder: No such/,
      );
      // Whether a folder that was made anew is told as changed or as deleted is the driver's; that the commit is right is checked below.
      expect(must('diff', 'life').split('\n')).toEqual(
        expect.arrayContaining(['A /data', 'A /moved', 'A /moved/kept', 'A /opaque/fresh', 'D /folder', 'D /top']),
      );
      must('commit', '-q', 'life', 'localhost/committed');
      must('rm', '-f', '--no-trash', '-t', '0', 'life');
      const script = 'cat /data; ls /opaque; [ -e /top ] || echo no top';
      expect(must('run', '--rm', '--network', 'none', 'localhost/committed', 'sh', '-c', script)).toBe('begun\nmore\nbegun\nfresh\nno top');
      expect(selkie('system', 'check').stdout).not.toMatch(/leaked|stale|orphan/);
      must('rmi', '--all', '--force', '--no-trash');
      const home = join(actor.graphRoot, way.driver);
      expect(readdirSync(home).filter((entry) => !entry.startsWith('.') && entry !== 'l')).toEqual([]);
      for (const folder of ['l', '.trash']) expect(existsSync(join(home, folder)) ? readdirSync(join(home, folder)) : []).toEqual([]);
      expect(actor.mounts().filter((line) => line.includes('/merged'))).toEqual([]);
    });

    test.skipIf(lack !== '')(`another driver is refused with the way out, once there is content${lack}`, () => {
      must('load', '-i', join(actor.directory, 'three.tar'));
      const other = way.driver === 'vfs' ? 'overlay' : 'vfs';
      const result = actor.selkie(['images', '-a', '--storage-driver', other]);
      expect(result.code).toBe(125);
      expect(result.stderr).toContain(`database storage graph driver "${way.driver}" does not match our storage graph driver "${other}"`);
      // Without a wish it is the one that the store is of, whatever would be chosen for a new one.
      expect(actor.must(['images', '-q'])).not.toBe('');
    });
  });
}
