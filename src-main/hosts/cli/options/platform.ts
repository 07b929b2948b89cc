import { EngineError } from '../../../base/errors.ts';

interface PlatformFlags {
  readonly platform: string | undefined;
  readonly arch: string | undefined;
  readonly os: string | undefined;
  readonly variant: string | undefined;
}

const architectures: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'arm',
  ia32: '386',
  riscv64: 'riscv64',
  s390x: 's390x',
  ppc64: 'ppc64le',
};

/** Go's word for the machine we run on. */
export function hostArchitecture(): string {
  return architectures[process.arch] ?? process.arch;
}

/** `--platform`, or what --os, --arch and --variant make of it; undefined: the machine's own. */
export function platformOf(flags: PlatformFlags): string | undefined {
  const { platform, arch, os, variant } = flags;
  if (platform !== undefined) {
    if (arch !== undefined || os !== undefined || variant !== undefined)
      throw new EngineError('invalid-argument', '--platform option can not be specified with --arch, --os or --variant');
    if (!/^[a-z0-9]+(\/[a-z0-9_]+(\/[a-z0-9]+)?)?$/.test(platform))
      throw new EngineError('invalid-argument', `invalid platform "${platform}"`, { fix: 'write os/arch[/variant], such as linux/arm64' });
    return platform.includes('/') ? platform : `linux/${platform}`;
  }
  if (arch === undefined && os === undefined && variant === undefined) return undefined;
  return [os ?? 'linux', arch ?? hostArchitecture(), ...(variant === undefined ? [] : [variant])].join('/');
}
