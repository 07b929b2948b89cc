/** Programs that nobody here wrote, to read what we write and to write what we read. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export const hasSkopeo = existsSync('/usr/bin/skopeo');
export const hasPodman = existsSync('/usr/bin/podman') && process.getuid?.() === 0;

export function skopeo(...args: string[]): string {
  return execFileSync('skopeo', ['--insecure-policy', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** With a store of its own. */
export class Podman implements Disposable {
  readonly directory = mkdtempSync('/tmp/selkie-podman-');

  run(...args: string[]): string {
    const globals = ['--root', join(this.directory, 'root'), '--runroot', join(this.directory, 'run'), '--events-backend', 'none'];
    return execFileSync('podman', [...globals, '--storage-driver', 'vfs', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Of the image, and of its layers from the bottom up. */
  identity(name: string): { readonly id: string; readonly diffIds: readonly string[] } {
    const [image] = JSON.parse(this.run('image', 'inspect', name)) as { Id: string; RootFS: { Layers: string[] } }[];
    if (!image) throw new Error(`podman has no ${name}`);
    return { id: image.Id, diffIds: image.RootFS.Layers };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
