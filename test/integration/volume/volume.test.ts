import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openState, type ContainerRecord, type State } from '../../../src-main/engine/state/state.ts';
import { createVolumeStore, type VolumeStore } from '../../../src-main/engine/volume/volume.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

const system = createLinuxSystem();
const isRoot = system.identity.uid === 0;

let root: string;
let state: State;
let volumes: VolumeStore;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'selkie-volume-'));
  state = openState({ graphRoot: join(root, 'graph'), runRoot: join(root, 'run'), system });
  volumes = createVolumeStore({ config: { graphRoot: join(root, 'graph') }, state, system });
});
afterEach(() => {
  state[Symbol.dispose]();
  rmSync(root, { recursive: true, force: true });
});

/** A container's record with one volume; the rest does not matter here. */
function containerWith(volumeName: string): ContainerRecord {
  const mount = {
    type: 'volume',
    source: volumeName,
    hostPath: '',
    target: '/data',
    readOnly: false,
    options: [],
    volumeName,
    anonymous: false,
  };
  const id = createHash('sha256').update(volumeName).digest('hex');
  return {
    id,
    name: 'user',
    imageId: id,
    createdAt: 1,
    config: { mounts: [mount], ports: [], networkMode: 'none' },
    state: 'exited',
    pid: 0,
    pidStartTime: 0,
    conmonPid: 0,
    conmonStartTime: 0,
    startedAt: undefined,
    finishedAt: undefined,
    exitCode: 0,
    oomKilled: false,
    error: '',
    restartCount: 0,
    stoppedByUser: false,
    network: undefined,
    networkState: undefined,
    bootId: '',
  } as unknown as ContainerRecord;
}

describe('names', () => {
  test.each(['../x', '.', '..', 'a/b', '', '-a', 'ä', `a${'b'.repeat(255)}`, 'a\0b', '.removed-x'])(
    '%j is refused before it becomes a path',
    (name) => {
      expect(() => volumes.path(name)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    },
  );

  test('an anonymous one has a 64-digit name, and ensure is idempotent', async () => {
    const anonymous = await volumes.ensure('');
    expect(anonymous.name).toMatch(/^[0-9a-f]{64}$/);
    expect(anonymous.anonymous).toBe(true);
    expect(await volumes.ensure(anonymous.name)).toEqual(anonymous);
    expect((await volumes.ensure('data', { labels: { a: 'b' } })).labels).toEqual({ a: 'b' });
    await expect(volumes.create('data', {})).rejects.toMatchObject({ code: 'already-exists' });
  });

  test('twenty at once make one', async () => {
    const records = await Promise.all(Array.from({ length: 20 }, () => volumes.ensure('shared')));
    expect(new Set(records.map((record) => JSON.stringify(record))).size).toBe(1);
    expect(volumes.list()).toHaveLength(1);
  });
});

describe('remove', () => {
  test('is refused while a container, running or not, has it; the data stays', async () => {
    await volumes.create('data', {});
    writeFileSync(join(volumes.path('data'), 'precious'), 'x');
    state.containers.insert(containerWith('data'));
    await expect(volumes.remove('data')).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining('user') as unknown });
    expect(readFileSync(join(volumes.path('data'), 'precious'), 'utf8')).toBe('x');
  });

  test('takes the folder along, and what a crashed removal left', async () => {
    await volumes.create('data', {});
    await volumes.create('other', {});
    const left = join(root, 'graph/volumes/.removed-old-1234/_data');
    mkdirSync(left, { recursive: true });
    await volumes.remove('data');
    expect(readdirSync(join(root, 'graph/volumes'))).toEqual(['other']);
    await expect(volumes.remove('data')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('a folder without a record keeps its content when the name is made again', async () => {
    mkdirSync(join(root, 'graph/volumes/lost/_data'), { recursive: true });
    writeFileSync(join(root, 'graph/volumes/lost/_data/file'), 'still here');
    await volumes.ensure('lost');
    expect(readFileSync(join(volumes.path('lost'), 'file'), 'utf8')).toBe('still here');
  });
});

describe('populate', () => {
  let image: string;
  beforeEach(() => {
    image = join(root, 'image');
    mkdirSync(join(image, 'data/deep/er'), { recursive: true });
    writeFileSync(join(image, 'data/deep/er/file'), 'content', { mode: 0o640 });
    symlinkSync('/etc/passwd', join(image, 'data/link'));
  });

  /** Everything that ls, stat and getfattr would show. */
  function listing(directory: string): string {
    return execFileSync('find', ['.', '-printf', '%P %y %m %U %G %n %l %s %T@\n'], { cwd: directory, encoding: 'utf8' })
      .split('\n')
      .sort()
      .join('\n');
  }

  test('copies modes, times, links and holes as they are', async () => {
    execFileSync(
      'sh',
      [
        '-ec',
        `cd data; ln deep/er/file hard; truncate -s 64M hole; printf x >>hole; mkfifo pipe; chmod 4755 deep/er/file; chmod 1777 deep;
       touch -h -d '2001-02-03 04:05:06.123456789' link deep/er/file; touch -d '1960-01-01' .; printf '' >"$(printf 'not\\377utf8')"`,
      ],
      { cwd: image },
    );
    if (isRoot) execFileSync('sh', ['-ec', 'chown 12345:54321 data/deep; chown -h 7:8 data/link; mknod data/null c 1 3'], { cwd: image });
    await volumes.ensure('v');
    await volumes.populate('v', join(image, 'data'));
    expect(listing(volumes.path('v'))).toBe(listing(join(image, 'data')));
    expect(lstatSync(join(volumes.path('v'), 'hole')).blocks).toBeLessThan(4096);
    expect(readlinkSync(join(volumes.path('v'), 'link'))).toBe('/etc/passwd');
    expect(existsSync(join(root, 'graph/volumes/v/copying'))).toBe(false);
  });

  test.skipIf(!isRoot)('copies extended attributes and capabilities (needs root)', async () => {
    const file = join(image, 'data/deep/er/file');
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
    system.attributes.setXattr(file, 'user.comment', Buffer.from('hello'));
    system.attributes.setXattr(file, 'security.capability', capability);
    await volumes.ensure('v');
    await volumes.populate('v', join(image, 'data'));
    const copy = join(volumes.path('v'), 'deep/er/file');
    expect(Buffer.from(system.attributes.getXattr(copy, 'user.comment') ?? []).toString()).toBe('hello');
    expect(Buffer.from(system.attributes.getXattr(copy, 'security.capability') ?? [])).toEqual(capability);
  });

  test('only once, and only into an empty one', async () => {
    await volumes.ensure('once');
    await volumes.populate('once', join(image, 'data'));
    rmSync(join(volumes.path('once'), 'deep'), { recursive: true });
    rmSync(join(volumes.path('once'), 'link'));
    await volumes.populate('once', join(image, 'data'));
    expect(readdirSync(volumes.path('once'))).toEqual([]);

    await volumes.ensure('full');
    writeFileSync(join(volumes.path('full'), 'mine'), 'x');
    await volumes.populate('full', join(image, 'data'));
    expect(readdirSync(volumes.path('full'))).toEqual(['mine']);
  });

  test('goes on after an interruption, and leaves alone what is there', async () => {
    await volumes.ensure('v');
    writeFileSync(join(root, 'graph/volumes/v/copy-up'), 'started');
    mkdirSync(join(root, 'graph/volumes/v/copying'));
    writeFileSync(join(root, 'graph/volumes/v/copying/entry'), 'half');
    mkdirSync(join(volumes.path('v'), 'deep/er'), { recursive: true });
    writeFileSync(join(volumes.path('v'), 'link'), 'mine');
    await volumes.populate('v', join(image, 'data'));
    expect(readFileSync(join(volumes.path('v'), 'deep/er/file'), 'utf8')).toBe('content');
    expect(readFileSync(join(volumes.path('v'), 'link'), 'utf8')).toBe('mine');
  });

  test('a symlink on the way does not lead out of the image', async () => {
    const outside = join(root, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret'), 'host');
    symlinkSync(outside, join(image, 'escape'));
    symlinkSync('../'.repeat(40) + outside.slice(1), join(image, 'climb'));
    for (const [index, path] of ['/escape', '/climb', '/nothing', '/data/deep/er/file'].entries()) {
      await volumes.ensure(`v${index}`);
      await volumes.populate(`v${index}`, image, path);
      expect(readdirSync(volumes.path(`v${index}`))).toEqual([]);
    }
    // Without a root to resolve in, a symlink as the folder itself is not followed either.
    await volumes.ensure('plain');
    await volumes.populate('plain', join(image, 'escape'));
    expect(readdirSync(volumes.path('plain'))).toEqual([]);
    // A symlink inside of the image is followed as the container would.
    symlinkSync('/data', join(image, 'inside'));
    await volumes.ensure('good');
    await volumes.populate('good', image, '/inside');
    expect(readdirSync(volumes.path('good')).sort()).toEqual(['deep', 'link']);
  });
});
