import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { toEngineError } from '../../../system/errno.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { flagTable, type FlagValues } from '../options/flags.ts';
import { accessFlags, toAccess } from '../options/registry-access.ts';
import { parseChoice } from '../options/values.ts';
import { progressDisplay } from '../output/progress.ts';

/** `push --all` and `manifest push`: the list with all that it names. */
export async function pushList(
  context: Context,
  request: { readonly list: string; readonly destination: string | undefined; readonly all: boolean; readonly quiet: boolean } & PushForm,
  access: ReturnType<typeof toAccess>,
): Promise<string> {
  const { destination, quiet, ...given } = request;
  const api = await context.engine();
  const display = progressDisplay({ quiet });
  let digest = '';
  const items = api.manifest.push(
    { ...given, ...(destination === undefined ? {} : { destination }), ...access },
    { signal: context.signal },
  );
  for await (const item of items) {
    if (item.kind === 'progress') await display.show(item.progress);
    else digest = item.digest;
  }
  await display.finish();
  return digest;
}

interface PushForm {
  readonly format?: 'oci' | 'v2s2';
  readonly compressionFormat?: 'gzip' | 'zstd';
  readonly compressionLevel?: number;
}

export async function writeDigestFile(context: Context, path: string, digest: string): Promise<void> {
  try {
    await writeFile(resolve(context.workingDirectory, path), digest);
  } catch (error) {
    throw toEngineError(error, 'write', path);
  }
}

export const formFlags = flagTable({
  'compression-format': { kind: 'string', help: 'gzip or zstd' },
  'compression-level': { kind: 'string', word: 'level', help: 'gzip 1 to 9, zstd 1 to 20' },
  digestfile: { kind: 'string', word: 'path', help: 'Write the digest of what was pushed to a file' },
  format: { kind: 'string', short: 'f', help: 'Kind of manifest: oci or v2s2; default: as it came' },
  quiet: { kind: 'bool', short: 'q', help: 'Show no progress' },
  'remove-signatures': { kind: 'bool', hidden: true, help: 'Without effect: the store keeps no signatures' },
});

export function pushForm(flags: FlagValues<typeof formFlags>): PushForm {
  const choice = <T extends string>(flag: string, text: string | undefined, choices: readonly T[]): T | undefined =>
    text === undefined
      ? undefined
      : parseChoice(text, choices, (word) => `${flag} ${JSON.stringify(word)} is none of ${choices.join(', ')}`);
  const format = choice('--format', flags.format, ['oci', 'v2s2']);
  const compressionFormat = choice('--compression-format', flags['compression-format'], ['gzip', 'zstd']);
  const level = flags['compression-level'];
  return {
    ...(format === undefined ? {} : { format }),
    ...(compressionFormat === undefined ? {} : { compressionFormat }),
    ...(level === undefined ? {} : { compressionLevel: Number(level) }),
  };
}

export const manifestPush = command({
  name: 'manifest push',
  usage: '[options] LIST [DESTINATION]',
  description: 'Push a list to a registry, with the images that it names.',
  examples: ['manifest push app:1 registry.example.com/team/app:1', 'manifest push --rm app:1 docker://registry.example.com/team/app:1'],
  flags: flagTable({
    all: { kind: 'bool', help: 'With the images that it names; --all=false when the registry has them', default: 'true' },
    ...formFlags,
    ...accessFlags,
    rm: { kind: 'bool', short: 'p', aliases: ['purge'], help: 'Remove the list when it was pushed' },
  }),
  unsupported: {
    'add-compression': '',
    'force-compression': '',
    retry: '',
    'retry-delay': '',
    'sign-by': '',
    'sign-by-sigstore': '',
    'sign-by-sigstore-private-key': '',
    'sign-passphrase-file': '',
  },
  arguments: [1, 2],
  async run({ flags, positionals: [list = '', destination] }, context) {
    const request = { list, destination, all: flags.all !== false, quiet: flags.quiet === true, ...pushForm(flags) };
    const digest = await pushList(context, request, toAccess(flags, context));
    if (flags.digestfile !== undefined) await writeDigestFile(context, flags.digestfile, digest);
    if (flags.rm === true) await (await context.engine()).manifest.delete({ list, trash: false });
    return 0;
  },
});
