import { describe, expect, test } from 'vitest';
import { parseChanges } from '../../../src-main/engine/image/import-changes.ts';
import { makeConfig } from '../../../src-main/engine/image/import-documents.ts';

const nothing = { exposedPorts: [], environment: [], volumes: [], labels: {}, onBuild: [] };

describe('instructions of --change', () => {
  test('in the words of a Containerfile, with a blank or =', () => {
    expect(
      parseChanges([
        'CMD ["a", "b"]',
        'entrypoint=/bin/sh',
        'ENV A=b "C D"=e F="g h" G=i\\ j',
        'ENV OLD form here',
        'LABEL x=y',
        "LABEL 'a b'='c=d'",
      ]),
    ).toEqual({
      ...nothing,
      command: ['a', 'b'],
      entrypoint: ['/bin/sh', '-c', '/bin/sh'],
      environment: ['A=b', 'C D=e', 'F=g h', 'G=i j', 'OLD=form here'],
      labels: { x: 'y', 'a b': 'c=d' },
    });
    expect(
      parseChanges([
        'EXPOSE 80 53/UDP',
        'VOLUME /a /b',
        'VOLUME ["/c d"]',
        'WORKDIR /a',
        'WORKDIR b/../c',
        'USER bob:users',
        'STOPSIGNAL quit',
        'ONBUILD RUN x',
        'CMD=',
      ]),
    ).toEqual({
      ...nothing,
      exposedPorts: ['80/tcp', '53/udp'],
      volumes: ['/a', '/b', '/c d'],
      workingDirectory: '/a/c',
      user: 'bob:users',
      stopSignal: 'SIGQUIT',
      onBuild: ['RUN x'],
      command: [],
    });
    expect(parseChanges(['STOPSIGNAL 9', 'STOPSIGNAL SIGRTMIN+3']).stopSignal).toBe('SIGRTMIN+3');
  });

  test.each([
    'BAD',
    'FROM scratch',
    'EXPOSE 0',
    'EXPOSE 99999',
    'EXPOSE x',
    'EXPOSE 80/icmp',
    'EXPOSE 1/tcp/x',
    'USER ',
    'VOLUME ',
    'ENV ',
    'ENV =x',
    'ENV A="b',
    'STOPSIGNAL NEVER',
    'constructor x',
  ])('%s is refused', (change) => {
    expect(() => parseChanges([change])).toThrow(`invalid change ${JSON.stringify(change)} - `);
  });

  test('what the base says is kept, whatever it is; single values are replaced, lists grow', () => {
    const base = {
      created: 'x',
      author: 'them',
      container_config: { Image: 'gone' },
      config: {
        Env: ['A=1', 'B=2'],
        Cmd: ['old'],
        Labels: { a: '1' },
        Healthcheck: { Test: ['x'] },
        ExposedPorts: { '1/tcp': {} },
        User: null,
      },
      history: [{ created_by: 'base' }],
    };
    const request = {
      ...{
        base,
        platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
        diffIds: [],
        author: '',
        comment: 'c',
        createdAt: '2026-01-01T00:00:00Z',
      },
      history: { createdBy: 'now', comment: 'c' },
      patch: parseChanges(['ENV B=3 C=4', 'CMD ["new"]', 'LABEL b=2', 'EXPOSE 2']),
    };
    expect(JSON.parse(makeConfig({ ...request, squash: false, format: 'oci' }).toString())).toEqual({
      ...{ created: '2026-01-01T00:00:00Z', author: 'them', os: 'linux', architecture: 'arm64', variant: 'v8' },
      config: {
        Env: ['A=1', 'B=3', 'C=4'],
        Cmd: ['new'],
        Labels: { a: '1', b: '2' },
        Healthcheck: { Test: ['x'] },
        ExposedPorts: { '1/tcp': {}, '2/tcp': {} },
      },
      rootfs: { type: 'layers', diff_ids: [] },
      history: [{ created_by: 'base' }, { created: '2026-01-01T00:00:00Z', created_by: 'now', comment: 'c' }],
    });
    const squashed = JSON.parse(makeConfig({ ...request, squash: true, format: 'docker' }).toString()) as {
      history: unknown[];
      comment: string;
    };
    expect([squashed.history.length, squashed.comment]).toEqual([1, 'c']);
  });
});
