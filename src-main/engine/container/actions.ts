/** What is done to one container: loaded when the first of these is asked for, so that `selkie ps` does without. */
export { attachContainer } from './attach.ts';
export { commitContainer } from './commit.ts';
export { createContainer } from './create.ts';
export { diffTrees } from './diff.ts';
export { execDetached, execInContainer } from './exec.ts';
export { exportContainer, exportContainerFile } from './export.ts';
export { inspectContainer } from './inspect.ts';
export { readLogs } from './logs.ts';
export { removeContainer, renameContainer, restartContainer } from './manage.ts';
export { mountContainer, mountedContainers, mountedImages, mountImage, releaseImage, unmountContainer, unmountImage } from './mount.ts';
export { startContainer } from './start.ts';
export { watchStats } from './stats.ts';
export { killContainer, stopContainer } from './stop.ts';
export { topOfContainer } from './top.ts';
export { waitForCondition } from './wait.ts';
