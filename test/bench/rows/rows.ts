/** All rows, in the order of the table. A new one is a file beside this and a line here. */
import type { Row } from '../row.ts';
import { cliRunHost } from './cli-run-host.ts';
import { engineRunBridge } from './engine-run-bridge.ts';
import { engineRunHost } from './engine-run-host.ts';
import { idleCpu } from './idle-cpu.ts';
import { idleMemory } from './idle-memory.ts';
import { monitorMemory } from './monitor-memory.ts';
import { listHundred } from './list-hundred.ts';
import { pullDebian } from './pull-debian.ts';

export const rows: readonly Row[] = [
  engineRunHost,
  engineRunBridge,
  cliRunHost,
  listHundred,
  pullDebian,
  idleCpu,
  idleMemory,
  monitorMemory,
];
