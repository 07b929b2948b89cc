/** Programs that nobody here wrote, to read what we write and to write what we read. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const hasSkopeo = existsSync('/usr/bin/skopeo');
export const hasPodman = existsSync('/usr/bin/podman') && process.getuid?.() === 0;

export function skopeo(...args: string[]): string {
  return execFileSync('skopeo', ['--insecure-policy', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** While this process serves what it asks. */
export async function skopeoAside(...args: string[]): Promise<string> {
  return (await promisify(execFile)('skopeo', ['--insecure-policy', ...args], { encoding: 'utf8' })).stdout;
}

/** With a store of its own. */
export class Podman implements Disposable {
  readonly directory = mkdtempSync('/tmp/selkie-podman-');
  readonly #driver: 'overlay' | 'vfs';

  constructor(driver: 'overlay' | 'vfs' = 'vfs') {
    this.#driver = driver;
  }

  get graphRoot(): string {
    return join(this.directory, 'root');
  }

  run(...args: string[]): string {
    const globals = ['--root', this.graphRoot, '--runroot', join(this.directory, 'run'), '--events-backend', 'none'];
    // In a mount namespace of its own: containers/storage binds its overlay folder, and leaves it so.
    return execFileSync('unshare', ['-m', 'podman', ...globals, '--storage-driver', this.#driver, ...args], {
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
