import { resolve } from 'node:path';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';

export const sign = command({
  name: 'image sign',
  usage: '[options] IMAGE [IMAGE...]',
  description:
    "Sign images that lie in a registry with a key of gpg's: into the lookaside folder that registries.d names for it, or into another folder.",
  examples: [
    'image sign --sign-by team@example.com docker://registry.example.com/team/app:1',
    'image sign --sign-by team@example.com --directory ./signatures docker://registry.example.com/team/app:1',
  ],
  flags: flagTable({
    all: { kind: 'bool', short: 'a', help: 'With an index, all images that it names, too' },
    authfile: { kind: 'string', word: 'path', help: 'File with credentials' },
    'cert-dir': { kind: 'string', word: 'path', help: 'Folder with certificates' },
    directory: { kind: 'string', short: 'd', word: 'path', help: 'Folder to write signatures to' },
    'sign-by': { kind: 'string', word: 'key', help: 'Fingerprint, id or mail address of a secret key' },
    'sign-passphrase-file': { kind: 'string', word: 'path', help: "File with the key's passphrase" },
  }),
  arguments: [1, Infinity],
  async run({ flags, positionals }, context) {
    const absolute = (path: string): string => resolve(context.workingDirectory, path);
    const api = await context.engine();
    await api.image.sign(
      {
        images: [...positionals],
        signBy: flags['sign-by'] ?? '',
        all: flags.all === true,
        ...(flags.directory === undefined ? {} : { directory: absolute(flags.directory) }),
        ...(flags['sign-passphrase-file'] === undefined ? {} : { passphraseFile: absolute(flags['sign-passphrase-file']) }),
        ...(flags.authfile === undefined ? {} : { authFile: absolute(flags.authfile) }),
        ...(flags['cert-dir'] === undefined ? {} : { certDirectory: absolute(flags['cert-dir']) }),
      },
      { signal: context.signal },
    );
    return 0;
  },
});
