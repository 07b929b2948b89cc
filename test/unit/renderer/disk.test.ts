import { parse } from 'valibot';
import { describe, expect, test } from 'vitest';
import { containerId, imageId } from '../../../src-main/contract/ids.ts';
import type { PrunePlan } from '../../../src-main/contract/trash.ts';
import { changesStore } from '../../../src-renderer/client/changes.ts';
import { estimate, keptRows, leaveOut, planRows, toOrder } from '../../../src-renderer/features/disk/plan.ts';
import { problemText } from '../../../src-renderer/features/disk/problem-words.ts';
import { sharesOf } from '../../../src-renderer/features/disk/shares.ts';
import { isObjectName, nameProposal } from '../../../src-renderer/features/disk/trash-words.ts';
import { registryOf, shownName } from '../../../src-renderer/features/images/names.ts';
import { stepsOf } from '../../../src-renderer/features/images/steps.ts';

const id = (digit: string) => digit.repeat(64);
const plan: PrunePlan = {
  containers: [
    { id: parse(containerId, id('c')), name: 'job', image: 'app', state: 'exited', sizeBytes: 10, lastUsedAt: 1 },
    { id: parse(containerId, id('d')), name: 'other', image: 'app', state: 'exited', sizeBytes: 20, lastUsedAt: 1 },
  ],
  volumes: [{ name: 'job', sizeBytes: 100, lastUsedAt: 1, usedBy: ['job'] }],
  images: [
    { id: parse(imageId, id('1')), names: ['app:1'], uniqueBytes: 1000, lastUsedAt: 1, usedBy: ['job', 'other'] },
    { id: parse(imageId, id('2')), names: [], uniqueBytes: 2000, lastUsedAt: 1, usedBy: [] },
  ],
  totalBytes: 4000,
  kept: [],
};
const rows = planRows(plan);
const none: ReadonlySet<string> = new Set();
const all = new Set(rows.map(({ key }) => key));
const without = (...keys: string[]) => new Set([...all].filter((key) => !keys.includes(key)));
const job = `container ${id('c')}`;

describe('a plan of which something is left out', () => {
  test('a volume and a container of one name are two things', () => {
    expect(all.size).toBe(5);
  });

  test('what a left-out container needs stays with it, and comes back with it', () => {
    const leftOut = leaveOut(rows, none, without(job));
    expect([...leftOut]).toEqual([job]);
    const kept = keptRows(rows, leftOut);
    expect([...kept].sort()).toEqual([job, `image ${id('1')}`, 'volume job'].sort());
    expect(toOrder(plan, kept, true)).toEqual({
      containers: [id('d')],
      volumes: [],
      images: [{ id: id('2'), names: [] }],
      trash: true,
    });
    expect(leaveOut(rows, leftOut, new Set([...without(...kept), job])).size).toBe(0);
  });

  test('to tick what it needs takes the container in again', () => {
    const leftOut = new Set([job]);
    const ticked = new Set([...without(...keptRows(rows, leftOut)), 'volume job']);
    expect(leaveOut(rows, leftOut, ticked).size).toBe(0);
  });

  test('the whole plan is exact; a part of it with several images is at least so much', () => {
    expect(estimate(plan, rows, none)).toEqual({ bytes: 4000, atLeast: false });
    expect(estimate(plan, rows, new Set(['volume job']))).toEqual({ bytes: 3030, atLeast: true });
    expect(estimate(plan, rows, keptRows(rows, new Set([job])))).toEqual({ bytes: 2020, atLeast: false });
  });
});

test('shared and exclusive bytes are those of the layers, each once', () => {
  const image = {
    id: parse(imageId, id('1')),
    names: ['a'],
    createdAt: 1,
    sizeBytes: 700,
    sharedBytes: 400,
    uniqueBytes: 300,
    containers: 1,
  };
  const shares = sharesOf({
    images: [image, { ...image, names: [], sizeBytes: 500, uniqueBytes: 100, containers: 0 }],
    imageBytes: 800,
    containers: [],
    volumes: [{ name: 'v', links: 0, sizeBytes: 50 }],
    reclaimable: { imageBytes: 0, containerBytes: 0, volumeBytes: 50 },
    trash: { entries: 1, bytes: 7 },
  });
  expect(shares).toEqual({
    sharedBytes: 400,
    exclusiveBytes: 400,
    containerBytes: 0,
    volumeBytes: 50,
    trashBytes: 7,
    totalBytes: 857,
    leftovers: { count: 1, bytes: 100 },
  });
});

test('another name for what comes back is free, and one that the engine takes', () => {
  expect(nameProposal('web', new Set(['web', 'web-2']))).toBe('web-3');
  expect(['web-2', '-x', 'a b', '', 'x'.repeat(256)].map(isObjectName)).toEqual([true, false, false, false, false]);
});

test('what a container does while it runs measures nothing anew', () => {
  expect(changesStore({ type: 'container', status: 'exec_died' })).toBe(false);
  expect(changesStore({ type: 'container', status: 'remove' })).toBe(true);
  expect(changesStore({ type: 'volume', status: 'create' })).toBe(true);
});

test('a problem that a newer engine names has words, too', () => {
  expect([problemText('damaged-layer'), problemText('haunted-layer')]).toEqual(['repair.kind.damaged-layer', 'repair.kind.other']);
});

test.each([
  ['registry.example.org:5000/team/app:1', 'registry.example.org:5000'],
  ['docker://quay.io/app', 'quay.io'],
  ['localhost/app', 'localhost'],
  ['team/app', ''],
  ['app', ''],
])('the registry of %s is %s', (reference, registry) => {
  expect(registryOf(reference)).toBe(registry);
});

test('an image is called by its first name, or by its id', () => {
  expect([shownName({ id: id('1'), names: ['docker.io/library/nginx:1', 'x:2'] }), shownName({ id: id('1'), names: [] })]).toEqual([
    'nginx:1',
    '111111111111',
  ]);
});

describe('how an image was made', () => {
  const layer = (digit: string, images = 1) => ({ diffId: `sha256:${id(digit)}` as never, sizeBytes: 1, images });
  const step = (createdBy: string, emptyLayer = false) => ({ createdAt: 5, createdBy, comment: '', emptyLayer });

  test('the newest first; each layer at the step that left it; as a person would have written it', () => {
    const steps = stepsOf({
      history: [
        step('/bin/sh -c #(nop) ADD file:x in / '),
        step('/bin/sh -c #(nop)  CMD ["sh"]', true),
        step('/bin/sh -c apk add curl # buildkit'),
      ],
      layers: [layer('a', 3), layer('b')],
    });
    expect(steps.map(({ createdBy, layer: left }) => [createdBy, left?.diffId.slice(7, 8)])).toEqual([
      ['RUN apk add curl', 'b'],
      ['CMD ["sh"]', undefined],
      ['ADD file:x in /', 'a'],
    ]);
  });

  test('layers of which no history tells stand at the bottom', () => {
    const steps = stepsOf({ history: [step('COPY . /')], layers: [layer('a'), layer('b')] });
    expect(steps.map(({ createdBy, layer: left }) => [createdBy, left?.diffId.slice(7, 8)])).toEqual([
      ['COPY . /', 'b'],
      ['', 'a'],
    ]);
  });
});
