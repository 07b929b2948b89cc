import { readFileSync } from 'node:fs';

interface Family {
  readonly ids: readonly string[];
  readonly command: string;
  /** Where the package is not called like the program. */
  readonly names: Readonly<Record<string, string>>;
}

const families: readonly Family[] = [
  {
    ids: ['debian', 'ubuntu'],
    command: 'apt-get install -y',
    names: {
      pasta: 'passt',
      newuidmap: 'uidmap',
      newgidmap: 'uidmap',
      'policy.json': 'golang-github-containers-common',
      'seccomp.json': 'golang-github-containers-common',
      nsenter: 'util-linux',
      unshare: 'util-linux',
      flock: 'util-linux',
    },
  },
  {
    ids: ['fedora', 'rhel', 'centos'],
    command: 'dnf install -y',
    names: {
      pasta: 'passt',
      newuidmap: 'shadow-utils',
      newgidmap: 'shadow-utils',
      'policy.json': 'containers-common',
      'seccomp.json': 'containers-common',
      nsenter: 'util-linux',
      unshare: 'util-linux',
      flock: 'util-linux-core',
    },
  },
  {
    ids: ['arch'],
    command: 'pacman -S --noconfirm',
    names: {
      pasta: 'passt',
      newuidmap: 'shadow',
      newgidmap: 'shadow',
      'policy.json': 'containers-common',
      'seccomp.json': 'containers-common',
      nsenter: 'util-linux',
      unshare: 'util-linux',
      flock: 'util-linux',
    },
  },
  {
    ids: ['suse', 'opensuse'],
    command: 'zypper install -y',
    names: {
      pasta: 'passt',
      newuidmap: 'shadow',
      newgidmap: 'shadow',
      'policy.json': 'libcontainers-common',
      'seccomp.json': 'libseccomp-common',
      nsenter: 'util-linux',
      unshare: 'util-linux',
      flock: 'util-linux',
    },
  },
];

/** The command that installs what a program or file comes in; empty on a distribution that we do not know. */
export function installCommand(what: string, asRoot: boolean, osRelease = readOsRelease()): string {
  const family = findFamily(osRelease);
  return family === undefined ? '' : `${asRoot ? '' : 'sudo '}${family.command} ${family.names[what] ?? what}`;
}

function findFamily(osRelease: string): Family | undefined {
  const ids = [...osRelease.matchAll(/^(?:ID|ID_LIKE)="?([^"\n]*)"?$/gm)].flatMap((match) => (match[1] ?? '').split(' '));
  return families.find((family) => family.ids.some((id) => ids.includes(id)));
}

function readOsRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}
