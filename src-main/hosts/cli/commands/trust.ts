import { resolve } from 'node:path';
import { EngineError } from '../../../base/errors.ts';
import type { TrustLine } from '../../../contract/trust.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { flagTable } from '../options/flags.ts';
import { print } from '../output/print.ts';
import { alignColumns } from '../output/table.ts';
import { toJson } from '../output/template/template.ts';

const fileFlags = flagTable({
  policypath: { kind: 'string', word: 'path', hidden: true, help: 'Instead of the usual policy.json' },
  registrypath: { kind: 'string', word: 'path', hidden: true, help: 'Instead of the usual registries.d' },
});

function files(flags: { readonly policypath?: string | undefined; readonly registrypath?: string | undefined }, context: Context) {
  const absolute = (path: string): string => resolve(context.workingDirectory, path);
  return {
    ...(flags.policypath === undefined ? {} : { policyFile: absolute(flags.policypath) }),
    ...(flags.registrypath === undefined ? {} : { registriesDirectory: absolute(flags.registrypath) }),
  };
}

/** As Podman's: what is empty is left out. */
function toReport({ transport, name, type, identities, store }: TrustLine): object {
  return {
    transport,
    ...(name === '' ? {} : { name: transport === 'all' ? '* (default)' : name, repo_name: name }),
    ...(store === '' ? {} : { sigstore: store }),
    type,
    ...(identities === '' ? {} : { gpg_id: identities }),
  };
}

export const trustShow = command({
  name: 'image trust show',
  usage: '[options] [REGISTRY]',
  description: 'Show which images may come in, and by whose signature: the policy that is in force; for one name what decides about it.',
  examples: ['image trust show', 'image trust show --json registry.example.com/team'],
  flags: flagTable({
    ...fileFlags,
    json: { kind: 'bool', short: 'j', help: 'As JSON' },
    noheading: { kind: 'bool', short: 'n', help: 'Without column headings' },
    raw: { kind: 'bool', help: "The policy's file as it is" },
  }),
  arguments: [0, 1],
  async run({ flags, positionals: [registry] }, context) {
    const api = await context.engine();
    const { raw, lines } = await api.trust.show({ ...files(flags, context), ...(registry === undefined ? {} : { registry }) });
    if (flags.raw === true) await print(raw.endsWith('\n') ? raw : `${raw}\n`);
    else if (flags.json === true) await print(`${toJson(lines.map(toReport), 2)}\n`);
    else {
      const heading = flags.noheading === true ? '' : 'TRANSPORT\tNAME\tTYPE\tID\tSTORE\n';
      const rows = lines.map(({ transport, name, type, identities, store }) => `${transport}\t${name}\t${type}\t${identities}\t${store}\n`);
      await print(alignColumns(heading + rows.join('')));
    }
    return 0;
  },
});

const types = ['accept', 'reject', 'signedBy', 'sigstoreSigned'] as const;

export const trustSet = command({
  name: 'image trust set',
  usage: '[options] REGISTRY',
  description:
    "Set what a registry's, namespace's or repository's images need to come in; `default` is for all that nothing else is said about.",
  examples: ['image trust set -t signedBy -f team.gpg registry.example.com/team', 'image trust set -t reject default'],
  flags: flagTable({
    ...fileFlags,
    pubkeysfile: {
      kind: 'array',
      short: 'f',
      word: 'path',
      help: 'Public key to trust; may be given several times: all have to have signed then',
    },
    type: { kind: 'string', short: 't', help: 'accept, reject, signedBy or sigstoreSigned', default: 'signedBy' },
  }),
  arguments: [1, 1],
  async run({ flags, positionals: [scope = ''] }, context) {
    const given = flags.type ?? 'signedBy';
    const type = types.find((one) => one === given);
    if (type === undefined)
      throw new EngineError('invalid-argument', `invalid choice: ${given} (choose from ${types.map((one) => `'${one}'`).join(', ')})`);
    const api = await context.engine();
    const keys = flags.pubkeysfile.map((path) => resolve(context.workingDirectory, path));
    await api.trust.set({ ...files(flags, context), scope, type, keys });
    return 0;
  },
});
