import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { print } from '../output/print.ts';
import { isJsonFormat, renderObject } from '../output/report.ts';
import { alignColumns } from '../output/table.ts';
import { struct, toJson } from '../output/template/template.ts';

export const version = command({
  name: 'version',
  usage: '[options]',
  description: 'Show the versions of Selkie and what it runs on.',
  examples: ['version', "version --format '{{.Client.Version}}'"],
  flags: flagTable({ format: { kind: 'string', short: 'f', help: 'json, or a Go template' } }),
  arguments: [0, 0],
  async run({ flags }, context) {
    const { build } = await import('../../../base/version.ts');
    const api = await context.engine();
    const found = await api.system.version({});
    const built = Date.parse(found.builtAt);
    const builtTime = Number.isNaN(built) ? '' : new Date(built).toUTCString();
    const client = struct('*define.Version', {
      APIVersion: found.contract,
      Version: build.version,
      GoVersion: found.runtime,
      GitCommit: found.gitCommit,
      BuiltTime: builtTime,
      Built: Number.isNaN(built) ? 0 : Math.floor(built / 1000),
      OsArch: found.osArch,
      Os: found.osArch.split('/')[0] ?? '',
    });
    const report = struct('entities.SystemVersionReport', { Client: client });
    if (isJsonFormat(flags.format)) await print(`${toJson(report)}\n`);
    else if (flags.format !== undefined) await print(renderObject('version', flags.format, { ...report, Server: client, ...client }));
    else {
      const lines: [string, string][] = [
        ['Client:', 'Selkie Engine'],
        ['Version:', build.version],
        ['API Version:', found.contract],
        ['Runtime:', found.runtime],
        ...(found.gitCommit === '' ? [] : [['Git Commit:', found.gitCommit] as [string, string]]),
        ...(builtTime === '' ? [] : [['Built:', builtTime] as [string, string]]),
        ['OS/Arch:', found.osArch],
      ];
      await print(alignColumns(`${lines.map((cells) => cells.join('\t')).join('\n')}\n`));
    }
    return 0;
  },
});
