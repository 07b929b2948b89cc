import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { ErrorData } from '../../../src-main/base/errors.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import type { Place } from './probe.ts';

const project = join(import.meta.dirname, '../../..');
const { processes, cgroups } = createLinuxSystem();
const isRoot = process.getuid?.() === 0;
const user = inject('rootlessUser');
let installation = '';

/** An installation with the real launcher and the probe in the command line's place, which every user can read. */
beforeAll(async () => {
  installation = mkdtempSync('/tmp/selkie-launch-');
  await build({
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true, external: ['koffi'] },
    build: {
      ssr: join(import.meta.dirname, 'probe.ts'),
      outDir: join(installation, 'out/main'),
      target: 'node22',
      minify: false,
      rolldownOptions: { output: { entryFileNames: 'cli.js' } },
    },
  });
  cpSync(join(project, 'resources/bin'), join(installation, 'resources/bin'), { recursive: true });
  for (const library of ['koffi', '@koromix'])
    cpSync(join(project, 'node_modules', library), join(installation, 'node_modules', library), { recursive: true });
  writeFileSync(join(installation, 'package.json'), '{"type":"module"}');
  const runtime = join(installation, 'node_modules/.cache/selkie/node/bin');
  mkdirSync(runtime, { recursive: true });
  cpSync(process.execPath, join(runtime, 'node'));
  spawnSync('chmod', ['-R', 'a+rX', installation]);
});
afterAll(() => {
  rmSync(installation, { recursive: true, force: true });
});

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One user with a tmp folder of its own; what the pause process holds ends with it. */
class Person {
  readonly folder: string;
  readonly #prefix: readonly string[];
  readonly #children: ChildProcess[] = [];
  readonly #pauses = new Set<number>();

  constructor(uid: number, gid: number) {
    this.folder = mkdtempSync('/tmp/selkie-sandbox-');
    chownSync(this.folder, uid, gid);
    this.#prefix = uid === process.getuid?.() ? ['env'] : ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--'];
  }

  get record(): string {
    return join(this.folder, 'tmp/pause.pid');
  }

  pausePid(): number {
    const pid = Number(readFileSync(this.record, 'utf8').split(' ')[0]);
    this.#pauses.add(pid);
    return pid;
  }

  command(words: readonly string[]): [string, string[]] {
    const [program = '', ...rest] = this.#prefix;
    return [program, [...rest, ...words]];
  }

  selkie(
    verb: string,
    words: readonly string[] = [],
    options: { input?: string; cwd?: string; launcher?: string; environment?: NodeJS.ProcessEnv } = {},
  ): Result {
    const [program, args] = this.command([
      options.launcher ?? join(installation, 'resources/bin/selkie'),
      `--tmpdir=${join(this.folder, 'tmp')}`,
      verb,
      ...words,
    ]);
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: options.cwd ?? this.folder,
      input: options.input ?? '',
      encoding: 'utf8',
      env: { ...process.env, HOME: this.folder, XDG_RUNTIME_DIR: '', ...options.environment },
    });
    return { code: status, stdout, stderr };
  }

  place(...parameters: Parameters<Person['selkie']> extends [string, ...infer Rest] ? Rest : never): Place {
    const result = this.selkie('place', ...parameters);
    if (result.code !== 7) throw new Error(`status ${String(result.code)}: ${result.stderr}`);
    this.pausePid();
    return JSON.parse(result.stdout) as Place;
  }

  /** Starts it and answers once it has said something. */
  async start(verb: string): Promise<{ child: ChildProcess; place: Place }> {
    const [program, args] = this.command([join(installation, 'resources/bin/selkie'), `--tmpdir=${join(this.folder, 'tmp')}`, verb]);
    const child = spawn(program, args, {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, HOME: this.folder, XDG_RUNTIME_DIR: '' },
    });
    this.#children.push(child);
    const [data] = (await once(child.stdout as NodeJS.EventEmitter, 'data')) as [Buffer];
    return { child, place: JSON.parse(data.toString()) as Place };
  }

  async dispose(): Promise<void> {
    for (const child of this.#children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    if (statSync(this.record, { throwIfNoEntry: false })) this.pausePid();
    for (const pid of this.#pauses) processes.signal(pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const nobodyHasTools =
  user === undefined ? inject('rootlessReason') : processes.find('newuidmap') === undefined ? 'no newuidmap' : undefined;

describe.skipIf(nobodyHasTools !== undefined)(
  `the sandbox of an ordinary user${nobodyHasTools === undefined ? '' : ` (${nobodyHasTools})`}`,
  () => {
    let person: Person;
    beforeEach(() => {
      person = new Person(user?.uid ?? 0, user?.gid ?? 0);
    });
    afterEach(async () => {
      await person.dispose();
    });

    test('the first makes it, the next join it; input, words, folder and status go through', () => {
      const first = person.place([], { input: 'by the way in' });
      const words = ['two words', '', 'a\nline', '$HOME', '"'];
      const second = person.place(words, { input: 'hello' });
      expect(first.uid).toBe(0);
      expect(first.userNamespace).not.toBe(readlinkSync('/proc/self/ns/user'));
      expect(second).toEqual({ ...first, words, input: 'hello' });
      expect(first.input).toBe('by the way in');
      expect(second.workingDirectory).toBe(person.folder);
      expect(second.leftover).toBeUndefined();
      expect(second.cgroups).not.toBe('hybrid');
      const map = readFileSync(`/proc/${person.pausePid()}/uid_map`, 'utf8').trim().split(/\s+/).map(Number);
      expect(map.slice(0, 4)).toEqual([0, user?.uid, 1, 1]);
      expect(map[5]).toBeGreaterThanOrEqual(65_536);
    });

    test('the pause process costs less than 1 MB', () => {
      person.place();
      const rollup = readFileSync(`/proc/${person.pausePid()}/smaps_rollup`, 'utf8');
      expect(Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1])).toBeLessThan(1024);
    });

    test('eight that start at once end in the same one, with one pause process', async () => {
      const started = await Promise.all(Array.from({ length: 8 }, () => person.start('hold')));
      expect(new Set(started.map(({ place }) => `${place.userNamespace} ${place.mountNamespace}`)).size).toBe(1);
      const inside = readdirSync('/proc').filter(
        (pid) => /^\d+$/.test(pid) && linkOf(`/proc/${pid}/ns/mnt`) === started[0]?.place.mountNamespace,
      );
      expect(inside).toHaveLength(9);
    });

    test('an overlay with whiteout and attribute works in there, and every engine sees it', () => {
      const base = join(person.folder, 'layers');
      const expected = { mounted: true, written: 'above', seen: 'x' };
      const environment = { USERXATTR: ',userxattr' };
      expect(JSON.parse(person.selkie('overlay', [base], { environment }).stdout)).toEqual(expected);
      expect(JSON.parse(person.selkie('look', [base]).stdout)).toEqual(expected);
      expect(readdirSync(join(base, 'merged'))).toEqual([]);
    });

    test('a network namespace is pinned without leaving our own', () => {
      const path = join(person.folder, 'netns/one');
      expect(JSON.parse(person.selkie('network', [path]).stdout)).toEqual({
        pinned: true,
        stayed: true,
        again: 'already-exists',
        left: false,
      });
    });

    test('a killed pause process: the namespaces of what still lives are held again', async () => {
      const { place } = await person.start('hold');
      const old = person.pausePid();
      processes.signal(old, 'SIGKILL');
      const again = person.place();
      expect(again.mountNamespace).toBe(place.mountNamespace);
      expect(person.pausePid()).not.toBe(old);
    });

    test('a killed pause process and nothing left alive: a new one', async () => {
      const { child, place } = await person.start('hold');
      child.kill('SIGKILL');
      await once(child, 'exit');
      processes.signal(person.pausePid(), 'SIGKILL');
      const again = person.place();
      expect(again.uid).toBe(0);
      expect(processes.startTime(person.pausePid())).toBeDefined();
      expect(again.words).toEqual(place.words);
    });

    test.each([
      ['another process that got its number', (pid: number) => `${pid} ${(processes.startTime(pid) ?? 0) + 1} mnt:[1]\n`],
      ['a living process that holds nothing', (pid: number) => `${pid} ${processes.startTime(pid) ?? 0} mnt:[1]\n`],
      ['nonsense', () => '../../etc $(reboot) `x`\n'],
      ['nothing', () => ''],
    ])('a record that names %s is not believed', async (_what, write) => {
      const [program, args] = person.command(['sleep', '60']);
      const stranger = spawn(program, args, { stdio: 'ignore' });
      await once(stranger, 'spawn');
      mkdirSync(dirname(person.record), { mode: 0o700 });
      writeFileSync(person.record, write(stranger.pid ?? 0));
      for (const path of [dirname(person.record), person.record]) chownSync(path, user?.uid ?? 0, user?.gid ?? 0);
      const found = person.selkie('place');
      stranger.kill('SIGKILL');
      await once(stranger, 'exit');
      // The launcher alone would join the second; nsenter then refuses, and nothing ran in the wrong place.
      if (found.code === 7) expect((JSON.parse(found.stdout) as Place).uid).toBe(0);
      else expect(found.stderr).toMatch(/nsenter/);
    });

    test('the launcher is found through symlinks, relative ones too, and by PATH', () => {
      const folder = join(person.folder, 'bin');
      mkdirSync(folder);
      symlinkSync(join(installation, 'resources/bin/selkie'), join(folder, 'absolute'));
      symlinkSync('absolute', join(folder, 'selkie'));
      expect(person.place([], { launcher: join(folder, 'selkie') }).uid).toBe(0);
      expect(person.place([], { launcher: './bin/selkie' }).uid).toBe(0);
      expect(person.place([], { launcher: 'selkie', environment: { PATH: `${folder}:${process.env['PATH'] ?? ''}` } }).uid).toBe(0);
    });

    test('a folder that the user may not enter inside is no reason to fail', () => {
      expect(person.place([], { cwd: '/root' }).uid).toBe(0);
    });
  },
);

describe('what cannot work is refused in words, with the fix', () => {
  test.skipIf(!isRoot)('a user without subordinate ids (needs root, to be another user)', async () => {
    const person = new Person(65_534, 65_534);
    const result = person.selkie('place');
    await person.dispose();
    expect(result.code).toBe(125);
    const { code, message, fix } = JSON.parse(result.stderr) as ErrorData;
    expect(code).toBe('denied');
    expect(message).toMatch(/no range of ids in \/etc\/subuid and \/etc\/subgid/);
    expect(fix).toMatch(/sudo usermod --add-subuids \d+-\d+ --add-subgids \d+-\d+ /);
  });

  test.skipIf(!isRoot || user === undefined)('a tmp folder that belongs to somebody else (needs root and an ordinary user)', async () => {
    const person = new Person(user?.uid ?? 0, user?.gid ?? 0);
    mkdirSync(join(person.folder, 'tmp'), { mode: 0o777 });
    const result = person.selkie('place');
    await person.dispose();
    expect(result.code).toBe(125);
    expect(JSON.parse(result.stderr)).toMatchObject({ code: 'denied', message: expect.stringContaining('another user') as string });
  });

  test.skipIf(user === undefined)('a namespace with a single id (needs an ordinary user)', async () => {
    const person = new Person(user?.uid ?? 0, user?.gid ?? 0);
    const [program, args] = person.command([
      'unshare',
      '--user',
      '--map-root-user',
      join(installation, 'resources/bin/selkie'),
      `--tmpdir=${join(person.folder, 'tmp')}`,
      'place',
    ]);
    const result = spawnSync(program, args, { cwd: person.folder, encoding: 'utf8', input: '' });
    await person.dispose();
    expect(result.status).toBe(125);
    expect(JSON.parse(result.stderr)).toMatchObject({ code: 'denied', fix: expect.stringContaining('outside') as string });
  });
});

describe.skipIf(!isRoot)('the sandbox of root (needs root)', () => {
  test('only a host with hybrid cgroups has one, and in there the v2 part is gone', async () => {
    const person = new Person(0, 0);
    const base = join(person.folder, 'layers');
    try {
      const hybrid = cgroups.version === 'hybrid';
      const result = person.selkie('place');
      expect(result.code).toBe(7);
      const first = JSON.parse(result.stdout) as Place;
      expect(first.userNamespace).toBe(readlinkSync('/proc/self/ns/user'));
      expect(first.mountNamespace !== readlinkSync('/proc/self/ns/mnt')).toBe(hybrid);
      expect(first.cgroups).toBe(hybrid ? 'v1' : cgroups.version);
      expect(JSON.parse(person.selkie('place').stdout)).toEqual(first);
      expect(JSON.parse(person.selkie('overlay', [base]).stdout)).toMatchObject({ mounted: true });
      expect(JSON.parse(person.selkie('look', [base]).stdout)).toMatchObject({ mounted: true });
      if (hybrid) expect(createLinuxSystem().mounts.isMountPoint(join(base, 'merged'))).toBe(false);
      else createLinuxSystem().mounts.unmount(join(base, 'merged'));
    } finally {
      await person.dispose();
    }
  });
});

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
