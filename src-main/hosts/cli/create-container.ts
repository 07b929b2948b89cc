/** What run and create share: from words to a created container. */
import { closeSync, existsSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { EngineError, isEngineError, messageOf } from '../../base/errors.ts';
import type { ContainerSpecInput } from '../../contract/container-spec.ts';
import type { EngineClient } from '../../contract/engine.ts';
import type { Context } from './context.ts';
import type { containerFlags } from './options/container-flags.ts';
import { toContainerSpec } from './options/container-spec.ts';
import type { FlagValues } from './options/flags.ts';
import type { WarningPrinter } from './output/print.ts';
import { progressDisplay } from './output/progress.ts';

type Flags = FlagValues<typeof containerFlags>;

export interface CreatedContainer {
  readonly id: string;
  readonly name: string;
}

export async function createContainer(
  flags: Flags,
  positionals: readonly string[],
  context: Context,
  warnings: WarningPrinter,
): Promise<CreatedContainer> {
  if (flags.replace === true && flags.name === undefined)
    throw new EngineError('invalid-argument', 'cannot replace container without --name being set');
  // First of all: on the way into the sandbox this program starts anew, and a file must not be made, or a pipe read, twice.
  const api = await context.engine();
  const typed = toContainerSpec(flags, positionals, context);
  const spec = { ...typed, image: absoluteImage(typed.image, context) };
  using idFile = flags.cidfile === undefined ? undefined : new IdFile(flags.cidfile);
  if (flags.replace === true && flags.name !== undefined) await removeIfThere(api, flags.name);
  const created = await create(api, await pullFirst(api, flags, spec, context), flags.quiet === true, context);
  idFile?.keep(created.id);
  await warnings.print(created.warnings);
  return { id: created.id, name: created.name };
}

async function removeIfThere(api: EngineClient, container: string): Promise<void> {
  try {
    await api.container.remove({ container, force: true });
  } catch (error) {
    if (!isEngineError(error, 'not-found')) throw error;
  }
}

const archiveTransport = /^(?:docker-archive|oci-archive|oci|dir):/;

/** The engine does not know what a relative path is relative to. A name that looks like a transport, as `oci:1`, stays one where there is no such file. */
function absoluteImage(image: string, { workingDirectory }: Context): string {
  const [, transport = '', path = '', rest = ''] = /^(docker-archive:|oci-archive:|oci:|dir:)([^:/][^:]*)(:.*)?$/s.exec(image) ?? [];
  if (transport === '' || !existsSync(resolve(workingDirectory, path))) return image;
  return `${transport}${resolve(workingDirectory, path)}${rest}`;
}

/** Options of the pull that a container's specification has no place for: the image is pulled before, by the same policy. */
async function pullFirst(api: EngineClient, flags: Flags, spec: ContainerSpecInput, context: Context): Promise<ContainerSpecInput> {
  if (flags['tls-verify'] === undefined && flags.authfile === undefined) return spec;
  const display = progressDisplay({ quiet: flags.quiet === true });
  const items = api.image.pull(
    {
      reference: spec.image,
      policy: spec.pullPolicy ?? 'missing',
      ...(spec.platform === undefined ? {} : { platform: spec.platform }),
      ...(flags['tls-verify'] === undefined ? {} : { tlsVerify: flags['tls-verify'] }),
      ...(flags.authfile === undefined ? {} : { authFile: flags.authfile }),
    },
    { signal: context.signal },
  );
  let pulled: string | undefined;
  for await (const item of items)
    if (item.kind === 'progress') await display.show(item.progress);
    else pulled ??= item.name;
  await display.finish();
  // An archive or folder would be loaded once more; what came out of it has a name, or is named by its id.
  const image = archiveTransport.test(spec.image) ? (pulled ?? spec.image) : spec.image;
  return { ...spec, image, pullPolicy: 'never' };
}

async function create(
  api: EngineClient,
  spec: ContainerSpecInput,
  quiet: boolean,
  context: Context,
): Promise<{ id: string; name: string; warnings: readonly string[] }> {
  const display = progressDisplay({ quiet });
  for await (const item of api.container.create(spec, { signal: context.signal })) {
    if (item.kind === 'pull') await display.show(item.progress);
    else {
      await display.finish();
      return item.container;
    }
  }
  throw new EngineError('disconnected', 'the engine ended before the container was created');
}

/** --cidfile: has to be new, is there for good once the container is, and goes away when it could not be created. */
class IdFile implements Disposable {
  readonly #path: string;
  readonly #descriptor: number;
  #kept = false;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#descriptor = openSync(path, 'wx', 0o644);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
        throw new EngineError('already-exists', `container id file exists. Ensure another container is not using it or delete ${path}`, {
          fix: `remove ${path}, or choose another --cidfile`,
        });
      }
      throw new EngineError('invalid-argument', `opening cidfile ${path}: ${messageOf(error)}`, { cause: error });
    }
  }

  keep(id: string): void {
    writeSync(this.#descriptor, id);
    this.#kept = true;
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
    if (!this.#kept) unlinkSync(this.#path);
  }
}
