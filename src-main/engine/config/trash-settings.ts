import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { Identity } from '../../system/system.ts';
import { readTomlIfExists, Settings } from './toml-file.ts';

export interface TrashSettings {
  /** 0: what is removed is deleted at once. */
  readonly keepDays: number;
  /** Of the disk that the store is on. */
  readonly maximumPercent: number;
}

/**
 * `[trash]` of selkie.conf, with `keep_days` and `maximum_percent`: /etc/selkie/selkie.conf, without root also ~/.config/selkie/selkie.conf over it;
 * SELKIE_CONF names another file instead of both. Read at the moment of use.
 */
export function loadTrashSettings(
  identity: Pick<Identity, 'homeDirectory' | 'rootless'>,
  environment: Readonly<Record<string, string | undefined>>,
): TrashSettings {
  const named = environment['SELKIE_CONF'] ?? '';
  const home = environment['XDG_CONFIG_HOME'] ?? '';
  const own = join(home === '' ? join(identity.homeDirectory, '.config') : home, 'selkie/selkie.conf');
  const paths = named === '' ? ['/etc/selkie/selkie.conf', ...(identity.rootless ? [own] : [])] : [named];
  const settings = new Settings(paths.map(readTomlIfExists).filter((file) => file !== undefined));
  return { keepDays: bounded(settings, 'keep_days', 7, 3650), maximumPercent: bounded(settings, 'maximum_percent', 10, 100) };
}

function bounded(settings: Settings, key: string, usual: number, most: number): number {
  const value = settings.integer('trash', key) ?? usual;
  if (value >= 0 && value <= most) return value;
  throw new EngineError('invalid-argument', `selkie.conf: trash.${key} is ${value}, and has to be from 0 to ${most}`, {
    fix: 'correct the value, or remove the line',
  });
}
