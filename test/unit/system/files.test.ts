import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

const { files } = createLinuxSystem();
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'selkie-files-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('a durable write replaces the file, sets the mode, leaves no temporary file', () => {
  const path = join(folder, 'durable');
  files.writeDurably(path, 'one', { mode: 0o600 });
  files.writeDurably(path, Buffer.from('two'), { mode: 0o666 });
  expect(readFileSync(path, 'utf8')).toBe('two');
  expect(lstatSync(path).mode & 0o777).toBe(0o666);
  files.writeAtomically(path, 'three');
  expect(files.readTextIfExists(path)).toBe('three');
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('a write into a missing folder says what and where', () => {
  expect(() => files.writeDurably(join(folder, 'missing/file'), 'x')).toThrow(
    expect.objectContaining({ name: 'EngineError', code: 'not-found', message: expect.stringContaining('missing/file') as string }),
  );
});

test('reading what is not there is no error, reading a folder is', () => {
  expect(files.readTextIfExists(join(folder, 'nothing'))).toBeUndefined();
  expect(() => files.readTextIfExists(folder)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
});

test('removeTree never follows a symlink', async () => {
  const outside = join(folder, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'precious'), 'x');
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'a/b'), { recursive: true });
  symlinkSync(outside, join(tree, 'a/link'));
  symlinkSync('/nowhere', join(tree, 'a/b/dangling'));
  symlinkSync(outside, join(folder, 'link-to-folder'));
  await files.removeTree(tree);
  await files.removeTree(join(folder, 'link-to-folder'));
  expect(existsSync(tree)).toBe(false);
  expect(existsSync(join(folder, 'link-to-folder'))).toBe(false);
  expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('x');
});

test('removeTree removes what has no permissions, odd names and nothing at all', async () => {
  const tree = join(folder, 'locked');
  mkdirSync(join(tree, 'in/ner'), { recursive: true });
  writeFileSync(join(tree, 'in/ner/file'), 'x');
  writeFileSync(join(tree, 'new\nline'), 'x');
  chmodSync(join(tree, 'in/ner'), 0o000);
  chmodSync(join(tree, 'in'), 0o555);
  await files.removeTree(tree);
  expect(existsSync(tree)).toBe(false);
  await files.removeTree(tree);
  await files.removeTree(join(folder, 'not/there'));
});

test('removeTree removes folders nested deeper than any path can be', async () => {
  const tree = join(folder, 'deep');
  mkdirSync(tree);
  // Built from below: each round puts the old tree into a new folder.
  const { renameSync } = await import('node:fs');
  for (let level = 0; level < 3000; level++) {
    mkdirSync(join(folder, 'next'));
    renameSync(tree, join(folder, 'next/level-with-a-long-name'));
    renameSync(join(folder, 'next'), tree);
  }
  await files.removeTree(tree);
  expect(existsSync(tree)).toBe(false);
});

test('a watched folder reports a new file and stops when disposed', async () => {
  const watched = join(folder, 'watched');
  files.ensureDirectory(watched);
  const seen = Promise.withResolvers<string>();
  const keepAlive = setTimeout(() => seen.reject(new Error('no event within 5 s')), 5000);
  {
    using _watch = files.watchDirectory(watched, (name) => {
      seen.resolve(name);
    });
    writeFileSync(join(watched, 'exit-1'), '0');
    expect(await seen.promise).toBe('exit-1');
  }
  clearTimeout(keepAlive);
  expect(() => files.watchDirectory(join(folder, 'nope'), () => undefined)).toThrow(expect.objectContaining({ code: 'not-found' }));
});

test('free and total bytes are of the file system', () => {
  expect(files.freeBytes(folder)).toBeGreaterThan(0);
  expect(files.totalBytes(folder)).toBeGreaterThan(files.freeBytes(folder));
});
