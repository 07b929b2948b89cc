import { EngineError } from '../../../base/errors.ts';
import type { MountFlag } from '../../../system/system.ts';

export interface OverlayOptions {
  readonly flags: readonly MountFlag[];
  readonly metacopy: boolean;
}

const flagNames: Readonly<Record<string, MountFlag>> = { nodev: 'nodev', nosuid: 'nosuid', noexec: 'noexec' };

/** Reads `--storage-opt overlay.mountopt=nodev,metacopy=on`, as in containers-storage.conf(5). What cannot be honoured is refused. */
export function parseStorageOptions(options: readonly string[]): OverlayOptions {
  const flags: MountFlag[] = [];
  let metacopy = false;
  for (const option of options) {
    const [, name = '', value = ''] = /^(?:overlay2?\.)?([^=]*)=?(.*)$/s.exec(option) ?? [];
    if (name === 'ignore_chown_errors' && value === 'false') continue;
    if (name !== 'mountopt') refuse(option);
    for (const word of value.split(',').filter((part) => part !== '')) {
      const flag = flagNames[word];
      if (flag) flags.push(flag);
      else if (word === 'metacopy=on') metacopy = true;
      else if (word === 'metacopy=off') metacopy = false;
      else refuse(`overlay.mountopt=${word}`);
    }
  }
  return { flags, metacopy };
}

function refuse(option: string): never {
  throw new EngineError('unsupported', `storage option ${JSON.stringify(option)} is not supported`, {
    fix: 'leave it out of --storage-opt; supported is overlay.mountopt= with nodev, nosuid, noexec, metacopy=on and metacopy=off',
    details: { option },
  });
}
