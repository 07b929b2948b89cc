import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

const { attributes, cgroups, files, mounts, namespaces, processes } = createLinuxSystem();

describe.skipIf(process.getuid?.() !== 0)('what only root may (needs root)', () => {
  let folder = '';
  const mounted: string[] = [];
  const path = (...names: string[]) => join(folder, ...names);
  const mount = (...parameters: Parameters<typeof mounts.mount>) => {
    mounts.mount(...parameters);
    mounted.push(parameters[1]);
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'selkie-kernel-'));
  });
  afterEach(() => {
    for (const target of mounted.splice(0).reverse()) mounts.unmount(target, { detach: true });
    const left = mounts.list().filter((entry) => entry.mountPoint.startsWith(folder));
    rmSync(folder, { recursive: true, force: true });
    expect(left).toEqual([]);
  });

  test('an overlay is mounted, listed with its options, made read-only, and unmounted', () => {
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(path(name));
    writeFileSync(path('lower/file'), 'below');
    mount(
      'overlay',
      path('merged'),
      'overlay',
      ['nosuid', 'nodev'],
      `lowerdir=${path('lower')},upperdir=${path('upper')},workdir=${path('work')}`,
    );
    expect(readFileSync(path('merged/file'), 'utf8')).toBe('below');
    const entry = mounts.list().find(({ mountPoint }) => mountPoint === path('merged'));
    expect(entry).toMatchObject({ type: 'overlay', options: expect.arrayContaining(['rw', 'nosuid', 'nodev']) as string[] });
    expect(entry?.superOptions).toContain(`upperdir=${path('upper')}`);
    mounts.mount('', path('merged'), '', ['remount', 'bind', 'readonly', 'nosuid', 'nodev']);
    expect(() => files.writeAtomically(path('merged/new'), 'x')).toThrow(
      expect.objectContaining({ code: 'denied', details: expect.objectContaining({ errno: 'EROFS' }) as object }),
    );
    mounts.unmount(path('merged'));
    expect(mounts.isMountPoint(path('merged'))).toBe(false);
    mounts.unmount(path('merged'));
    mounts.unmount(path('nothing'));
  });

  test('a file that is mounted on is a mount point; its propagation is changed', () => {
    writeFileSync(path('source'), 'from');
    writeFileSync(path('target'), 'onto');
    mount(path('source'), path('target'), '', ['bind']);
    expect(mounts.isMountPoint(path('target'))).toBe(true);
    expect(mounts.isMountPoint(path('source'))).toBe(false);
    mounts.mount('', path('target'), '', ['private']);
    mounts.unmount(path('target'), { detach: true });
    expect(readFileSync(path('target'), 'utf8')).toBe('onto');
  });

  test('a tree with something mounted in it is not removed, and what is mounted keeps its files', async () => {
    mkdirSync(path('precious'));
    writeFileSync(path('precious/file'), 'x');
    for (const inner of ['tree/a/mount', 'file-tree']) mkdirSync(path(inner), { recursive: true });
    mount(path('precious'), path('tree/a/mount'), '', ['bind']);
    await expect(files.removeTree(path('tree'))).rejects.toMatchObject({ code: 'in-use', details: { mountPoint: path('tree/a/mount') } });
    await expect(files.removeTree(path('tree/a/mount'))).rejects.toMatchObject({ code: 'in-use' });
    writeFileSync(path('file-tree/target'), '');
    mount(path('precious/file'), path('file-tree/target'), '', ['bind']);
    await expect(files.removeTree(path('file-tree'))).rejects.toMatchObject({ code: 'in-use' });
    expect(readFileSync(path('precious/file'), 'utf8')).toBe('x');
    for (const target of mounted.splice(0)) mounts.unmount(target);
    await files.removeTree(path('tree'));
    expect(existsSync(path('tree'))).toBe(false);
  });

  test('device nodes and trusted attributes, as layers have them', () => {
    attributes.makeNode(path('whiteout'), 0o020000, 0, 0);
    expect(lstatSync(path('whiteout')).rdev).toBe(0);
    mkdirSync(path('opaque'));
    attributes.setXattr(path('opaque'), 'trusted.overlay.opaque', Buffer.from('y'));
    expect(Buffer.from(attributes.getXattr(path('opaque'), 'trusted.overlay.opaque') ?? []).toString()).toBe('y');
    expect(() => attributes.setXattr(path('whiteout'), 'user.x', Buffer.from('y'))).toThrow(expect.objectContaining({ code: 'denied' }));
  });

  test('a network namespace is pinned, usable, and gone again; ours stays ours', async () => {
    const own = readlinkSync('/proc/self/ns/net');
    const target = path('netns', 'one');
    await Promise.all([namespaces.createNetwork(target), namespaces.createNetwork(path('netns', 'two'))]);
    mounted.push(target, path('netns', 'two'));
    const inside = await processes.run('nsenter', [`--net=${target}`, 'cat', '/proc/net/dev']);
    expect(inside.stdout).toMatch(/^\s*lo:/m);
    expect(inside.stdout.trim().split('\n')).toHaveLength(3);
    await expect(namespaces.createNetwork(target)).rejects.toMatchObject({ code: 'already-exists' });
    expect(mounts.isMountPoint(target)).toBe(true);
    expect(readlinkSync('/proc/self/ns/net')).toBe(own);
    for (const name of ['one', 'two']) namespaces.removeNetwork(path('netns', name));
    expect(existsSync(target)).toBe(false);
  });

  test('a namespace that cannot be pinned leaves nothing', async () => {
    mkdirSync(path('blocked'));
    writeFileSync(path('blocked/file'), '');
    await expect(namespaces.createNetwork(path('blocked/file/netns'))).rejects.toMatchObject({ name: 'EngineError' });
  });

  test.skipIf(cgroups.version === 'none')('controllers and accounting of a cgroup are found', () => {
    expect(cgroups.availableControllers()).toEqual(expect.arrayContaining(['memory', 'pids']));
    const usage = cgroups.usageOf(1);
    expect(usage?.memoryBytes).toBeGreaterThan(0);
    expect(usage?.pids).toBeGreaterThan(0);
  });
});
