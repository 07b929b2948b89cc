#!/usr/bin/env node
/**
 * Builds the embedded starter image, a docker-archive, out of Debian's static busybox: the first container needs no network.
 * The same busybox and recipe give the same image, byte for byte.
 *
 * Usage: node build-starter-image.mjs TARGET.tar
 * Runs on Node 18 and later; needs the npm package tar-stream.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import tar from 'tar-stream';

const here = dirname(fileURLToPath(import.meta.url));
const name = 'localhost/selkie/starter:latest';
const port = 8080;
const busyboxPaths = ['/bin/busybox', '/usr/bin/busybox', '/bin/busybox.static'];
const architectures = { x64: 'amd64', arm64: 'arm64', arm: 'arm', ia32: '386', ppc64: 'ppc64le', s390x: 's390x', riscv64: 'riscv64' };

const passwd = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/:/bin/false
www:x:80:80:web pages:/var/www:/bin/false
nobody:x:65534:65534:nobody:/:/bin/false
`;
const group = `root:x:0:
daemon:x:1:
www:x:80:
nogroup:x:65534:
`;
// The first process of a container gets no default action for signals: without the trap, a stop would wait until it has to kill.
const serve = `#!/bin/sh
trap 'exit 0' TERM INT
echo "Selkie starter: serving /var/www on port ${port}"
busybox httpd -f -vv -p ${port} -h /var/www &
wait $!
`;
const profile = `export PS1='starter:\\w\\$ '
`;

function fail(what, fix) {
  console.error(`starter image: ${what}`);
  if (fix) console.error(`  ${fix}`);
  process.exit(1);
}

/** A program that asks for a loader would not run in an image that has none. */
function isStatic(bytes) {
  if (bytes.readUInt32BE(0) !== 0x7f454c46) return false;
  const is64 = bytes[4] === 2;
  const little = bytes[5] === 1;
  const u16 = (at) => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const word = (at) =>
    is64
      ? Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at))
      : little
        ? bytes.readUInt32LE(at)
        : bytes.readUInt32BE(at);
  const u32 = (at) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const table = word(is64 ? 32 : 28);
  const size = u16(is64 ? 54 : 42);
  const count = u16(is64 ? 56 : 44);
  const interpreter = 3;
  return !Array.from({ length: count }, (_unused, index) => u32(table + index * size)).includes(interpreter);
}

function findBusybox() {
  const path = busyboxPaths.find((one) => existsSync(one) && isStatic(readFileSync(one)));
  if (!path) fail('there is no static busybox on this machine', 'Install it: apt-get install busybox-static');
  const applets = execFileSync(path, ['--list'], { encoding: 'utf8' })
    .split('\n')
    .filter((applet) => /^[\w.[\]-]+$/.test(applet) && applet !== 'busybox');
  if (!applets.includes('httpd') || !applets.includes('sh')) fail(`${path} has no httpd or no sh`, 'Install Debian’s busybox-static.');
  const seconds = Math.floor(statSync(path).mtimeMs / 1000);
  return { bytes: readFileSync(path), applets, time: new Date(seconds * 1000) };
}

/** @param entries {type, name, mode, linkname?, content?}, in order */
async function makeTar(entries, mtime) {
  const pack = tar.pack();
  for (const { content, ...header } of entries) {
    const whole = { mtime, uid: 0, gid: 0, uname: 'root', gname: 'root', ...header };
    if (header.type === 'file') pack.entry(whole, content);
    else pack.entry(whole);
  }
  pack.finalize();
  const chunks = [];
  for await (const chunk of pack) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function rootFileSystem({ bytes, applets }) {
  const directory = (path, mode = 0o755) => ({ type: 'directory', name: `${path}/`, mode });
  const file = (path, content, mode = 0o644) => ({ type: 'file', name: path, mode, content: Buffer.from(content) });
  const link = (path, linkname) => ({ type: 'symlink', name: path, linkname, mode: 0o777 });
  return [
    directory('bin'),
    file('bin/busybox', bytes, 0o755),
    ...applets.map((applet) => link(`bin/${applet}`, 'busybox')),
    file('bin/serve-page', serve, 0o755),
    ...['dev', 'proc', 'sys', 'run', 'home', 'usr', 'var'].map((path) => directory(path)),
    link('sbin', 'bin'),
    link('usr/bin', '../bin'),
    link('usr/sbin', '../bin'),
    directory('etc'),
    file('etc/passwd', passwd),
    file('etc/group', group),
    file('etc/profile', profile),
    file('etc/hostname', 'starter\n'),
    directory('root', 0o700),
    directory('tmp', 0o1777),
    directory('var/www'),
    file('var/www/index.html', readFileSync(join(here, 'starter-page.html'))),
  ];
}

function makeConfig(layer, time) {
  const created = time.toISOString();
  return {
    architecture: architectures[process.arch] ?? process.arch,
    os: 'linux',
    created,
    author: 'The Selkie authors',
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'ENV=/etc/profile'],
      Cmd: ['/bin/serve-page'],
      WorkingDir: '/',
      ExposedPorts: { [`${port}/tcp`]: {} },
      Labels: {
        'org.opencontainers.image.title': 'Selkie starter',
        'org.opencontainers.image.description': 'A small web page that says what a container is, and a shell to look around',
        'org.opencontainers.image.licenses': 'GPL-2.0-only AND Apache-2.0',
        'org.opencontainers.image.source': 'https://busybox.net/',
        'selkie.starter.port': String(port),
      },
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
    history: [{ created, created_by: 'selkie: busybox-static with a web page' }],
  };
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

async function main(target) {
  const busybox = findBusybox();
  const layer = await makeTar(rootFileSystem(busybox), busybox.time);
  const config = Buffer.from(JSON.stringify(makeConfig(layer, busybox.time)));
  const layerPath = `${sha256(layer)}.tar`;
  const configPath = `${sha256(config)}.json`;
  const manifest = [{ Config: configPath, RepoTags: [name], Layers: [layerPath] }];
  const file = (path, content) => ({ type: 'file', name: path, mode: 0o644, content });
  const archive = await makeTar(
    [file(configPath, config), file(layerPath, layer), file('manifest.json', Buffer.from(JSON.stringify(manifest)))],
    busybox.time,
  );
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(`${target}.new`, archive);
  renameSync(`${target}.new`, target);
  console.log(`starter image: ${target} (${(archive.length / 1024 / 1024).toFixed(1)} MiB, ${busybox.applets.length} commands)`);
}

const [target] = process.argv.slice(2);
if (!target) fail('no target given', 'Usage: node build-starter-image.mjs TARGET.tar');
await main(resolve(target));
