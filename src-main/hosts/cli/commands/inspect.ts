import { EngineError, isEngineError } from '../../../base/errors.ts';
import type { EngineClient } from '../../../contract/engine.ts';
import { command, type Command } from '../command.ts';
import type { Context } from '../context.ts';
import { flagTable } from '../options/flags.ts';
import { parseChoice } from '../options/values.ts';
import { containerInspect } from '../output/container-inspect.ts';
import { imageInspect } from '../output/image-inspect.ts';
import { print } from '../output/print.ts';
import { compileRows, isJsonFormat, normalizeFormat } from '../output/report.ts';
import { toJson, type GoStruct, type Template } from '../output/template/template.ts';
import { alignColumns } from '../output/table.ts';
import { volumeJson } from '../output/volume-row.ts';
import { latest, reportFailures } from '../targets.ts';

const types = ['all', 'container', 'image', 'volume'] as const;
type Type = (typeof types)[number];

function parseType(text: string): Type {
  if (text === 'pod' || text === 'network') throw new EngineError('unsupported', `inspecting a ${text} is not supported yet`);
  return parseChoice(text, types, (word) => `invalid type "${word}": must be ${types.map((type) => `"${type}"`).join(', ')}`);
}

interface Options {
  readonly type: Type;
  readonly format: string | undefined;
  readonly size: boolean;
}

/** Podman's order for --type all: container, image, volume. */
async function find(api: EngineClient, name: string, options: Options): Promise<GoStruct> {
  const lookups: readonly [Type, () => Promise<GoStruct>][] = [
    ['container', async () => containerInspect(await api.container.inspect({ container: name, size: options.size }))],
    ['image', async () => imageInspect(await api.image.inspect({ image: name }))],
    ['volume', async () => volumeJson(await api.volume.inspect({ volume: name }))],
  ];
  for (const [type, lookup] of lookups) {
    if (options.type !== 'all' && options.type !== type) continue;
    try {
      return await lookup();
    } catch (error) {
      if (!isEngineError(error, 'not-found') || options.type === type) throw error;
    }
  }
  throw new EngineError('not-found', `no such object: "${name}"`, {
    fix: 'selkie ps -a, selkie images and selkie volume ls list what there is',
  });
}

/** There are no headings: fields of different objects have none in common. */
function render(template: Template, found: readonly GoStruct[], format: string): string {
  const text = template.execute(found);
  return normalizeFormat(format).table ? alignColumns(text) : text;
}

async function inspectAll(api: EngineClient, names: readonly string[], options: Options, context: Context): Promise<number> {
  const format = options.format;
  // Podman takes Docker's spelling of the id too.
  const template =
    format === undefined || isJsonFormat(format) ? undefined : compileRows('inspect', format.replace(/(\{\{[^}]*?\.)ID\b/g, '$1Id'));
  const found: GoStruct[] = [];
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      found.push(await find(api, name, options));
    } catch (error) {
      failures.push(error);
    }
  }
  await print(template ? render(template, found, format ?? '') : `${toJson(found, 5)}\n`);
  return reportFailures(failures, context);
}

function inspectCommand(name: string, fixedType: Type | undefined): Command {
  return command({
    name,
    usage: '[options] NAME [NAME...]',
    description: `Show all that is known about ${fixedType === undefined ? 'containers, images and volumes' : `${fixedType}s`}.`,
    examples: [`${name} web`, `${name} --format '{{.Id}}' web`],
    flags: flagTable({
      format: { kind: 'string', short: 'f', help: 'json, or a Go template', default: 'json' },
      latest: { kind: 'bool', short: 'l', help: 'The newest container' },
      size: { kind: 'bool', short: 's', help: 'With the sizes of a container' },
      type: { kind: 'string', short: 't', help: 'all, container, image or volume', default: 'all' },
    }),
    arguments: [0, Infinity],
    async run({ flags, positionals }, context) {
      const type = fixedType ?? parseType(flags.type ?? 'all');
      if (flags.latest !== true && positionals.length === 0) throw new EngineError('invalid-argument', 'no names or ids specified');
      const api = await context.engine();
      const names = flags.latest === true ? [(await latest(api)).id] : positionals;
      return inspectAll(api, names, { type, format: flags.format, size: flags.size === true }, context);
    },
  });
}

export const inspect = inspectCommand('inspect', undefined);
export const containerInspectCommand = inspectCommand('container inspect', 'container');
export const imageInspectCommand = inspectCommand('image inspect', 'image');
