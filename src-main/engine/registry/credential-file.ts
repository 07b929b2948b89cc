/** Writing where credentials are kept: auth.json (containers-auth.json(5)), Docker's config.json when asked, credential helpers. */
import { mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { EngineError } from '../../base/errors.ts';
import { errnoOf, toEngineError } from '../../system/errno.ts';
import type { System } from '../../system/system.ts';
import { credentialProgram, type NamedHelper, normaliseKey, readAuthFile } from './auth-file.ts';

/** What of it is not ours stays as it is. */
type Document = Record<string, unknown>;

export class CredentialFile {
  readonly path: string;
  readonly #system: Pick<System, 'files' | 'locks' | 'processes'>;
  /** Docker writes docker.io by its old name. */
  readonly #dockerForm: boolean;
  readonly #lockPath: string;

  /** @param lockPath held while the file is read and written, so that two logins do not lose each other's */
  constructor(
    path: string,
    options: { readonly system: Pick<System, 'files' | 'locks' | 'processes'>; readonly dockerForm: boolean; readonly lockPath: string },
  ) {
    this.path = path;
    this.#system = options.system;
    this.#dockerForm = options.dockerForm;
    this.#lockPath = options.lockPath;
  }

  /** Answers where they are now: the file, or the helper that it names for this registry. */
  async store(key: string, username: string, password: string): Promise<string> {
    using _lock = await this.#lock();
    const document = this.#read();
    const helper = helperFor(document, key);
    if (helper !== undefined) {
      await storeInHelper(this.#system, { helper, namedIn: this.path }, this.#spelling(key), username, password);
      return `docker-credential-${helper}`;
    }
    const auth = Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
    this.#write({ ...document, auths: { ...without(objectOf(document['auths']), key), [this.#spelling(key)]: { auth } } });
    return this.path;
  }

  /** Answers whether there was anything. */
  async remove(key: string): Promise<boolean> {
    using _lock = await this.#lock();
    const document = this.#read();
    const helper = helperFor(document, key);
    const erased = helper !== undefined && (await eraseInHelper(this.#system, { helper, namedIn: this.path }, this.#spelling(key)));
    const auths = objectOf(document['auths']);
    const left = without(auths, key);
    const found = Object.keys(left).length < Object.keys(auths).length;
    if (found) this.#write({ ...document, auths: left });
    return found || erased;
  }

  async removeAll(): Promise<void> {
    using _lock = await this.#lock();
    const document = this.#read();
    if (Object.keys(document).length === 0) return;
    for (const [key, helper] of Object.entries(objectOf(document['credHelpers'])))
      if (typeof helper === 'string') await eraseInHelper(this.#system, { helper, namedIn: this.path }, key);
    this.#write({ ...document, auths: {} });
  }

  #lock() {
    this.#system.files.ensureDirectory(dirname(this.#lockPath), 0o700);
    return this.#system.locks.acquire(this.#lockPath);
  }

  #spelling(key: string): string {
    return this.#dockerForm && key === 'docker.io' ? 'https://index.docker.io/v1/' : key;
  }

  #read(): Document {
    // Says what is wrong with it, without quoting it.
    if (!readAuthFile(this.path, false)) return {};
    return objectOf(JSON.parse(readFileSync(this.path, 'utf8')));
  }

  #write(document: Document): void {
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      // A link stays a link.
      this.#system.files.writeDurably(realPath(this.path), JSON.stringify(document, undefined, '\t'), { mode: 0o600 });
    } catch (error) {
      throw toEngineError(error, 'write the credentials to', this.path);
    }
  }
}

/** By the helpers' protocol the answer of a failure is text for people. */
export async function storeInHelper(
  system: Pick<System, 'processes'>,
  { helper, namedIn }: NamedHelper,
  server: string,
  username: string,
  password: string,
): Promise<void> {
  const program = credentialProgram(helper, namedIn);
  const input = JSON.stringify({ ServerURL: server, Username: username, Secret: password });
  const result = await system.processes.run(program, ['store'], { input, timeoutMs: 30_000, maxOutputBytes: 64 * 1024 });
  if (result.code !== 0)
    throw new EngineError(
      'unavailable',
      `${program} did not keep the credentials for ${server}: ${firstLine(result.stdout || result.stderr)}`,
      {
        fix: `Correct the helper, or take ${server} out of credHelpers.`,
      },
    );
}

/** Answers whether it says that it had some. */
export async function eraseInHelper(system: Pick<System, 'processes'>, { helper, namedIn }: NamedHelper, server: string): Promise<boolean> {
  const result = await system.processes.run(credentialProgram(helper, namedIn), ['erase'], {
    input: server,
    timeoutMs: 30_000,
    maxOutputBytes: 64 * 1024,
  });
  return result.code === 0;
}

function helperFor(document: Document, key: string): string | undefined {
  const helpers = objectOf(document['credHelpers']);
  const entry = Object.entries(helpers).find(([name]) => normaliseKey(name) === key)?.[1];
  if (typeof entry === 'string' && entry !== '') return entry;
  const store = document['credsStore'];
  return typeof store === 'string' && store !== '' && !key.includes('/') ? store : undefined;
}

function without(auths: Document, key: string): Document {
  const names = key === 'docker.io' ? ['docker.io', 'index.docker.io', 'registry-1.docker.io'] : [key];
  return Object.fromEntries(Object.entries(auths).filter(([name]) => !names.includes(normaliseKey(name))));
}

function objectOf(value: unknown): Document {
  return v.is(v.record(v.string(), v.unknown()), value) ? value : {};
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return path;
    throw error;
  }
}

function firstLine(text: string): string {
  return (text.trim().split('\n')[0] ?? '').replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200);
}
