import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { CheckLine, CheckTextKey } from '../../contract/system.ts';
import { type CheckContext, degraded, missing, ok, say } from './line.ts';
import { installCommand } from './packages.ts';

interface Tool {
  readonly program: string;
  readonly why: string;
  /** What is lost without it. `required`: nothing runs. A sentence: that much. `optional`: nothing that is used here. */
  readonly without: (context: CheckContext) => 'required' | 'optional' | CheckTextKey;
}

const tools: readonly Tool[] = [
  {
    program: 'crun',
    why: 'The OCI runtime: makes the container and starts its first process.',
    without: ({ config }) => (config === undefined || basename(config.ociRuntime) === 'crun' ? 'required' : 'optional'),
  },
  {
    program: 'runc',
    why: 'Another OCI runtime, for --runtime runc.',
    without: ({ config }) => (config !== undefined && basename(config.ociRuntime) === 'runc' ? 'required' : 'optional'),
  },
  {
    program: 'conmon',
    why: 'Holds a container: keeps its log and its exit code, so that Selkie itself may end.',
    without: () => 'required',
  },
  {
    program: 'netavark',
    why: 'As root, connects containers to a bridge and publishes their ports.',
    without: ({ asRoot }) => (asRoot ? 'only-host-network-as-root' : 'optional'),
  },
  {
    program: 'aardvark-dns',
    why: 'Lets containers of a network find each other by name.',
    without: ({ asRoot }) => (asRoot ? 'no-names' : 'optional'),
  },
  {
    program: 'pasta',
    why: 'Without root, connects a container to the network and publishes its ports.',
    without: ({ asRoot, system }) =>
      asRoot ? 'optional' : system.processes.find('slirp4netns') === undefined ? 'only-host-network' : 'use-slirp4netns',
  },
  {
    program: 'slirp4netns',
    why: 'Without root, connects a container to the network where pasta cannot; needs less memory.',
    without: ({ asRoot, system }) => (asRoot || system.processes.find('pasta') !== undefined ? 'optional' : 'only-host-network'),
  },
  {
    program: 'fuse-overlayfs',
    why: 'Layers where the kernel has no overlay for this user or this disk.',
    without: () => 'optional',
  },
  {
    program: 'catatonit',
    why: 'The first process of containers with --init; also holds your namespace with little memory.',
    without: () => 'no-init',
  },
  { program: 'nsenter', why: 'Enters the namespace that your containers live in.', without: () => 'required' },
  { program: 'unshare', why: 'Makes namespaces.', without: () => 'required' },
  {
    program: 'flock',
    why: 'Keeps a thousand containers that end at once from starting a thousand clean-ups.',
    without: () => 'late-clean-up',
  },
];

export function checkTools(context: CheckContext): Promise<CheckLine[]> {
  return Promise.all(tools.map((tool) => checkTool(tool, context)));
}

async function checkTool({ program, why, without }: Tool, context: CheckContext): Promise<CheckLine> {
  const subject = { id: `tool:${program}`, title: program, why };
  const { processes } = context.system;
  const path = processes.find(program);
  if (path === undefined) {
    const loss = without(context);
    if (loss === 'optional') return ok(subject, say('not-installed-not-needed'));
    const command = installCommand(program, context.asRoot);
    return loss === 'required'
      ? missing(subject, say('not-installed'), [say('install', { program })], command)
      : degraded(subject, say('not-installed'), [say(loss), say('install', { program })], command);
  }
  try {
    const { code, stdout, stderr } = await processes.run(path, ['--version'], { timeoutMs: 5000 });
    const version = findVersion(stdout, program) ?? findVersion(stderr, program);
    if (code === 0 || version !== undefined) return ok(subject, version === undefined ? path : `${version} (${path})`);
    return degraded(
      subject,
      say('does-not-run', { path, words: (stderr || stdout).trim().split('\n')[0] ?? '' }),
      [say('install-again', { program })],
      installCommand(program, context.asRoot),
    );
  } catch {
    return degraded(
      subject,
      say('does-not-answer', { path }),
      [say('install-again', { program })],
      installCommand(program, context.asRoot),
    );
  }
}

/** From the line that names the program, else the first: others are about licences and libraries. Undefined for "unknown version". */
export function findVersion(text: string, program: string): string | undefined {
  const lines = text.split('\n');
  const line = lines.find((candidate) => candidate.startsWith(program)) ?? lines[0] ?? '';
  return /\b(\d+\.\d+[\w.+~-]*)/.exec(line)?.[1];
}

/** The set-user-id programs that write the id maps of a user's namespace. */
export function checkMapTool(program: 'newuidmap' | 'newgidmap', { system, asRoot, inside }: CheckContext): CheckLine {
  const subject = {
    id: `tool:${program}`,
    title: program,
    why: 'Gives your namespace its subordinate ids; the only step that needs a right you do not have.',
  };
  if (asRoot) return ok(subject, say('not-needed-as-root'));
  const path = system.processes.find(program);
  if (path === undefined) return missing(subject, say('not-installed'), [say('install', { program })], installCommand(program, false));
  // In the sandbox it has done its work already, and its owner, the host's root, has no name.
  if (inside || (statSync(path).mode & 0o4000) !== 0 || system.attributes.getXattr(path, 'security.capability') !== undefined)
    return ok(subject, path);
  return missing(subject, say('no-rights', { path }), [say('give-rights')], `sudo chmod u+s ${path}`);
}

export function checkSeccomp({ config, asRoot }: CheckContext): CheckLine {
  const subject = {
    id: 'tool:seccomp.json',
    title: 'seccomp profile',
    why: 'Keeps containers from the system calls that no ordinary program needs.',
  };
  const path = config?.defaults.seccompProfile ?? '/usr/share/containers/seccomp.json';
  return checkJson(subject, [path], 'seccomp.json', asRoot);
}

export function checkPolicy({ system, asRoot }: CheckContext): CheckLine {
  const subject = {
    id: 'tool:policy.json',
    title: 'signature policy',
    why: 'Says which registries are trusted with which signatures; without one nothing is pulled.',
  };
  // Not by XDG_CONFIG_HOME: containers-policy.json(5) knows $HOME/.config alone.
  const own = join(system.identity.homeDirectory, '.config/containers/policy.json');
  return checkJson(subject, [own, '/etc/containers/policy.json'], 'policy.json', asRoot);
}

function checkJson(
  subject: { readonly id: string; readonly title: string; readonly why: string },
  paths: readonly string[],
  name: string,
  asRoot: boolean,
): CheckLine {
  const path = paths.find((candidate) => existsSync(candidate));
  const command = installCommand(name, asRoot);
  if (path === undefined)
    return missing(subject, say('no-file', { path: paths.at(-1) ?? name }), [say('install-package', { name })], command);
  try {
    accessSync(path, constants.R_OK);
    JSON.parse(readFileSync(path, 'utf8'));
    return ok(subject, path);
  } catch {
    return missing(subject, say('no-json', { path }), [say('correct-file')], command);
  }
}
