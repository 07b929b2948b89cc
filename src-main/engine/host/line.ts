import type { CheckLine, CheckTextKey } from '../../contract/system.ts';
import type { System } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';
import { sentences } from './sentences.ts';

export interface CheckContext {
  readonly system: System;
  readonly config: EngineConfig | undefined;
  /** Nobody but root of the host is without `sudo`. */
  readonly asRoot: boolean;
  /** Inside the sandbox, or root: what needs rights can be tried. */
  readonly inside: boolean;
}

type Subject = Pick<CheckLine, 'id' | 'title' | 'why'>;
type Values = Readonly<Record<string, string>>;

/** A sentence of the check with what is filled in. */
export interface Said {
  readonly key: CheckTextKey;
  readonly values: Values;
}

export function say(key: CheckTextKey, values: Values = {}): Said {
  return { key, values };
}

function words({ key, values }: Said): string {
  return sentences[key].replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '');
}

function line(subject: Subject, status: CheckLine['status'], value: string | Said, fixes: readonly Said[], command: string): CheckLine {
  const said = typeof value === 'string' ? undefined : value;
  return {
    ...subject,
    status,
    value: typeof value === 'string' ? value : words(value),
    fix: fixes.map(words).join(' '),
    command,
    ...(said ? { valueKey: said.key } : {}),
    fixKeys: fixes.map(({ key }) => key),
    values: Object.assign({}, said?.values, ...fixes.map(({ values }) => values)) as Record<string, string>,
  };
}

/** A value is either data, or a sentence. */
export function ok(subject: Subject, value: string | Said): CheckLine {
  return line(subject, 'ok', value, [], '');
}

export function degraded(subject: Subject, value: string | Said, fixes: readonly Said[], command = ''): CheckLine {
  return line(subject, 'degraded', value, fixes, command);
}

export function missing(subject: Subject, value: string | Said, fixes: readonly Said[], command = ''): CheckLine {
  return line(subject, 'missing', value, fixes, command);
}
