import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { MountFlag } from '../../system/system.ts';

export interface OverlayOptions {
  readonly flags: readonly MountFlag[];
  /** Name or path of the program that mounts instead of the kernel. */
  readonly mountProgram: string | undefined;
  /** Graph roots of other stores, to be read only: absolute paths. They need not be there. */
  readonly imageStores: readonly string[];
  /** What was asked for and is not done, for `info`. */
  readonly notes: readonly string[];
}

const flagNames: Readonly<Record<string, MountFlag>> = { nodev: 'nodev', nosuid: 'nosuid', noexec: 'noexec' };

/**
 * Reads options of overlay as `--storage-opt`, STORAGE_OPTS and containers-storage.conf(5) have them: `overlay.mountopt=nodev,metacopy=on`.
 * What cannot be honoured is refused by name. Those of vfs are not looked at: they do nothing to an overlay store.
 */
export function parseOverlayOptions(options: readonly string[]): OverlayOptions {
  const flags: MountFlag[] = [];
  const imageStores: string[] = [];
  const notes: string[] = [];
  let mountProgram: string | undefined;
  for (const option of options) {
    const { driver, name, value } = split(option);
    if (driver === 'vfs') continue;
    switch (name) {
      case 'mount_program':
        mountProgram = value === '' ? undefined : value;
        break;
      case 'mountopt':
        for (const word of value.split(',').filter((part) => part !== '')) {
          const flag = flagNames[word];
          if (flag) flags.push(flag);
          // Fedora's default. Whoever makes an image of a container's changes needs files that are whole.
          else if (word === 'metacopy=on') notes.push("metacopy=on is not used: a container's changes have to be complete in themselves");
          else if (word !== 'metacopy=off') refuse(`overlay.mountopt=${word}`);
        }
        break;
      case 'imagestore':
      case 'additionalimagestore':
        for (const path of pathsIn(value)) {
          const note = foreignStore(path);
          if (note === undefined) imageStores.push(resolve(path));
          else notes.push(note);
        }
        break;
      case 'skip_mount_home':
        // We never mount the store on itself: the sandbox keeps its mounts to itself anyhow.
        if (value !== 'true' && value !== 'false') refuse(option);
        break;
      default:
        refuseUnlessOff(option, name, value);
    }
  }
  return { flags, mountProgram, imageStores, notes };
}

function pathsIn(value: string): string[] {
  return value.split(',').filter((path) => path !== '');
}

/** Those that were given for overlay; refuses nothing but what has no form. */
export function imageStoresIn(options: readonly string[]): string[] {
  return options.flatMap((option) => {
    const { name, value } = split(option);
    return name === 'imagestore' || name === 'additionalimagestore' ? pathsIn(value) : [];
  });
}

/** vfs has none that do anything. Options of overlay are refused when they were given for vfs, not when they are there for another store. */
export function checkVfsOptions(options: readonly string[], vfsWasAskedFor: boolean): void {
  for (const option of options) {
    const { driver, name, value } = split(option);
    if (driver === 'vfs' || driver === '') refuseUnlessOff(option, name, value);
    else if (vfsWasAskedFor) refuse(option);
  }
}

function split(option: string): { readonly driver: string; readonly name: string; readonly value: string } {
  const [, driver = '', name = '', value = ''] = /^(?:(\w*)\.)?([^=.]*)=?(.*)$/s.exec(option) ?? [];
  if (!['', 'overlay', 'overlay2', 'vfs'].includes(driver) || name === '') refuse(option);
  return { driver, name, value };
}

/** Of a store in Podman's format, which is none that we can use as it is: why, and the way out. */
function foreignStore(path: string): string | undefined {
  if (existsSync(join(path, 'selkie.db'))) return undefined;
  if (!['overlay-images', 'vfs-images'].some((name) => existsSync(join(path, name)))) return undefined;
  return `the additional image store ${path} is not used: it is not one of Selkie's; its images come here by: selkie system import --from podman --root ${path}`;
}

/** What is off unless it is named does nothing when it is named as off. */
function refuseUnlessOff(option: string, name: string, value: string): void {
  const off: Readonly<Record<string, string>> = {
    ignore_chown_errors: 'false',
    use_composefs: 'false',
    force_mask: '',
    size: '',
    inodes: '',
  };
  if (off[name] !== value) refuse(option);
}

function refuse(option: string): never {
  throw new EngineError('unsupported', `storage option ${JSON.stringify(option)} is not supported`, {
    fix: 'leave it out of --storage-opt, STORAGE_OPTS or storage.conf; supported are overlay.mount_program, overlay.imagestore and overlay.mountopt with nodev, nosuid and noexec',
    details: { option },
  });
}
