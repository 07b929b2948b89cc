import type { CheckLine } from '../../contract/system.ts';
import type { System } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';

export interface CheckContext {
  readonly system: System;
  readonly config: EngineConfig | undefined;
  /** Nobody but root of the host is without `sudo`. */
  readonly asRoot: boolean;
  /** Inside the sandbox, or root: what needs rights can be tried. */
  readonly inside: boolean;
}

type Subject = Pick<CheckLine, 'id' | 'title' | 'why'>;

export function ok(subject: Subject, value: string): CheckLine {
  return { ...subject, status: 'ok', value, fix: '', command: '' };
}

export function degraded(subject: Subject, value: string, fix: string, command = ''): CheckLine {
  return { ...subject, status: 'degraded', value, fix, command };
}

export function missing(subject: Subject, value: string, fix: string, command = ''): CheckLine {
  return { ...subject, status: 'missing', value, fix, command };
}
