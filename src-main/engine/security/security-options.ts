import { existsSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';
import type { System } from '../../system/system.ts';

export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** 'default', 'unconfined', or the absolute path of a profile. */
  readonly seccomp: string;
  /** A profile's name; undefined: none. */
  readonly apparmor: string | undefined;
  readonly mask: readonly string[];
  readonly unmask: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Podman's --security-opt words. `invalid-argument` for unknown ones, `unsupported` where the kernel lacks what is asked for.
 * Both key=value and key:value are read, as Podman does.
 */
export function parseSecurityOptions(words: readonly string[], system: Pick<System, 'files'>): SecurityOptions {
  let noNewPrivileges = false;
  let seccomp = 'default';
  let apparmor: string | undefined;
  const mask: string[] = [];
  const unmask: string[] = [];
  const warnings = new Set<string>();
  for (const [index, word] of words.entries()) {
    const { key, value } = split(word);
    switch (key) {
      case 'no-new-privileges':
        noNewPrivileges = parseBoolean(value, word);
        break;
      case 'seccomp':
        seccomp = value === '' ? 'default' : value;
        break;
      case 'apparmor':
        apparmor = checkApparmor(value, system);
        break;
      case 'label':
        checkLabel(value, warnings);
        break;
      case 'mask':
        mask.push(...checkMask(value, word));
        break;
      case 'unmask':
        unmask.push(...value.split(':').filter((path) => path !== ''));
        break;
      case 'proc-opts':
        throw new EngineError('unsupported', '--security-opt proc-opts is not supported', { fix: 'Leave it out.' });
      default:
        throw new EngineError('invalid-argument', `invalid --security-opt ${index + 1}: "${word}"`, {
          fix: 'Use no-new-privileges, seccomp=, apparmor=, label=, mask= or unmask=.',
        });
    }
  }
  if (!words.some((word) => word.startsWith('label')) && selinuxEnabled())
    warnings.add('SELinux is enabled on this host, but Selkie gives containers no label of their own: SELinux does not keep them apart');
  return { noNewPrivileges, seccomp, apparmor, mask, unmask, warnings: [...warnings] };
}

function split(word: string): { readonly key: string; readonly value: string } {
  const match = /^([^=:]*)(?:[=:](.*))?$/s.exec(word);
  return { key: match?.[1] ?? word, value: match?.[2] ?? '' };
}

function parseBoolean(value: string, word: string): boolean {
  if (value === '' || value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new EngineError('invalid-argument', `invalid --security-opt "${word}": "${value}" is neither true nor false`);
}

function checkApparmor(value: string, system: Pick<System, 'files'>): string | undefined {
  if (value === 'unconfined' || value === '') return undefined;
  if (system.files.readTextIfExists('/sys/module/apparmor/parameters/enabled')?.startsWith('Y') === true) return value;
  throw new EngineError('unsupported', `apparmor profile "${value}" specified, but Apparmor is not enabled on this system`, {
    fix: 'Leave out --security-opt apparmor=, or boot a kernel with AppArmor.',
  });
}

function selinuxEnabled(): boolean {
  return existsSync('/sys/fs/selinux/enforce');
}

function checkLabel(value: string, warnings: Set<string>): void {
  if (value === 'disable') return;
  if (!/^(user|role|type|level|filetype|nested)([:=]|$)/.test(value))
    throw new EngineError('invalid-argument', `invalid --security-opt "label=${value}"`, {
      fix: 'Use label=disable, or label=user:, role:, type:, level:, filetype:.',
    });
  if (selinuxEnabled())
    throw new EngineError('unsupported', `--security-opt label=${value} is not supported: Selkie does not set SELinux labels`, {
      fix: 'Use label=disable.',
    });
  warnings.add(`--security-opt label=${value} has no effect: SELinux is not enabled on this host`);
}

function checkMask(value: string, word: string): string[] {
  const paths = value.split(':').filter((path) => path !== '');
  const wrong = paths.find((path) => !path.startsWith('/'));
  if (wrong !== undefined || paths.length === 0)
    throw new EngineError('invalid-argument', `invalid --security-opt "${word}": "${wrong ?? ''}" is not an absolute path`);
  return paths;
}
