import { createReadStream, statSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { asyncDisposable } from '../../../base/disposable.ts';
import { EngineError } from '../../../base/errors.ts';
import { toEngineError } from '../../../system/errno.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { write } from '../output/print.ts';
import { progressDisplay } from '../output/progress.ts';

const formats = ['docker-archive', 'oci-archive', 'oci-dir', 'docker-dir'] as const;
type Format = (typeof formats)[number];

function parseFormat(text: string): Format {
  const format = formats.find((one) => one === text);
  if (format === undefined)
    throw new EngineError('invalid-argument', 'format value must be one of oci-dir oci-archive docker-dir docker-archive');
  return format;
}

interface Output extends AsyncDisposable {
  /** What the engine writes: an ordinary file or folder. */
  readonly path: string;
  /** Passes on what was written, where that is no ordinary file. */
  deliver(): Promise<void>;
}

/** An archive is written from two ends, which a pipe cannot be; and half an archive that is piped into `load` helps nobody. */
async function throughFile(target: 'stdout' | { readonly path: string }): Promise<Output> {
  const folder = await mkdtemp(join(process.env.TMPDIR === undefined ? '/var/tmp' : tmpdir(), 'selkie-save-'));
  const path = join(folder, 'archive');
  return {
    path,
    async deliver() {
      const chunks = createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>;
      if (target === 'stdout') for await (const chunk of chunks) await write('stdout', chunk);
      else await copyTo(target.path, chunks);
    },
    ...asyncDisposable(() => rm(folder, { recursive: true, force: true })),
  };
}

async function copyTo(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await using file = await open(path, 'w');
    for await (const chunk of chunks) await file.appendFile(chunk);
  } catch (error) {
    throw toEngineError(error, 'write', path);
  }
}

async function openOutput(given: string | undefined, workingDirectory: string, format: Format): Promise<Output> {
  const isFolder = format === 'oci-dir' || format === 'docker-dir';
  if (given === undefined) {
    if (isFolder) throw new EngineError('invalid-argument', `${format} is a folder: give its name with --output`);
    if (process.stdout.isTTY) throw new EngineError('invalid-argument', 'refusing to save to terminal. Use -o flag or redirect');
    return throughFile('stdout');
  }
  if (given.includes(':')) throw new EngineError('invalid-argument', `invalid filename (should not contain ':') ${JSON.stringify(given)}`);
  const path = resolve(workingDirectory, given);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!isFolder && found && !found.isFile() && !found.isDirectory()) return throughFile({ path });
  if (format === 'docker-archive' && found && found.size > 0)
    throw new EngineError('already-exists', "docker-archive doesn't support modifying existing images", {
      fix: `Remove ${given} first, or give another name.`,
    });
  return { path, deliver: () => Promise.resolve(), ...asyncDisposable(() => Promise.resolve()) };
}

export const save = command({
  name: 'save',
  usage: '[options] IMAGE [IMAGE...]',
  description: 'Save images to an archive or a folder. Without --multi-image-archive further arguments are further names of the first.',
  examples: ['save -o alpine.tar alpine', 'save --format oci-archive -o alpine.oci.tar alpine', 'save -m -o both.tar alpine debian:12'],
  flags: flagTable({
    compress: { kind: 'bool', help: 'Compress the layers of a docker-dir' },
    format: { kind: 'string', help: 'oci-archive, oci-dir, docker-archive or docker-dir', default: 'docker-archive' },
    'multi-image-archive': { kind: 'bool', short: 'm', help: 'Further arguments are further images of a docker-archive' },
    output: { kind: 'string', short: 'o', word: 'path', help: 'File or folder to write; without it stdout, which has to be redirected' },
    quiet: { kind: 'bool', short: 'q', help: 'Show no progress' },
    uncompressed: { kind: 'bool', help: 'Leave the layers of an OCI archive or folder as they are' },
  }),
  arguments: [1, Infinity],
  async run({ flags, positionals: [image = '', ...more] }, context) {
    const format = parseFormat(flags.format ?? 'docker-archive');
    if (flags.compress === true && format !== 'docker-dir')
      throw new EngineError('invalid-argument', "--compress can only be set when --format is 'docker-dir'");
    const several = flags['multi-image-archive'] === true;
    const api = await context.engine();
    await using output = await openOutput(flags.output, context.workingDirectory, format);
    const display = progressDisplay({ quiet: flags.quiet === true || flags.output === undefined });
    const request = {
      images: [image, ...(several ? more : [])],
      names: several ? [] : more,
      path: output.path,
      format,
      compress: flags.compress === true,
      uncompressed: flags.uncompressed === true,
    };
    for await (const item of api.image.save(request, { signal: context.signal }))
      if (item.kind === 'progress') await display.show(item.progress);
    await display.finish();
    await output.deliver();
    return 0;
  },
});
