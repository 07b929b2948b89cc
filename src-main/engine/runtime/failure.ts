import { EngineError, type ErrorCode } from '../../base/errors.ts';

interface Pattern {
  readonly words: RegExp;
  readonly code: ErrorCode;
  /** Podman's clause behind the runtime's words. */
  readonly clause?: string;
  readonly fix?: string;
}

const notFound = 'OCI runtime attempted to invoke a command that was not found';
const permission = 'OCI permission denied';
const chooseCommand = 'Name a program that is in the image, or install it there.';
const makeExecutable = 'Name a program file with execute permission.';

/**
 * What crun 1.8–1.1x and runc 1.1 say (each provoked; test/unit/runtime/failure.test.ts has the words). The first that fits decides,
 * so the command's own faults come before general ones.
 */
const patterns: readonly Pattern[] = [
  { words: /executable file (.* )?not found in \$PATH/i, code: 'command-not-found', clause: notFound, fix: chooseCommand },
  {
    words: /exec(?: container process)?(?: \(missing dynamic library\?\))?:? [`"][^`"]*[`"]:? ?(?:stat [^:]*: )?no such file or directory/i,
    code: 'command-not-found',
    clause: notFound,
    fix: chooseCommand,
  },
  { words: /exec: "[^"]*": stat [^:]*: not a directory/i, code: 'command-not-found', clause: notFound, fix: chooseCommand },
  { words: /open executable: (no such file|not a directory)/i, code: 'command-not-found', clause: notFound, fix: chooseCommand },
  {
    words:
      /(open executable|exec: "[^"]*"|exec container process `[^`]*`|find executable.*): (permission denied|operation not permitted|is a directory)/i,
    code: 'command-not-executable',
    clause: permission,
    fix: makeExecutable,
  },
  {
    words: /exec format error/i,
    code: 'command-not-executable',
    fix: 'The program is for another architecture, or a script without #! line: use an image for this machine.',
  },
  {
    words: /(memory limit (could be|is) too low|unable to set memory limit)/i,
    code: 'invalid-argument',
    fix: 'Give the container more memory: runtime and program need a few MiB.',
  },
  {
    words: /sysctl .* (is not namespaced|is not in a separate kernel namespace)/i,
    code: 'invalid-argument',
    fix: 'Leave the setting out, or give the container the namespace that it belongs to.',
  },
  { words: /\/proc\/sys\/\S+: invalid argument/i, code: 'invalid-argument', fix: 'Correct the value of the sysctl.' },
  { words: /(invalid rlimit|wrong rlimit value)/i, code: 'invalid-argument' },
  {
    words: /RLIM_MEMLOCK/,
    code: 'denied',
    clause: permission,
    fix: 'crun needs CAP_SYS_RESOURCE for device rules in cgroup v2, and this root has not got it: use --runtime runc, or run without root.',
  },
  {
    words: /(setrlimit|setting rlimit).*operation not permitted/i,
    code: 'denied',
    clause: permission,
    fix: "Lower the limit to the host's hard limit (ulimit -H).",
  },
  {
    words: /(capset|apply caps): operation not permitted/i,
    code: 'denied',
    clause: permission,
    fix: 'Do not add a capability that the engine does not have.',
  },
  {
    words: /oom_score_adj: permission denied/i,
    code: 'denied',
    clause: permission,
    fix: "Do not lower --oom-score-adj below the engine's own.",
  },
  { words: /(seccomp|libseccomp)/i, code: 'invalid-argument', fix: 'Correct the seccomp profile.' },
  { words: /(apparmor|selinux label|attr\/(keycreate|exec))/i, code: 'unsupported', fix: 'Leave out --security-opt apparmor= and label=.' },
  {
    words: /(error stat'ing file|error mounting "[^"]*"[^:]*: stat|open (mount )?source).*no such file or directory/i,
    code: 'invalid-argument',
    fix: 'Create the source of the mount first.',
  },
  {
    words: /mount .*(: not a directory|: invalid argument)/i,
    code: 'invalid-argument',
    fix: 'Check the mount: a folder goes on a folder, a file on a file, with options that its type knows.',
  },
  {
    words: /(chdir|cwd|mkdir).*(not a directory|no such file|permission denied|absolute path)/i,
    code: 'invalid-argument',
    fix: 'Choose another working directory.',
  },
  { words: /cpuset.*numerical result out of range/i, code: 'invalid-argument', fix: 'Choose CPUs and memory nodes that this host has.' },
  { words: /(writing file `|failed to write).*invalid argument/i, code: 'invalid-argument', fix: 'Correct the resource limit.' },
  {
    words: /drop all controllers from cgroupv2|cgroups? in hybrid mode not supported/i,
    code: 'unsupported',
    fix: 'This host mounts cgroup v1 and v2 together: boot with systemd.unified_cgroup_hierarchy=1, or unmount /sys/fs/cgroup/unified for the engine.',
  },
  {
    words:
      /container .* (does not exist|is not running)|no such container|container not running|cannot exec in a (stopped|paused) container/i,
    code: 'wrong-state',
  },
  { words: /container with id exists|already exists/i, code: 'already-exists' },
];

/** @param name crun or runc; its words stand in front of the message, as in Podman's */
export function explainFailure(name: string, message: string, command: readonly string[]): EngineError {
  const text = plainWords(message);
  const pattern = patterns.find(({ words }) => words.test(text));
  const said = text === '' ? 'it failed without a word' : text;
  const details = { command: [...command], runtime: name };
  if (!pattern) return new EngineError('runtime-failed', `OCI runtime error: ${name}: ${said}`, { details });
  const clause = pattern.clause === undefined ? '' : `: ${pattern.clause}`;
  // A command that is refused is told in Podman's words, which scripts look for; of runc's own there is a plainer form in crun.
  const line = pattern.code === 'command-not-found' && name === 'runc' ? notFoundWords(text, command) : said;
  return new EngineError(pattern.code, `${name}: ${line}${clause}`, {
    details,
    ...(pattern.fix === undefined ? {} : { fix: pattern.fix }),
  });
}

function notFoundWords(text: string, command: readonly string[]): string {
  const program = /exec:? "?([^" :]+)/.exec(text)?.[1] ?? command[0] ?? '';
  return `executable file \`${program}\` not found in $PATH: No such file or directory`;
}

/** One line without time stamps and levels: runc logs in logfmt or JSON, crun behind a date when it writes to a log. */
function plainWords(message: string): string {
  const lines = message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/level=(warning|info|debug)/.test(line));
  const words = lines.map(lineWords).filter((line) => line !== '');
  return [...new Set(words)].join('; ').replace(/^(runc create failed|exec failed): (unable to start container process: )?/, '');
}

function lineWords(line: string): string {
  if (line.startsWith('{')) {
    try {
      const parsed: unknown = JSON.parse(line);
      if (typeof parsed === 'object' && parsed !== null && 'msg' in parsed && typeof parsed.msg === 'string') return parsed.msg;
    } catch {
      return line;
    }
  }
  const logfmt = /\bmsg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
  if (logfmt !== undefined) return logfmt.replaceAll('\\"', '"').trim();
  return line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z?:? /, '').replace(/^\[conmon:[a-z]\]: /, '');
}
