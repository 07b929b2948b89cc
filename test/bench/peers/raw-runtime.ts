/** The floor: crun alone on an unpacked root file system, without monitor, store, overlay or state. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostNamespace } from '../host-namespace.ts';
import { output, type Command } from '../measure.ts';
import { which } from '../which.ts';

export interface RawRuntime {
  readonly version: string;
  command(...args: readonly string[]): Command;
  /** A bundle whose process is this command, in the host's network. */
  bundle(name: string, command: readonly string[]): string;
}

interface Spec {
  process: { args: string[]; terminal: boolean; rlimits?: unknown };
  root: { path: string; readonly: boolean };
  linux: { namespaces: { type: string }[] };
}

export async function openRawRuntime(directory: string, rootfs: string, namespace: HostNamespace): Promise<RawRuntime | undefined> {
  const program = which('crun');
  if (program === undefined) return undefined;
  mkdirSync(directory, { recursive: true });
  const command = (...args: readonly string[]): Command => namespace.wrap({ program, args: ['--root', join(directory, 'state'), ...args] });
  const version = (await output(command('--version'))).split('\n')[0]?.replace(/^crun version /, '') ?? '';
  const template = join(directory, 'template');
  mkdirSync(template, { recursive: true });
  await output({ program: 'sh', args: ['-c', `cd "$1" && exec "$2" spec`, 'sh', template, program] });
  return {
    version,
    command,
    bundle(name, args) {
      const path = join(directory, name);
      mkdirSync(path, { recursive: true });
      const spec = JSON.parse(readFileSync(join(template, 'config.json'), 'utf8')) as Spec;
      spec.process.args = [...args];
      spec.process.terminal = false;
      delete spec.process.rlimits;
      spec.root = { path: rootfs, readonly: true };
      spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'network');
      writeFileSync(join(path, 'config.json'), JSON.stringify(spec));
      return path;
    },
  };
}
