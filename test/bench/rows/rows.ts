/** All rows, in the order of the table. A new one is a file beside this and a line here. */
import type { Row } from '../row.ts';
import { cliRunHost } from './cli-run-host.ts';
import { engineRunBridge } from './engine-run-bridge.ts';
import { engineRunHost } from './engine-run-host.ts';
import { idleCpu } from './idle-cpu.ts';
import { idleMemory } from './idle-memory.ts';
import { monitorMemory } from './monitor-memory.ts';
import { listHundred } from './list-hundred.ts';
import { listImages } from './list-images.ts';
import { loadImage } from './load-image.ts';
import { pullAgain } from './pull-again.ts';
import { pullDebian } from './pull-debian.ts';
import { pullLayers } from './pull-layers.ts';
import { pushAgain } from './push-again.ts';
import { pushImage } from './push-image.ts';
import { removeImages } from './remove-images.ts';
import { saveImage } from './save-image.ts';

export const rows: readonly Row[] = [
  engineRunHost,
  engineRunBridge,
  cliRunHost,
  listHundred,
  pullDebian,
  pullLayers,
  pullAgain,
  pushImage,
  pushAgain,
  loadImage,
  saveImage,
  listImages,
  removeImages,
  idleCpu,
  idleMemory,
  monitorMemory,
];
