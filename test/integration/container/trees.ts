/** What the tests of diff, commit and export share: a base tree, the same script in a container of Selkie's and of Podman's, and readers of archives. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineClient } from '../../../src-main/contract/engine.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import { collect, create } from './sandbox.ts';

const applets =
  'sh cat chmod chown cp dd echo fallocate find id ln ls mkdir mkfifo mknod mv rm rmdir setfattr sleep stat sync test touch true truncate';

/** A tar of a small system. */
export function baseTar(directory: string): string {
  const root = join(directory, 'base');
  for (const folder of [
    'bin',
    'etc',
    'proc',
    'sys',
    'dev',
    'tmp',
    'run',
    'data/deep',
    'gone/sub',
    'moved/in',
    'again/sub',
    'quiet',
    'mode',
    'opaque',
  ])
    mkdirSync(join(root, folder), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of applets.split(' ')) symlinkSync('busybox', join(root, 'bin', applet));
  // What engines put into a container's tree is there already, or its folders would have changed.
  for (const file of ['etc/hosts', 'etc/hostname', 'etc/resolv.conf', 'run/.containerenv']) writeFileSync(join(root, file), '');
  symlinkSync('/proc/mounts', join(root, 'etc/mtab'));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n');
  for (const file of [
    'data/deep/hello',
    'data/one',
    'data/two',
    'gone/sub/f',
    'moved/in/f',
    'again/sub/f',
    'again/top',
    'quiet/same',
    'mode/f',
    'etc/keep',
    'opaque/old',
  ])
    writeFileSync(join(root, file), `${file}\n`);
  execFileSync('ln', [join(root, 'data/one'), join(root, 'data/linked')]);
  execFileSync('touch', ['-d', '2024-01-02T03:04:05.123456789Z', join(root, 'data/deep/hello')]);
  const tar = join(directory, 'base.tar');
  execFileSync('tar', ['-C', root, '--format=pax', '--numeric-owner', '--owner=0', '--group=0', '-cf', tar, '.']);
  rmSync(root, { recursive: true });
  return tar;
}

/** In the base tree: what each kind of change looks like. */
export const changes = [
  'rm /etc/keep',
  'echo more >> /etc/passwd',
  'rm -r /gone',
  'rm -r /again; mkdir /again; echo new > /again/new',
  'rm -r /opaque; mkdir /opaque',
  'mv /moved/in /moved/out || { cp -a /moved/in /moved/out; rm -r /moved/in; }',
  'ln /data/one /data/third',
  'chmod 700 /mode',
  'chmod 4755 /mode/f',
  'touch -d "2020-01-01 00:00:00" /data/deep/hello',
  'mkdir -p /n/m/o; echo q > /n/m/q; ln -s q /n/m/link; mkfifo /n/m/fifo; ln /n/m/q /n/m/q2',
  'echo x > /tmp/x; rm /tmp/x',
  'mkdir "/n/with space"; echo x > "/n/with space/é"',
  'truncate -s 100M /n/sparse; echo end >> /n/sparse',
  'rm -r /quiet/same; echo quiet/same > /quiet/same',
].join('\n');

export async function importBase(api: EngineClient, tar: string, reference = 'localhost/base'): Promise<string> {
  for await (const item of api.image.import({ path: tar, reference, changes: ['CMD ["/bin/sh"]', 'ENV PATH=/bin'] }))
    if (item.kind === 'image') return item.id;
  throw new Error('nothing was imported');
}

/** Runs it to its end in a new container of the image. */
export async function runIn(api: EngineClient, image: string, script: string, name?: string): Promise<string> {
  const id = await create(api, { image, command: ['sh', '-c', `set -e\n${script}`], ...(name === undefined ? {} : { name }) });
  const result = await collect(api.container.attach({ container: id, start: true }));
  if (result.code !== 0) throw new Error(`the script ended with ${String(result.code)}: ${result.stderr}`);
  await api.container.wait({ container: id });
  return id;
}

export async function exported(api: EngineClient, container: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of api.container.export({ container })) parts.push(part);
  return Buffer.concat(parts);
}

export async function commit(
  api: EngineClient,
  container: string,
  options: Omit<Parameters<EngineClient['container']['commit']>[0], 'container'> = {},
): Promise<string> {
  for await (const item of api.container.commit({ container, ...options })) if (item.kind === 'image') return item.id;
  throw new Error('nothing was committed');
}

export function podmanLacks(): string | undefined {
  return createLinuxSystem().processes.find('podman') === undefined
    ? 'podman is not installed, whose answer is what is compared'
    : undefined;
}

/** Podman in a namespace where crun finds cgroups that it takes, with a store of its own. */
export class Podman implements Disposable {
  readonly #directory = mkdtempSync('/tmp/selkie-podman-');

  run(...words: string[]): string {
    const hide = 'mount --make-rprivate /; mount --make-rshared /; umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"';
    const store = ['--root', join(this.#directory, 'root'), '--runroot', join(this.#directory, 'run'), '--cgroup-manager', 'cgroupfs'];
    const result = spawnSync('unshare', ['-m', 'sh', '-c', hide, 'sh', 'podman', ...store, ...words], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    if (result.status !== 0) throw new Error(`podman ${words.join(' ')}: ${result.stderr}`);
    return result.stdout;
  }

  /** In a new container; its limits are those that a host without CAP_SYS_RESOURCE has. */
  script(name: string, image: string, script: string): void {
    const limits = ['nofile=1024:1024', 'nproc=1000:1000', 'memlock=65536:65536'].map((limit) => `--ulimit=${limit}`);
    this.run('run', '--name', name, '--net=none', ...limits, image, 'sh', '-c', `set -e\n${script}`);
  }

  [Symbol.dispose](): void {
    for (const all of [
      ['rm', '-af'],
      ['rmi', '-af'],
    ])
      this.run(...all);
    // Podman leaves the mount of its overlay folder in the namespace, which is gone by now.
    if (existsSync(this.#directory)) rmSync(this.#directory, { recursive: true, force: true });
  }
}

export interface ArchiveEntry {
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number | string;
  readonly target: string;
  readonly sha256: string;
  readonly xattrs: Readonly<Record<string, string>>;
}

const reader = `
import hashlib, json, sys, tarfile
names = {tarfile.REGTYPE: 'file', tarfile.GNUTYPE_SPARSE: 'file', tarfile.DIRTYPE: 'directory', tarfile.SYMTYPE: 'symlink',
  tarfile.LNKTYPE: 'link', tarfile.FIFOTYPE: 'fifo', tarfile.CHRTYPE: 'character-device', tarfile.BLKTYPE: 'block-device'}
out = {}
with tarfile.open(sys.argv[1], errorlevel=2) as archive:
  for entry in archive:
    digest = ''
    if entry.isreg():
      h = hashlib.sha256()
      file = archive.extractfile(entry)
      while True:
        chunk = file.read(1 << 20)
        if not chunk: break
        h.update(chunk)
      digest = h.hexdigest()
    name = entry.name + '/' if entry.isdir() else entry.name
    out[name] = dict(type=names[entry.type], mode=entry.mode, uid=entry.uid, gid=entry.gid, size=entry.size,
      mtime=entry.pax_headers.get('mtime', entry.mtime), target=entry.linkname, sha256=digest,
      xattrs={k: v.encode('utf-8', 'surrogateescape').hex() for k, v in entry.pax_headers.items() if k.startswith('SCHILY.xattr.')})
json.dump(out, sys.stdout)
`;

/** Debian's: it is a program that nobody here wrote. */
const python = ['/usr/bin/python3', '/usr/local/bin/python3'].find((path) => existsSync(path));

export function pythonLacks(): string | undefined {
  return python === undefined ? 'python3 is not installed, which is to read the archive' : undefined;
}

export function readByPython(tar: Buffer): Map<string, ArchiveEntry> {
  const directory = mkdtempSync('/tmp/selkie-archive-');
  try {
    const path = join(directory, 'a.tar');
    writeFileSync(path, tar);
    const text = execFileSync(python ?? 'python3', ['-c', reader, path], { encoding: 'utf8', maxBuffer: 1 << 26 });
    const entries = Object.entries(JSON.parse(text) as Record<string, ArchiveEntry>);
    return new Map(
      entries.map(([name, entry]) => [
        name,
        { ...entry, mtime: typeof entry.mtime === 'string' && !entry.mtime.includes('.') ? Number(entry.mtime) : entry.mtime },
      ]),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}
