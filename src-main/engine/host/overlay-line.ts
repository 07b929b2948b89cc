import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.ts';
import type { CheckLine } from '../../contract/system.ts';
import { isKernelAtLeast } from './kernel-lines.ts';
import { type CheckContext, degraded, missing, ok, say } from './line.ts';

/** Overlay does not go on top of these. */
const unfit: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x794c7630: 'overlay',
  0xf15f: 'eCryptfs',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
};

/** Really mounts one, writes to it, and takes it away, in the store that it is for; before there is a sandbox the kernel's version has to do. */
export async function checkOverlay(context: CheckContext): Promise<CheckLine> {
  const { system, config, asRoot, inside } = context;
  const subject = {
    id: 'overlay',
    title: 'Overlay file system',
    why: 'Layers of an image are shared by its containers; overlay lays a writable one on top.',
  };
  if (!inside) {
    return isKernelAtLeast(5, 11)
      ? ok(subject, say('overlay-for-users'))
      : missing(subject, say('overlay-for-root'), [say('use-newer-kernel')]);
  }
  const place = config !== undefined && existsSync(config.graphRoot) ? config.graphRoot : tmpdir();
  let scratch: string | undefined;
  try {
    scratch = mkdtempSync(join(place, '.overlay-check-'));
    tryOverlay(context, scratch);
    return ok(subject, say(asRoot ? 'works' : 'works-without-root'));
  } catch (error) {
    const type = statfsSync(place).type;
    const name = unfit[type];
    const byProgram = system.processes.find('fuse-overlayfs') !== undefined && isOpen('/dev/fuse');
    return degraded(
      subject,
      say(byProgram ? 'overlay-by-program' : 'whole-copies', { reason: messageOf(error) }),
      [name === undefined ? say('load-overlay') : say('move-store', { place, type: name })],
      name === undefined ? `${asRoot ? '' : 'sudo '}modprobe overlay` : '',
    );
  } finally {
    if (scratch !== undefined) {
      system.mounts.unmount(join(scratch, 'merged'), { detach: true });
      await system.files.removeTree(scratch);
    }
  }
}

function isOpen(device: string): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function tryOverlay({ system, asRoot }: CheckContext, scratch: string): void {
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(scratch, name));
  writeFileSync(join(scratch, 'lower/file'), 'below');
  const options = ['lower', 'upper', 'work'].map((name) => `${name}dir=${join(scratch, name)}`);
  system.mounts.mount('overlay', join(scratch, 'merged'), 'overlay', [], [...options, ...(asRoot ? [] : ['userxattr'])].join(','));
  writeFileSync(join(scratch, 'merged/file'), 'above');
}
