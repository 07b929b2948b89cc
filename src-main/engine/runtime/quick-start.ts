import { closeSync, constants, fstatSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Versions whose start is known to do no more than this (libcrun_status_write_exec_fifo in their status.c), since we write no poststart hooks. */
const knownVersions = /^(0\.1[3-9]|0\.2\d|1\.\d+)(\.|$)/;

/**
 * What `crun start` does, without a process of its own (4 ms of the 15 that a container takes): the created container waits at a fifo for
 * one byte. Answers false when it has to be done by crun: another version, no such fifo, or nobody who waits at it.
 */
export function startByFifo(stateDirectory: string, id: string, version: string): boolean {
  if (!knownVersions.test(version)) return false;
  const path = join(stateDirectory, id, 'exec.fifo');
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch {
    return false;
  }
  try {
    if (!fstatSync(fd).isFIFO()) return false;
    // Its absence is how crun's state tells running from created.
    unlinkSync(path);
    writeSync(fd, '\0');
    return true;
  } finally {
    closeSync(fd);
  }
}
