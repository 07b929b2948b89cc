/** What the rows measure with: the contenders of this host, the images, the registry; each made once, on first use, and all taken away at the end. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openHostNamespace, type HostNamespace } from './host-namespace.ts';
import { busyboxImage, makeBusyboxImage, type BusyboxImage } from './input/busybox-image.ts';
import { openRegistry, type Registry } from './input/registry.ts';
import { firstLine, output } from './measure.ts';
import { openDocker, type Docker } from './peers/docker.ts';
import { openPodman, type Podman } from './peers/podman.ts';
import { openRawRuntime, type RawRuntime } from './peers/raw-runtime.ts';
import { openSelkie, type Selkie } from './peers/selkie.ts';

export const outputDirectory = resolve(import.meta.dirname, '../.output');

export interface Bench {
  readonly directory: string;
  /** How often each contender runs in a row that takes milliseconds. */
  readonly runs: number;
  readonly idleSeconds: number;
  readonly isRoot: boolean;
  /** Undefined: not built, or not installed, or it could not be brought up; `notes` says why. */
  readonly selkie: Selkie | undefined;
  readonly podman: Podman | undefined;
  readonly docker: Docker | undefined;
  readonly floor: RawRuntime | undefined;
  readonly busybox: string;
  readonly notes: readonly string[];
  registry(): Promise<Registry>;
  close(): Promise<void>;
}

export interface BenchOptions {
  readonly runs: number;
  readonly idleSeconds: number;
  readonly without: readonly string[];
  /** The installation to measure. */
  readonly app: string;
}

export async function openBench(options: BenchOptions): Promise<Bench> {
  const directory = mkdtempSync(join(tmpdir(), 'selkie-bench-'));
  const namespace = await openHostNamespace();
  const notes: string[] = [];
  const busybox = await makeBusyboxImage(directory);
  const attempt = async <T>(name: string, open: () => Promise<T | undefined>, missing: string): Promise<T | undefined> => {
    if (options.without.includes(name)) return undefined;
    try {
      const opened = await open();
      if (opened === undefined) notes.push(`${name}: ${missing}`);
      return opened;
    } catch (error) {
      notes.push(`${name}: ${firstLine(error)}`);
      return undefined;
    }
  };
  const contenders = await openContenders(directory, options.app, namespace, busybox, attempt);
  let registry: Promise<Registry> | undefined;
  return {
    directory,
    ...options,
    isRoot: process.getuid?.() === 0,
    ...contenders,
    busybox: busyboxImage,
    notes,
    registry: () => (registry ??= openRegistry(join(directory, 'registry'))),
    async close() {
      const opened = [contenders.selkie, contenders.podman, contenders.docker, await registry?.catch(() => undefined), namespace];
      for (const one of opened)
        await one?.close().catch((error: unknown) => {
          console.error(`clean-up: ${firstLine(error)}`);
        });
      await output({ program: 'rm', args: ['-rf', '--one-file-system', directory] }).catch((error: unknown) => {
        console.error(`clean-up: ${firstLine(error)}`);
      });
    },
  };
}

type Attempt = <T>(name: string, open: () => Promise<T | undefined>, missing: string) => Promise<T | undefined>;

/** Each with the busybox image in its store. */
async function openContenders(
  directory: string,
  app: string,
  namespace: HostNamespace,
  busybox: BusyboxImage,
  attempt: Attempt,
): Promise<Pick<Bench, 'selkie' | 'podman' | 'docker' | 'floor'>> {
  const selkie = await attempt(
    'selkie',
    async () => {
      const opened = await openSelkie(join(directory, 'selkie'), app);
      await output(opened.command('load', '--quiet', '--input', busybox.archive));
      return opened;
    },
    'not built',
  );
  const podman = await attempt(
    'podman',
    async () => {
      const opened = await openPodman(join(directory, 'podman'), namespace);
      if (opened) await output(opened.command('load', '--quiet', '--input', busybox.archive));
      return opened;
    },
    'not installed',
  );
  const docker = await attempt(
    'docker',
    async () => {
      const opened = await openDocker(join(directory, 'docker'), namespace);
      if (opened) await output(opened.command('load', '--quiet', '--input', busybox.archive));
      return opened;
    },
    'dockerd is not installed, or this is not root',
  );
  const floor = await attempt('floor', () => openRawRuntime(join(directory, 'crun'), busybox.rootfs, namespace), 'crun is not installed');
  return { selkie, podman, docker, floor };
}
