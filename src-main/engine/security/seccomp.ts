import { readFileSync, statSync } from 'node:fs';
import { arch, release } from 'node:os';
import * as v from 'valibot';
import { EngineError, messageOf } from '../../base/errors.ts';

export interface LinuxSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures: readonly string[];
  readonly flags?: readonly string[];
  readonly listenerPath?: string;
  readonly syscalls: readonly SeccompRule[];
}

interface SeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly { readonly index: number; readonly value: number; readonly valueTwo?: number; readonly op: string }[];
}

const strings = v.optional(v.nullable(v.array(v.string())));
const conditions = v.optional(v.nullable(v.object({ caps: strings, arches: strings, minKernel: v.optional(v.nullable(v.string())) })));
const action = v.picklist([
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
]);
const operator = v.picklist([
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
]);
const count = v.pipe(v.number(), v.minValue(0));
const errnoNumber = v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4095))));

/** containers/common's form, Docker's too; members that do not change what is filtered (comment, errno's name) are not looked at. */
const profileSchema = v.object({
  defaultAction: action,
  defaultErrnoRet: errnoNumber,
  architectures: strings,
  archMap: v.optional(v.nullable(v.array(v.object({ architecture: v.string(), subArchitectures: strings })))),
  flags: strings,
  syscalls: v.optional(
    v.nullable(
      v.array(
        v.object({
          name: v.optional(v.nullable(v.string())),
          names: strings,
          action,
          errnoRet: errnoNumber,
          args: v.optional(
            v.nullable(
              v.array(
                v.object({
                  index: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(5)),
                  value: count,
                  valueTwo: v.optional(count),
                  op: operator,
                }),
              ),
            ),
          ),
          includes: conditions,
          excludes: conditions,
        }),
      ),
    ),
  ),
});
type Profile = v.InferOutput<typeof profileSchema>;
type Rule = NonNullable<NonNullable<Profile['syscalls']>[number]>;

/** Node's names → Go's (in the profile's conditions) and libseccomp's. */
const architectures: Readonly<Record<string, { readonly go: string; readonly seccomp: string }>> = {
  x64: { go: 'amd64', seccomp: 'SCMP_ARCH_X86_64' },
  arm64: { go: 'arm64', seccomp: 'SCMP_ARCH_AARCH64' },
  arm: { go: 'arm', seccomp: 'SCMP_ARCH_ARM' },
  ia32: { go: 'x86', seccomp: 'SCMP_ARCH_X86' },
  ppc64: { go: 'ppc64le', seccomp: 'SCMP_ARCH_PPC64LE' },
  s390x: { go: 's390x', seccomp: 'SCMP_ARCH_S390X' },
  riscv64: { go: 'riscv64', seccomp: 'SCMP_ARCH_RISCV64' },
};

const cache = new Map<string, LinuxSeccomp>();
const systemProfiles = ['/etc/containers/seccomp.json', '/usr/share/containers/seccomp.json'];

/**
 * Reads a profile and decides its conditions for this host and the given bounding set. The answer is shared: do not change it.
 * Cached by file, its time of change, and the capabilities; a changed file is read again.
 * @param path 'default' or empty: `configured`, else the system's own; otherwise an absolute path. 'unconfined' answers undefined.
 */
export function loadSeccomp(path: string, configured: string, bounding: readonly string[]): LinuxSeccomp | undefined {
  const wanted = path === 'default' || path === '' ? configured : path;
  if (wanted === 'unconfined') return undefined;
  const file = wanted === '' ? systemProfile() : wanted;
  const key = `${file}\0${modifiedAt(file)}\0${bounding.join()}`;
  let seccomp = cache.get(key);
  if (!seccomp) {
    if (cache.size > 64) cache.clear();
    seccomp = convert(parse(file), new Set(bounding));
    cache.set(key, seccomp);
  }
  return seccomp;
}

function systemProfile(): string {
  const found = systemProfiles.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
  if (found !== undefined) return found;
  throw new EngineError('missing-tool', `there is no seccomp profile on this host: looked for ${systemProfiles.join(' and ')}`, {
    fix: 'Install golang-github-containers-common (containers-common on Fedora), or run with --security-opt seccomp=unconfined.',
  });
}

function modifiedAt(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  if (stat?.isFile() === true) return `${stat.mtimeNs}.${stat.size}`;
  throw new EngineError(
    'invalid-argument',
    `opening seccomp profile failed: open ${file}: ${stat ? 'not a file' : 'no such file or directory'}`,
    { fix: 'Name an existing profile in --security-opt seccomp= or in seccomp_profile of containers.conf.' },
  );
}

function parse(file: string): Profile {
  try {
    const result = v.safeParse(profileSchema, JSON.parse(readFileSync(file, 'utf8')));
    if (result.success) return result.output;
    const [issue] = result.issues;
    throw new Error(`${v.getDotPath(issue) ?? 'the profile'}: ${issue.message}`);
  } catch (cause) {
    throw new EngineError('invalid-argument', `decoding seccomp profile failed: ${file}: ${messageOf(cause)}`, { cause });
  }
}

function convert(profile: Profile, capabilities: ReadonlySet<string>): LinuxSeccomp {
  const own = architectures[arch()];
  const mapped = profile.archMap?.find((entry) => entry.architecture === own?.seccomp);
  const listed = profile.architectures ?? [];
  return {
    defaultAction: profile.defaultAction,
    ...(typeof profile.defaultErrnoRet === 'number' ? { defaultErrnoRet: profile.defaultErrnoRet } : {}),
    architectures: mapped ? [mapped.architecture, ...(mapped.subArchitectures ?? [])] : listed,
    ...(profile.flags && profile.flags.length > 0 ? { flags: profile.flags } : {}),
    syscalls: (profile.syscalls ?? []).filter((rule) => applies(rule, capabilities, own?.go ?? arch())).map(toRule),
  };
}

function applies(rule: Rule, capabilities: ReadonlySet<string>, architecture: string): boolean {
  const { includes, excludes } = rule;
  if (excludes?.caps?.some((name) => capabilities.has(name)) === true) return false;
  if (excludes?.arches?.includes(architecture) === true) return false;
  if (excludes?.minKernel && kernelAtLeast(excludes.minKernel)) return false;
  if (includes?.caps && !includes.caps.every((name) => capabilities.has(name))) return false;
  if (includes?.arches && includes.arches.length > 0 && !includes.arches.includes(architecture)) return false;
  return !includes?.minKernel || kernelAtLeast(includes.minKernel);
}

export function kernelAtLeast(wanted: string, running: string = release()): boolean {
  const numbers = (text: string): number[] => text.split(/[.-]/, 2).map((part) => Number.parseInt(part, 10) || 0);
  const [major = 0, minor = 0] = numbers(running);
  const [wantedMajor = 0, wantedMinor = 0] = numbers(wanted);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function toRule(rule: Rule): SeccompRule {
  const args = rule.args?.map(({ index, value, valueTwo, op }) => ({ index, value, ...(valueTwo ? { valueTwo } : {}), op })) ?? [];
  return {
    names: rule.names ?? (typeof rule.name === 'string' ? [rule.name] : []),
    action: rule.action,
    ...(typeof rule.errnoRet === 'number' ? { errnoRet: rule.errnoRet } : {}),
    ...(args.length > 0 ? { args } : {}),
  };
}
