import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isEngineError } from '../../../src-main/base/errors.ts';
import { DiffWriter } from '../../../src-main/engine/layer/diff-writer.ts';
import { recipeFilesIn } from '../../../src-main/engine/layer/recipe-format.ts';
import { RecipeReader } from '../../../src-main/engine/layer/recipe-reader.ts';
import { RecipeWriter } from '../../../src-main/engine/layer/recipe-writer.ts';
import { TarReader } from '../../../src-main/engine/layer/tar-reader.ts';
import { diskSpaceOf, UnpackBudget } from '../../../src-main/engine/layer/unpack-budget.ts';
import { fixChecksum } from '../../fixtures/layer/archive-writer.ts';
import { seeds } from '../../fixtures/layer/hostile.ts';
import { system } from './sandbox.ts';

export interface FuzzResult {
  readonly rounds: number;
  readonly accepted: number;
  readonly codes: Readonly<Record<string, number>>;
}

/** Mulberry32: the same rounds for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) % below;
  };
}

/**
 * Unpacks mutated archives for so long. Property: whatever they say, nothing beside the layer's own folder changes, what is thrown is an
 * error for people, and what was accepted can be put together again byte for byte. A breach names the seed of its round.
 */
export async function fuzz(base: string, durationMs: number, firstSeed: number): Promise<FuzzResult> {
  mkdirSync(base, { recursive: true });
  const canary = join(base, 'canary');
  mkdirSync(canary);
  writeFileSync(join(canary, 'file'), 'untouched');
  const originals = seeds(canary);
  const codes: Record<string, number> = {};
  let accepted = 0;
  let seed = firstSeed;
  for (const end = performance.now() + durationMs; performance.now() < end; seed += 1) {
    const random = randomFrom(seed);
    const bytes = mutate(originals[random(originals.length)] ?? Buffer.alloc(0), random, canary);
    const code = unpack(base, bytes, 1 + random(bytes.length), seed);
    if (code === undefined) accepted += 1;
    else codes[code] = (codes[code] ?? 0) + 1;
    assert.deepEqual(around(base), ['canary', 'layer', 'file:untouched:1'], `seed ${String(seed)}`);
    await rm(join(base, 'layer'), { recursive: true, force: true });
  }
  return { rounds: seed - firstSeed, accepted, codes };
}

function unpack(base: string, bytes: Buffer, pieceSize: number, seed: number): string | undefined {
  const root = join(base, 'layer', 'diff');
  mkdirSync(root, { recursive: true });
  const files = recipeFilesIn(join(base, 'layer'));
  const recipe = new RecipeWriter(files, () => undefined);
  const writer = new DiffWriter({
    root,
    alias: join(base, 'layer', 'alias'),
    whiteoutForm: 'overlay-char-device',
    xattrPrefix: system.identity.rootless ? 'user.overlay.' : 'trusted.overlay.',
    attributes: system.attributes,
    identity: system.identity,
    umask: 0o777,
    budget: new UnpackBudget(root, () => diskSpaceOf(root)),
    recipe,
    checkpoint: () => undefined,
  });
  const reader = new TarReader(writer);
  try {
    for (let at = 0; at < bytes.length; at += pieceSize) reader.push(bytes.subarray(at, at + pieceSize));
    reader.finish();
    writer.finish();
    recipe.finish();
    using again = new RecipeReader(files, root);
    assert.ok(Buffer.concat([...again.chunks()]).equals(bytes), `seed ${String(seed)} is put together to something else`);
    return undefined;
  } catch (error) {
    if (!isEngineError(error) || error.code === 'internal') throw error;
    return error.code;
  } finally {
    writer.abandon();
    recipe.close();
    assert.deepEqual(
      readdirSync(join(base, 'layer')).filter((name) => name !== 'kept'),
      ['diff', 'recipe'],
    );
  }
}

function around(base: string): string[] {
  const file = join(base, 'canary', 'file');
  return [
    ...readdirSync(base),
    ...readdirSync(join(base, 'canary')).map((name) => `${name}:${readFileSync(file, 'utf8')}:${String(statSync(file).nlink)}`),
  ];
}

/** Changes blocks as a whole, so that most results still have valid checksums and get far. */
function mutate(original: Buffer, random: (below: number) => number, canary: string): Buffer {
  const blocks = Array.from({ length: original.length / 512 }, (_, index) =>
    Buffer.from(original.subarray(index * 512, (index + 1) * 512)),
  );
  const names = [
    '',
    '.',
    '..',
    '../x',
    '/',
    canary,
    `${canary}/file`,
    's/../..',
    'out/file',
    'd',
    's',
    'd/f',
    '.wh.d',
    '.wh..wh..opq',
    '.wh.',
    'd/.wh.f',
    '\xff\xfe',
    'a'.repeat(100),
  ];
  for (let changes = 1 + random(6); changes > 0; changes -= 1) {
    const at = random(blocks.length);
    const block = blocks[at] ?? Buffer.alloc(512);
    switch (random(9)) {
      case 0:
        block[random(512)] = random(256);
        break;
      case 1:
        block.fill(0, 0, 100).write(names[random(names.length)] ?? '', 0, 100, 'latin1');
        break;
      case 2:
        block.fill(0, 157, 257).write(names[random(names.length)] ?? '', 157, 100, 'latin1');
        break;
      case 3:
        block.write('01234567xgLKSVZ\0'.charAt(random(16)), 156, 'latin1');
        break;
      case 4:
        blocks.splice(random(blocks.length), 0, Buffer.from(block));
        break;
      case 5:
        blocks.splice(at, 1);
        break;
      case 6:
        for (let offset = 124 + random(12), count = 1 + random(4); count > 0; count -= 1)
          block[offset + count - 1] = random(3) === 0 ? random(256) : 0x30 + random(8);
        break;
      case 7:
        block[100 + random(48)] = 0x30 + random(8);
        break;
      default: {
        const other = random(blocks.length);
        [blocks[at], blocks[other]] = [blocks[other] ?? block, block];
      }
    }
    if (random(5) > 0 && block.toString('latin1', 257, 262) === 'ustar') fixChecksum(block);
  }
  const whole = Buffer.concat(blocks);
  return random(10) === 0 ? whole.subarray(0, random(whole.length + 1)) : whole;
}
