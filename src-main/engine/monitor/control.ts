import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A message to conmon's ctl fifo (conmon's ctrl.c). Nobody reads when the container is gone: then there is nothing to tell. */
function tell(directory: string, text: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(join(directory, 'ctl'), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (hasErrno(error, 'ENXIO') || hasErrno(error, 'ENOENT')) return;
    throw error;
  }
  try {
    writeSync(descriptor, text);
  } catch (error) {
    if (!hasErrno(error, 'EPIPE')) throw error;
  } finally {
    closeSync(descriptor);
  }
}

function hasErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

export function resizeTerminal(directory: string, rows: number, columns: number): void {
  tell(directory, `1 ${dimension(rows)} ${dimension(columns)}\n`);
}

export function reopenLog(directory: string): void {
  tell(directory, '2 0 0\n');
}

/** struct winsize has 16 bits. */
function dimension(value: number): number {
  return Math.min(Math.max(Math.trunc(value) || 0, 0), 65535);
}
