import { describe, expect, test } from 'vitest';
import { parseReference } from '../../../src-main/engine/reference/reference.ts';
import { acceptsIdentity, type SignedIdentity } from '../../../src-main/engine/signature/identity.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const other = `sha256:${'b'.repeat(64)}`;

/** containers-policy.json(5), signedIdentity. */
describe('whether a signature is for what is pulled', () => {
  const table: readonly [rule: SignedIdentity, intended: string | undefined, signed: string, accepted: boolean][] = [
    [{ type: 'matchExact' }, 'r.example/a:1', 'r.example/a:1', true],
    [{ type: 'matchExact' }, 'r.example/a:1', 'r.example/a:2', false],
    [{ type: 'matchExact' }, 'r.example/a:latest', 'r.example/a', false],
    [{ type: 'matchExact' }, `r.example/a@${digest}`, 'r.example/a:1', false],
    [{ type: 'matchExact' }, 'docker.io/library/alpine:3', 'alpine:3', true],
    [{ type: 'matchExact' }, undefined, 'r.example/a:1', false],
    [{ type: 'matchExact' }, 'r.example/a:1', 'R.EXAMPLE/A B', false],
    [{ type: 'matchRepoDigestOrExact' }, 'r.example/a:1', 'r.example/a:1', true],
    [{ type: 'matchRepoDigestOrExact' }, 'r.example/a:1', 'r.example/a:2', false],
    [{ type: 'matchRepoDigestOrExact' }, 'r.example/a:1', 'r.example/a', false],
    [{ type: 'matchRepoDigestOrExact' }, `r.example/a@${digest}`, 'r.example/a:1', true],
    [{ type: 'matchRepoDigestOrExact' }, `r.example/a@${digest}`, `r.example/a@${other}`, true],
    [{ type: 'matchRepoDigestOrExact' }, `r.example/a@${digest}`, 'r.example/b:1', false],
    [{ type: 'matchRepository' }, 'r.example/a:1', 'r.example/a:2', true],
    [{ type: 'matchRepository' }, 'r.example/a:1', 'r.example/a', true],
    [{ type: 'matchRepository' }, 'r.example/a:1', 'r.example/ab:1', false],
    [{ type: 'exactReference', dockerReference: 'r.example/b:1' }, 'r.example/a:1', 'r.example/b:1', true],
    [{ type: 'exactReference', dockerReference: 'r.example/b:1' }, undefined, 'r.example/b:1', true],
    [{ type: 'exactReference', dockerReference: 'r.example/b:1' }, 'r.example/b:1', 'r.example/b:2', false],
    [{ type: 'exactRepository', dockerRepository: 'r.example/b' }, 'r.example/a:1', 'r.example/b:7', true],
    [{ type: 'exactRepository', dockerRepository: 'r.example/b' }, 'r.example/a:1', 'r.example/a:1', false],
    [{ type: 'remapIdentity', prefix: 'mirror.example/up', signedPrefix: 'up.example' }, 'mirror.example/up/a:1', 'up.example/a:1', true],
    [
      { type: 'remapIdentity', prefix: 'mirror.example/up', signedPrefix: 'up.example' },
      'mirror.example/upper/a:1',
      'up.example/a:1',
      false,
    ],
    [{ type: 'remapIdentity', prefix: 'mirror.example/up', signedPrefix: 'up.example' }, 'other.example/a:1', 'other.example/a:1', true],
    [{ type: 'remapIdentity', prefix: 'mirror.example', signedPrefix: 'up.example' }, `mirror.example/a@${digest}`, 'up.example/a:9', true],
    [{ type: 'remapIdentity', prefix: 'mirror.example', signedPrefix: 'up.example' }, 'mirror.example/a:1', 'mirror.example/a:1', false],
  ];

  test.each(table)('%j: %s signed as %s: %s', (rule, intended, signed, accepted) => {
    expect(acceptsIdentity(rule, intended === undefined ? undefined : parseReference(intended), signed)).toBe(accepted);
  });
});
