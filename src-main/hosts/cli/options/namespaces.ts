/** --network, --pid, --ipc, --uts, --cgroupns, --userns and its maps: what there is, and refusals by name for what there is not yet. */
import { EngineError } from '../../../base/errors.ts';
import type { ContainerSpecInput } from '../../../contract/container-spec.ts';

type NetworkInput = NonNullable<ContainerSpecInput['network']>;

export function parseNetwork(values: readonly string[]): NetworkInput | undefined {
  const [value, second] = values;
  if (value === undefined) return undefined;
  if (second !== undefined)
    throw new EngineError('unsupported', `--network ${value} and --network ${second}: several networks are not supported yet`);
  const colon = value.indexOf(':');
  const word = colon < 0 ? value : value.slice(0, colon);
  const options = colon < 0 ? [] : value.slice(colon + 1).split(',');
  switch (word) {
    case '':
    case 'default':
    case 'private':
      return { mode: 'default', options };
    case 'host':
    case 'none':
    case 'bridge':
    case 'pasta':
    case 'slirp4netns':
      return { mode: word, options };
    case 'container':
    case 'ns':
      throw new EngineError('unsupported', `--network ${value}: joining another network namespace is not supported yet`);
    default:
      throw new EngineError('unsupported', `--network ${value}: user-defined networks are not supported yet`, {
        fix: 'choose one of host, none, bridge, pasta, slirp4netns',
      });
  }
}

/** `private` and `host`; undefined when it was not given. */
export function parseNamespace(flag: string, value: string | undefined): 'private' | 'host' | undefined {
  if (value === undefined || value === '') return undefined;
  if (value === 'private' || value === 'host') return value;
  if (/^(container:|ns:|shareable$|none$|pod$)/.test(value))
    throw new EngineError('unsupported', `--${flag} ${value} is not supported yet`, { fix: 'choose private or host' });
  throw new EngineError('invalid-argument', `--${flag}: invalid namespace "${value}"`, { fix: 'choose private or host' });
}

export interface UserNamespaceFlags {
  readonly userns: string | undefined;
  readonly uidmap: readonly string[];
  readonly gidmap: readonly string[];
  readonly subuidname: string | undefined;
  readonly subgidname: string | undefined;
}

/** What PODMAN_USERNS says counts where nothing was typed. The words are the engine's to read. */
export function userNamespace(
  flags: UserNamespaceFlags,
  fromEnvironment: string | undefined,
): Pick<ContainerSpecInput, 'uidMap' | 'gidMap'> & {
  readonly userns: string | undefined;
  readonly subUidName: string | undefined;
  readonly subGidName: string | undefined;
} {
  const { userns, uidmap, gidmap, subuidname, subgidname } = flags;
  const typed = userns !== undefined || uidmap.length + gidmap.length > 0 || subuidname !== undefined || subgidname !== undefined;
  return {
    userns: typed ? userns : fromEnvironment === '' ? undefined : fromEnvironment,
    uidMap: [...uidmap],
    gidMap: [...gidmap],
    subUidName: subuidname,
    subGidName: subgidname,
  };
}
