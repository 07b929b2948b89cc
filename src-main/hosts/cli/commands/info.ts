import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { print } from '../output/print.ts';
import { isJsonFormat, renderObject } from '../output/report.ts';
import { infoJson, systemInfo } from '../output/system-info.ts';
import { toJson, toPlain } from '../output/template/template.ts';
import { toYaml } from '../output/yaml.ts';

export const info = command({
  name: 'info',
  usage: '[options]',
  description: 'Show the host, the store and the engine.',
  examples: ['info', "info --format '{{.Store.GraphRoot}}'"],
  flags: flagTable({
    debug: { kind: 'bool', short: 'D', hidden: true, help: 'Without effect, as in Podman' },
    format: { kind: 'string', short: 'f', help: 'json, or a Go template' },
  }),
  arguments: [0, 0],
  async run({ flags }, context) {
    const api = await context.engine();
    const found = systemInfo(await api.system.info({}));
    if (isJsonFormat(flags.format)) await print(`${toJson(infoJson(found), 2)}\n`);
    else if (flags.format !== undefined) await print(renderObject('info', flags.format, found));
    else await print(toYaml(toPlain(infoJson(found))).slice(1));
    return 0;
  },
});
