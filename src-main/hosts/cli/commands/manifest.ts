import { EngineError } from '../../../base/errors.ts';
import { command } from '../command.ts';
import { flagTable, type FlagValues } from '../options/flags.ts';
import { accessFlags, toAccess } from '../options/registry-access.ts';
import { trashFlags } from '../options/trash.ts';
import { manifestJson } from '../output/manifest-inspect.ts';
import { print, printLines } from '../output/print.ts';
import { removalExitCode, reportFailures } from '../targets.ts';

/** As Podman's: without `=` an annotation is refused. */
function parseAnnotations(texts: readonly string[]): Record<string, string> {
  const pairs = texts.map((text) => {
    const equals = text.indexOf('=');
    if (equals < 1)
      throw new EngineError('invalid-argument', `no value given for annotation ${JSON.stringify(text)}`, { fix: 'write key=value' });
    return [text.slice(0, equals), text.slice(equals + 1)] as const;
  });
  return Object.fromEntries(pairs);
}

const platformFlags = flagTable({
  annotation: { kind: 'array', word: 'key=value', help: 'Set an annotation of the image' },
  arch: { kind: 'string', help: 'Say this architecture instead of the image’s own' },
  features: { kind: 'strings', help: 'Say these features (only Docker’s lists have them)' },
  os: { kind: 'string', help: 'Say this operating system instead of the image’s own' },
  'os-features': { kind: 'strings', help: 'Say these features of the operating system' },
  'os-version': { kind: 'string', word: 'version', help: 'Say this version of the operating system' },
  variant: { kind: 'string', help: 'Say this variant instead of the image’s own' },
});

function platformChanges(flags: FlagValues<typeof platformFlags>) {
  return {
    annotations: parseAnnotations(flags.annotation),
    ...(flags.arch === undefined ? {} : { architecture: flags.arch }),
    ...(flags.os === undefined ? {} : { os: flags.os }),
    ...(flags.variant === undefined ? {} : { variant: flags.variant }),
    ...(flags['os-version'] === undefined ? {} : { osVersion: flags['os-version'] }),
    ...(flags['os-features'].length === 0 ? {} : { osFeatures: [...flags['os-features']] }),
    ...(flags.features.length === 0 ? {} : { features: [...flags.features] }),
  };
}

const artifacts = {
  artifact: '',
  'artifact-annotations': '',
  'artifact-config': '',
  'artifact-config-type': '',
  'artifact-exclude-titles': '',
  'artifact-layer-type': '',
  'artifact-subject': '',
  'artifact-type': '',
};

export const manifestCreate = command({
  name: 'manifest create',
  usage: '[options] LIST [IMAGE...]',
  description: 'Make a list of images for several platforms, empty or with these images.',
  examples: ['manifest create app:1', 'manifest create app:1 localhost/app-amd64 docker://registry.example.com/app-arm64:1'],
  flags: flagTable({
    all: { kind: 'bool', help: 'Of images that are lists, add all that they name' },
    amend: { kind: 'bool', short: 'a', help: 'Add to the list of that name, when there is one' },
    annotation: { kind: 'array', word: 'key=value', help: 'Set an annotation of the list itself' },
    ...accessFlags,
  }),
  arguments: [1, Infinity],
  async run({ flags, positionals: [list = '', ...images] }, context) {
    const api = await context.engine();
    const { id } = await api.manifest.create(
      {
        list,
        images,
        all: flags.all === true,
        amend: flags.amend === true,
        annotations: parseAnnotations(flags.annotation),
        workingDirectory: context.workingDirectory,
        ...toAccess(flags, context),
      },
      { signal: context.signal },
    );
    await print(`${id}\n`);
    return 0;
  },
});

export const manifestAdd = command({
  name: 'manifest add',
  usage: '[options] LIST IMAGE [IMAGE...]',
  description: 'Add images to a list: of this store, or docker://, containers-storage:, oci:, oci-archive:, docker-archive:, dir:.',
  examples: ['manifest add app:1 localhost/app-arm64', 'manifest add --arch arm64 --variant v8 app:1 oci-archive:app.tar'],
  flags: flagTable({ all: { kind: 'bool', help: 'Of an image that is a list, add all that it names' }, ...platformFlags, ...accessFlags }),
  unsupported: artifacts,
  arguments: [2, Infinity],
  async run({ flags, positionals: [list = '', ...images] }, context) {
    const api = await context.engine();
    const { id } = await api.manifest.add(
      {
        list,
        images,
        all: flags.all === true,
        workingDirectory: context.workingDirectory,
        ...platformChanges(flags),
        ...toAccess(flags, context),
      },
      { signal: context.signal },
    );
    await print(`${id}\n`);
    return 0;
  },
});

export const manifestAnnotate = command({
  name: 'manifest annotate',
  usage: '[options] LIST IMAGE',
  description: 'Change what a list says of one of its images, which is named by its digest there, or by its name in the store.',
  examples: ['manifest annotate --variant v7 app:1 sha256:…', 'manifest annotate --index --annotation a=b app:1'],
  flags: flagTable({ ...platformFlags, index: { kind: 'bool', help: 'Annotate the list itself' } }),
  unsupported: { subject: '' },
  arguments: [1, 2],
  async run({ flags, positionals: [list = '', instance] }, context) {
    const changes = platformChanges(flags);
    if (flags.index === true) {
      if (instance !== undefined || Object.keys(changes).length > 1)
        throw new EngineError('invalid-argument', '--index is about the list itself: only --annotation goes with it, and no image');
    } else if (instance === undefined) throw new EngineError('invalid-argument', 'requires at least 2 arg(s), only received 1');
    const api = await context.engine();
    const { id } = await api.manifest.annotate({ list, ...(instance === undefined ? {} : { instance }), ...changes });
    await print(`${id}\n`);
    return 0;
  },
});

export const manifestInspect = command({
  name: 'manifest inspect',
  usage: '[options] LIST',
  description: 'Show a list of this store, or what a registry has under that name.',
  examples: ['manifest inspect app:1', 'manifest inspect docker.io/library/debian:12'],
  flags: flagTable({ ...accessFlags, verbose: { kind: 'bool', short: 'v', hidden: true, help: 'Without effect, as in Podman' } }),
  arguments: [1, 1],
  async run({ flags, positionals: [list = ''] }, context) {
    const api = await context.engine();
    const detail = await api.manifest.inspect({ list, ...toAccess(flags, context) }, { signal: context.signal });
    await print(`${manifestJson(detail)}\n`);
    return 0;
  },
});

export const manifestExists = command({
  name: 'manifest exists',
  usage: 'LIST',
  description: 'Exit with 0 when there is such a list, with 1 when there is none.',
  examples: ['manifest exists app:1'],
  flags: {},
  arguments: [1, 1],
  async run({ positionals: [list = ''] }, context) {
    const api = await context.engine();
    return (await api.manifest.exists({ list })) ? 0 : 1;
  },
});

export const manifestRemove = command({
  name: 'manifest remove',
  usage: 'LIST IMAGE',
  description: 'Take one image out of a list, by its digest there, or by its name in the store.',
  examples: ['manifest remove app:1 sha256:…'],
  flags: {},
  arguments: [2, 2],
  async run({ positionals: [list = '', instance = ''] }, context) {
    const api = await context.engine();
    await print(`${(await api.manifest.remove({ list, instance })).id}\n`);
    return 0;
  },
});

export const manifestDelete = command({
  name: 'manifest rm',
  usage: '[options] LIST [LIST...]',
  description: 'Remove lists; their images stay.',
  examples: ['manifest rm app:1'],
  flags: flagTable({ ignore: { kind: 'bool', short: 'i', help: 'No error for a list that does not exist' }, ...trashFlags }),
  arguments: [1, Infinity],
  async run({ flags, positionals }, context) {
    const api = await context.engine();
    const failures: unknown[] = [];
    for (const list of positionals) {
      try {
        if (flags.ignore === true && !(await api.manifest.exists({ list }))) continue;
        const removed = await api.manifest.delete({ list, trash: flags['no-trash'] !== true });
        await printLines([...removed.untagged.map((name) => `Untagged: ${name}`), ...removed.deleted.map((id) => `Deleted: ${id}`)]);
      } catch (error) {
        failures.push(error);
      }
    }
    return reportFailures(failures, context, removalExitCode);
  },
});
