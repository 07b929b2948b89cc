import { chmodSync, closeSync, constants, linkSync, lstatSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { isEngineError } from '../../base/errors.ts';
import { errnoOf, toEngineError } from '../../system/errno.ts';
import type { FileAttributes, Identity } from '../../system/system.ts';
import type { WhiteoutForm } from '../snapshot/snapshot.ts';
import { showName, toFsPath } from './byte-name.ts';
import type { DirectoryNode } from './diff-tree.ts';
import { DiffTree, isWhiteout } from './diff-tree.ts';
import { EntryAttributes } from './entry-attributes.ts';
import { EntryMetadata } from './entry-metadata.ts';
import { cleanPath, splitPath, whiteoutOf } from './entry-path.ts';
import { OwnerMap } from './owner-map.ts';
import type { RecipeWriter } from './recipe-writer.ts';
import { corrupt } from './tar-header.ts';
import type { TarEntry, TarSink } from './tar-reader.ts';
import type { UnpackBudget } from './unpack-budget.ts';

export interface DiffWriterOptions {
  /** The diff directory: empty, and nobody else's. */
  readonly root: string;
  readonly whiteoutForm: WhiteoutForm;
  readonly xattrPrefix: string;
  readonly attributes: FileAttributes;
  readonly identity: Pick<Identity, 'uidMap' | 'gidMap' | 'rootless' | 'userName'>;
  /** Of the process: with it most files need no chmod. */
  readonly umask: number;
  readonly budget: UnpackBudget;
  /** Gets all that it takes to put the archive together again. */
  readonly recipe: RecipeWriter;
  /** A path beside the diff directory for EntryAttributes. */
  readonly alias: string;
  /** Called before each entry; throws to stop. */
  readonly checkpoint: () => void;
}

interface OpenFile {
  readonly entry: TarEntry;
  readonly path: string;
  readonly descriptor: number;
}

const opaqueValue = Buffer.from('y');
const characterDevice = 0o020000;
const blockDevice = 0o060000;

/**
 * Applies the entries of a layer to a diff directory, as OCI image-spec layer.md says, with whiteouts in the store's form.
 * Every entry is made anew: what had its name is removed first, so nothing is ever written through a link.
 *
 * In a user namespace devices are left out, as containers/storage does: the kernel would not let anybody open them.
 * A character device 0:0 is overlay's whiteout; an archive that contains one gets that.
 */
export class DiffWriter implements TarSink {
  readonly #options: DiffWriterOptions;
  readonly #tree: DiffTree;
  readonly #owners: OwnerMap;
  readonly #attributes: EntryAttributes;
  readonly #metadata: EntryMetadata;
  readonly #skippedDevices = new Set<string>();
  #file: OpenFile | undefined;
  #current: TarEntry | undefined;

  constructor(options: DiffWriterOptions) {
    this.#options = options;
    this.#owners = new OwnerMap(options.identity);
    this.#attributes = new EntryAttributes(options.attributes, options.alias);
    this.#metadata = new EntryMetadata(this.#attributes, options.identity.rootless, options.umask);
    this.#tree = new DiffTree(
      options.root,
      (directory) => {
        this.#makeOpaque(directory);
      },
      (path, absolute) => {
        options.recipe.moveAway(path, absolute);
      },
    );
  }

  /** Whether the archive said what the layer's root is like. */
  get rootSeen(): boolean {
    return this.#tree.root.entry !== undefined;
  }

  begin(entry: TarEntry): void {
    this.#options.checkpoint();
    this.#current = entry;
    this.#guard(() => {
      this.#options.budget.countEntry(entry.storedBytes);
      this.#apply(entry);
    });
  }

  frame(chunk: Buffer): void {
    this.#guard(() => {
      this.#options.recipe.bytes(chunk);
    });
  }

  data(chunk: Buffer, position: number): void {
    const file = this.#file;
    // Of an entry that makes no file; it belongs to the archive all the same.
    if (!file) {
      this.frame(chunk);
      return;
    }
    this.#guard(() => {
      this.#options.recipe.data(chunk, position);
      for (let written = 0; written < chunk.length; )
        written += writeSync(file.descriptor, chunk, written, chunk.length - written, position + written);
    });
  }

  end(): void {
    const file = this.#file;
    if (!file) return;
    this.#guard(() => {
      this.#metadata.applyToFile(file.descriptor, file.path, file.entry);
      this.#options.recipe.endFile();
      this.#file = undefined;
      closeSync(file.descriptor);
    });
  }

  /** After the last entry: directories get their modes and times, which making their children would have changed. */
  finish(): void {
    for (const directory of this.#tree.bottomUp()) {
      const { entry } = directory;
      const path = this.#tree.absoluteDirectory(directory);
      this.#current = entry;
      this.#guard(() => {
        if (entry) this.#metadata.apply(path, entry);
        else if (directory !== this.#tree.root) chmodSync(toFsPath(path), 0o755);
      });
    }
  }

  /** Lets go of what is open, after a failure. */
  abandon(): void {
    if (this.#file) closeSync(this.#file.descriptor);
    this.#file = undefined;
  }

  #apply(entry: TarEntry): void {
    const path = cleanPath(entry.path);
    const whiteout = whiteoutOf(path);
    if (whiteout.kind === 'ignored') return;
    if (path === '') {
      if (entry.type !== 'directory') throw corrupt('the layer is not a directory');
      this.#owners.check(entry.uid, entry.gid);
      this.#tree.root.entry = entry;
      return;
    }
    const { parent, name } = splitPath(path);
    if (whiteout.kind === 'opaque') this.#makeOpaque(this.#tree.ensure(parent));
    else if (whiteout.kind === 'hides') this.#hide(this.#tree.ensure(parent), whiteout.name);
    else {
      this.#owners.check(entry.uid, entry.gid);
      this.#make(entry, path, this.#tree.ensure(parent), name);
    }
  }

  #make(entry: TarEntry, path: string, parent: DirectoryNode, name: string): void {
    const absolute = this.#tree.absolute(parent, name);
    switch (entry.type) {
      case 'file':
        this.#file = { entry, path: absolute, descriptor: this.#openFile(absolute, parent, name, entry.mode) };
        this.#options.recipe.beginFile(this.#tree.relative(parent, name));
        return;
      case 'directory':
        this.#tree.makeDirectory(parent, name).entry = entry;
        return;
      case 'link':
        this.#link(entry, parent, name);
        return;
      case 'symlink':
        if (entry.linkPath === '') throw corrupt('it is a symlink to nothing');
        this.#replace(parent, name, () => {
          symlinkSync(toFsPath(entry.linkPath), toFsPath(absolute));
        });
        break;
      case 'fifo':
        this.#replace(parent, name, () => {
          this.#attributes.makeFifo(absolute, entry.mode);
        });
        break;
      case 'character-device':
      case 'block-device':
        checkDevice(entry);
        if (this.#options.identity.rootless && !(entry.type === 'character-device' && isWhiteoutNumber(entry))) {
          this.#skippedDevices.add(path);
          return;
        }
        this.#makeDevice(entry, absolute, parent, name);
    }
    this.#metadata.apply(absolute, entry);
  }

  #openFile(absolute: string, parent: DirectoryNode, name: string, mode: number): number {
    const path = toFsPath(absolute);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    let descriptor = -1;
    this.#replace(parent, name, () => {
      descriptor = openSync(path, flags, mode & 0o777);
    });
    return descriptor;
  }

  /** To something in the same layer only; never through a symlink at its end. */
  #link(entry: TarEntry, parent: DirectoryNode, name: string): void {
    const target = cleanPath(entry.linkPath);
    if (this.#skippedDevices.has(target)) return;
    const missing = () => corrupt(`it is a hard link to ${showName(entry.linkPath)}, which is not in this layer`);
    if (target === '' || whiteoutOf(target).kind !== 'none') throw missing();
    const split = splitPath(target);
    const from = this.#tree.find(split.parent);
    if (!from) throw missing();
    const source = this.#tree.absolute(from, split.name);
    const found = lstatSync(toFsPath(source), { throwIfNoEntry: false });
    if (!found || isWhiteout(found)) throw missing();
    if (found.isDirectory()) throw corrupt(`it is a hard link to the directory ${showName(entry.linkPath)}`);
    const absolute = this.#tree.absolute(parent, name);
    if (absolute === source) return;
    this.#replace(parent, name, () => {
      linkSync(toFsPath(source), toFsPath(absolute));
    });
  }

  #makeDevice(entry: TarEntry, absolute: string, parent: DirectoryNode, name: string): void {
    const type = entry.type === 'block-device' ? blockDevice : characterDevice;
    this.#replace(parent, name, () => {
      this.#attributes.makeNode(absolute, type | entry.mode, entry.deviceMajor, entry.deviceMinor);
    });
  }

  /** A whiteout speaks of the layers below; what this layer itself has of that name stays, before it or after. */
  #hide(parent: DirectoryNode, name: string): void {
    if (this.#options.whiteoutForm === 'file') {
      this.#markByFile(parent, `.wh.${name}`);
      return;
    }
    const known = parent.children?.get(name);
    if (known) {
      this.#makeOpaque(known);
      return;
    }
    const absolute = this.#tree.absolute(parent, name);
    if (!lstatSync(toFsPath(absolute), { throwIfNoEntry: false })) this.#attributes.makeNode(absolute, characterDevice, 0, 0);
  }

  #makeOpaque(directory: DirectoryNode): void {
    if (this.#options.whiteoutForm === 'file') {
      this.#markByFile(directory, '.wh..wh..opq');
      return;
    }
    this.#attributes.setXattr(this.#tree.absoluteDirectory(directory), `${this.#options.xattrPrefix}opaque`, opaqueValue);
  }

  /** No entry makes a file of such a name, so what is there already is the same mark. */
  #markByFile(parent: DirectoryNode, name: string): void {
    closeSync(openSync(toFsPath(this.#tree.absolute(parent, name)), constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600));
  }

  /** Tries, since most names are new; when something has the name, removes it and tries again. */
  #replace(parent: DirectoryNode, name: string, make: () => void): void {
    try {
      make();
      return;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
    this.#tree.remove(parent, name, lstatSync(toFsPath(this.#tree.absolute(parent, name))));
    make();
  }

  /** Adds the entry's name; an errno that only a hostile entry can cause is the archive's fault. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      const entry = showName(this.#current?.path ?? '');
      const errno = errnoOf(error);
      if (errno !== undefined && hostileErrnos.has(errno)) throw corrupt(`entry ${entry} cannot be made (${errno})`);
      if (isEngineError(error)) throw error.within(`entry ${entry}`);
      throw toEngineError(error, 'make', `entry ${entry}`);
    }
  }
}

const hostileErrnos: ReadonlySet<string> = new Set([
  'ENAMETOOLONG',
  'ENOTDIR',
  'EISDIR',
  'ELOOP',
  'ENOENT',
  'EINVAL',
  'EFBIG',
  'EMLINK',
  'ERANGE',
  'EOVERFLOW',
]);

function checkDevice({ deviceMajor: major, deviceMinor: minor }: TarEntry): void {
  if (major < 0 || major > 0xfff || minor < 0 || minor > 0xfffff)
    throw corrupt(`its device number ${String(major)}:${String(minor)} is out of range`);
}

function isWhiteoutNumber({ deviceMajor, deviceMinor }: TarEntry): boolean {
  return deviceMajor === 0 && deviceMinor === 0;
}
