/** The one command to know, on a machine without a display. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Actor } from '../support/actor.ts';

const root = resolve(import.meta.dirname, '../..');
const built = inject('app') !== undefined;

describe.skipIf(!built)(`npm start ${built ? '' : '(skipped: nothing was built)'}`, () => {
  let actor: Actor;
  beforeAll(() => {
    actor = new Actor(process.getuid?.() === 0 ? 'root' : 'rootless');
  });
  afterAll(async () => {
    const leaks = await actor.leaks();
    await actor[Symbol.asyncDispose]();
    expect(leaks).toEqual([]);
  });

  test('without a display it says so in one line, and serves the interface at the address that it prints', async () => {
    // The set-up's own folders are the person's; only what the engine keeps goes elsewhere.
    const { DISPLAY: _display, WAYLAND_DISPLAY: _wayland, ...environment } = process.env;
    const started = performance.now();
    const child = spawn(process.execPath, ['resources/set-up/main.mjs', 'start', ...actor.globalOptions], {
      cwd: root,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(child, 'exit');
    const errors = text(child.stderr);
    const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    console.log(`npm start: the address after ${Math.round(performance.now() - started)} ms`);
    try {
      expect(url).toMatch(/^http:\/\/selkie\.localhost:\d+\/\?token=[\w-]{43}$/);
      const { port } = new URL(url);
      const at = `http://127.0.0.1:${port}`;
      expect((await fetch(at)).status).toBe(403);
      const entrance = await fetch(url.replace(/^http:\/\/[^/]+/, at), { redirect: 'manual' });
      const cookie = entrance.headers.get('set-cookie')?.split(';')[0] ?? '';
      expect(await (await fetch(at, { headers: { cookie } })).text()).toContain('<div id="root">');
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
    const lines = (await errors).split('\n').filter((line) => line.includes('display'));
    expect(lines).toEqual(['selkie: there is no display: opening the interface in a browser instead of a window']);
  });

  test('a wrong command is refused by name', async () => {
    const child = spawn(process.execPath, [join(root, 'resources/set-up/main.mjs'), 'strat'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(1);
    expect((await output).join('')).toContain('there is no command "strat"');
  });
});
