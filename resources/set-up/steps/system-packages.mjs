import { spawnSync } from 'node:child_process';
import { find, run } from './command.mjs';
import { SetUpError, say } from './say.mjs';

/** Debian and Ubuntu packages, each with the reason that is printed. */
export const applicationPackages = {
  crun: 'runs containers (OCI runtime)',
  conmon: 'watches one container, keeps its log and exit code',
  netavark: 'networks with bridges',
  'aardvark-dns': 'names of containers on those networks',
  passt: 'network of rootless containers (pasta)',
  slirp4netns: 'network of rootless containers, where pasta cannot run',
  'fuse-overlayfs': 'layers without root on older kernels',
  uidmap: 'user namespaces without root (newuidmap, newgidmap)',
  catatonit: 'a tiny init for containers, and the process that holds the user namespace',
  'containernetworking-plugins': 'CNI networks',
  'golang-github-containers-common': 'default seccomp profile, policy and registries configuration',
  'busybox-static': 'what the starter image is made of',
};

export const testPackages = {
  'docker-registry': 'a real registry for the tests',
  chromium: 'the browser that the interface is tested in',
  xvfb: 'a display for the tests of the desktop window',
  mmdebstrap: 'makes a real Debian image for the tests',
  'apache2-utils': 'passwords of the test registry (htpasswd)',
  openssl: 'certificates of the test registry',
  gpg: 'signs images in the tests',
  skopeo: 'makes and reads images and signatures that are not ours',
  procps: 'looks for leaked processes',
  iproute2: 'looks at networks in the tests',
  iptables: 'firewall rules of published ports',
  nftables: 'firewall rules of published ports',
  'fonts-noto-cjk': 'Japanese in screenshots',
};

/** Installs what is missing, or prints the exact command and stops. Elsewhere than on Debian and Ubuntu it only says what to install. */
export function ensureSystemPackages(packages, why) {
  const names = Object.keys(packages);
  const dpkg = spawnSync('dpkg-query', ['-W', '-f=${Package} ${db:Status-Status}\n', ...names], { encoding: 'utf8' });
  if (dpkg.error) {
    say(`this is no Debian or Ubuntu: see to it that these are installed by their names here: ${names.join(' ')}`);
    return;
  }
  const installed = new Set(
    dpkg.stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  const missing = names.filter((name) => !installed.has(name));
  if (missing.length === 0) return;
  say(`these Debian packages are missing (${why}):`);
  for (const name of missing) say(`  ${name.padEnd(34)} ${packages[name]}`);
  const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...missing];
  const prefix = privilege();
  if (!prefix) {
    throw new SetUpError('there is no right to install them from here', `run: sudo apt-get update && sudo ${install.join(' ')}`);
  }
  say(`installing them: ${[...prefix, ...install].join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const [command, ...args] = [...prefix, 'apt-get', 'update', '-qq'];
  run(command, args, { what: 'apt-get update', env });
  const [installCommand, ...installArgs] = [...prefix, ...install];
  run(installCommand, installArgs, { what: 'apt-get install', env });
}

/** What goes before a command that needs root: nothing as root, sudo where it asks nothing or can ask; undefined: no way. */
function privilege() {
  if (process.getuid() === 0) return [];
  if (!find('sudo')) return undefined;
  const silent = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' });
  if (silent.status === 0) return ['sudo', '-n'];
  return process.stdin.isTTY ? ['sudo'] : undefined;
}
