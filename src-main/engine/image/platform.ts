/** Which image of an index fits this machine, or the one asked for. */
import { arch } from 'node:process';
import { EngineError } from '../../base/errors.ts';
import type { ImageIndex, IndexEntry, Platform } from './manifest.ts';

const architectures: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'arm',
  ia32: '386',
  ppc64: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64',
  loong64: 'loong64',
  mips64el: 'mips64le',
};

/** Spellings that people and uname use. */
const aliases: Readonly<Record<string, Partial<Platform>>> = {
  x86_64: { architecture: 'amd64' },
  'x86-64': { architecture: 'amd64' },
  aarch64: { architecture: 'arm64' },
  armhf: { architecture: 'arm', variant: 'v7' },
  armel: { architecture: 'arm', variant: 'v6' },
  i386: { architecture: '386' },
  i686: { architecture: '386' },
};

export function hostPlatform(): Platform {
  return { os: 'linux', architecture: architectures[arch] ?? arch, variant: '' };
}

/** os/arch[/variant], os, or arch, as --platform takes it. */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/');
  const bad = parts.length > 3 || parts.some((part) => !/^[a-z0-9][a-z0-9_.-]*$/.test(part));
  if (bad)
    throw new EngineError('invalid-argument', `platform ${JSON.stringify(text)} is not os/architecture[/variant]`, {
      fix: 'Write for example linux/arm64.',
      details: { field: 'platform' },
    });
  const [os = 'linux', architecture = hostPlatform().architecture, variant = ''] =
    parts.length === 1 && parts[0] !== 'linux' ? ['linux', parts[0]] : parts;
  return { os, architecture, variant, ...aliases[architecture] };
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== '').join('/');
}

/** Variants that run on a machine of the wanted one, best first. */
function acceptableVariants({ architecture, variant }: Platform): string[] {
  if (architecture === 'arm') {
    const newest = /^v([5-8])$/.exec(variant)?.[1] ?? '7';
    const down = ['v8', 'v7', 'v6', 'v5'].filter((one) => one <= `v${newest}`);
    return [...down, ''];
  }
  if (architecture === 'arm64') return variant === '' || variant === 'v8' ? ['v8', ''] : [variant, 'v8', ''];
  if (architecture === 'amd64') return variant === '' ? ['', 'v1'] : [variant, 'v1', ''];
  return variant === '' ? [''] : [variant, ''];
}

/** Whether an image for `offered` may stand for `wanted`. */
export function matchesPlatform(offered: Platform, wanted: Platform): boolean {
  const os = offered.os === '' ? 'linux' : offered.os;
  return os === wanted.os && offered.architecture === wanted.architecture && acceptableVariants(wanted).includes(offered.variant);
}

/** The first of those that fit best. */
export function bestFor<T extends { readonly platform: Platform }>(offered: readonly T[], wanted: Platform): T | undefined {
  for (const variant of acceptableVariants(wanted)) {
    const found = offered.find(({ platform }) => matchesPlatform(platform, wanted) && platform.variant === variant);
    if (found) return found;
  }
  return undefined;
}

/** `not-found` with what there is. Entries without a platform are taken only when there is no choice. */
export function choosePlatform(index: ImageIndex, wanted: Platform, what: string): IndexEntry {
  const offered = index.manifests.filter((entry) => entry.platform && entry.platform.os !== 'unknown');
  for (const variant of acceptableVariants(wanted)) {
    const found = offered.find((entry) => entry.platform && matchesPlatform(entry.platform, wanted) && entry.platform.variant === variant);
    if (found) return found;
  }
  const [only] = index.manifests;
  if (only && index.manifests.length === 1 && !only.platform) return only;
  const names = [...new Set(offered.flatMap((entry) => (entry.platform ? [formatPlatform(entry.platform)] : [])))];
  throw new EngineError('not-found', `${what} has no image for ${formatPlatform(wanted)}`, {
    fix: names.length === 0 ? 'Ask its publisher.' : `Choose one that there is, by --platform: ${names.slice(0, 20).join(', ')}.`,
    details: { platforms: names.slice(0, 100) },
  });
}
