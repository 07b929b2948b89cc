/**
 * Which container has which address of the bridge network.
 *
 * One small file per run root in a folder that all engines on this host share, since bridges, subnets and ports belong to the host,
 * not to a run root; all of it changes under one flock. A *lease* is an address with the ports that its container publishes. A lease is *stale*
 * when the container is unknown to its store, or is not connected any more and the engine that asked for the lease is dead; stale
 * leases are handed back to the caller, who takes down what is left of them. The file goes with its last lease, and the subnet is
 * chosen anew with the next first one, so that a network that has appeared meanwhile (a VPN) is respected.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { EngineError } from '../../base/errors.ts';
import { portMapping } from '../../contract/container-spec.ts';
import type { System } from '../../system/system.ts';
import { chooseSubnet, contains, formatIpv4, formatSubnet, parseIpv4, parseRoutes, parseSubnet, sizeOf, type Ipv4Subnet } from './ipv4.ts';
import { checkHolders } from './ports.ts';

const leaseSchema = v.object({
  address: v.string(),
  containerId: v.string(),
  containerName: v.string(),
  netnsPath: v.string(),
  macAddress: v.optional(v.string()),
  interfaceName: v.string(),
  firewall: v.string(),
  ports: v.array(portMapping),
  /** The engine that asked for it. */
  pid: v.number(),
  pidStartTime: v.number(),
});
export type Lease = v.InferOutput<typeof leaseSchema>;

const bookSchema = v.object({
  runRoot: v.string(),
  network: v.string(),
  bridge: v.string(),
  subnet: v.string(),
  /** The last one given out: addresses are not reused at once, since neighbours remember whose they were. */
  last: v.string(),
  leases: v.array(leaseSchema),
});
type Book = v.InferOutput<typeof bookSchema>;

/** What netavark is told of the network; stays with the container, whatever becomes of the book. */
export interface BridgeNetwork {
  readonly network: string;
  readonly bridge: string;
  readonly subnet: string;
  readonly gateway: string;
}

export interface LeaseRequest {
  readonly containerId: string;
  readonly containerName: string;
  readonly netnsPath: string;
  readonly macAddress: string | undefined;
  readonly interfaceName: string;
  readonly firewall: string;
  readonly ports: Lease['ports'];
  /** A wanted one; undefined: the next free. */
  readonly address: string | undefined;
}

/** Shared by all engines of this host. */
export const addressBookDirectory = '/run/selkie/network';
const defaultRunRoot = '/run/selkie';

export class AddressBook {
  readonly #system: System;
  readonly #runRoot: string;
  #ownKey: string | undefined;
  readonly #directory: string;

  constructor(system: System, runRoot: string, directory: string = addressBookDirectory) {
    this.#system = system;
    this.#runRoot = runRoot;
    this.#directory = directory;
  }

  get #key(): string {
    this.#ownKey ??= createHash('sha256').update(this.#runRoot).digest('hex').slice(0, 8);
    return this.#ownKey;
  }

  /**
   * Errors: `port-in-use` with the container, `already-exists` for a wanted address that another has, `invalid-argument` for one
   * outside of the subnet, `limit-exceeded` when all are taken.
   */
  async lease(request: LeaseRequest): Promise<{ readonly lease: Lease; readonly network: BridgeNetwork }> {
    using _lock = await this.#lock();
    const books = this.#readAll();
    const mine = books.find((book) => book.runRoot === this.#runRoot);
    const leases = (mine?.leases ?? []).filter((lease) => lease.containerId !== request.containerId);
    checkHolders(request.ports, [...books.filter((book) => book !== mine).flatMap((book) => book.leases), ...leases]);
    const book = mine !== undefined && leases.length > 0 ? { ...mine, leases } : this.#newBook(books.filter((other) => other !== mine));
    const subnet = subnetOf(book);
    const address = request.address === undefined ? nextFree(book, subnet) : wanted(book, subnet, request.address);
    const lease: Lease = {
      ...withoutUndefined(request),
      address,
      pid: process.pid,
      pidStartTime: this.#system.processes.startTime(process.pid) ?? 0,
    };
    this.#write({ ...book, last: address, leases: [...book.leases, lease] });
    return { lease, network: networkOf(book) };
  }

  /** No error when there is none. */
  async release(containerId: string): Promise<void> {
    using _lock = await this.#lock();
    const book = this.#read(this.#key);
    if (book === undefined) return;
    const leases = book.leases.filter((lease) => lease.containerId !== containerId);
    if (leases.length === 0) rmSync(this.#path(this.#key), { force: true });
    else if (leases.length < book.leases.length) this.#write({ ...book, leases });
  }

  /** Leases of this run root of which `isConnected` says no and whose engine is dead. */
  stale(isConnected: (containerId: string) => boolean): { readonly lease: Lease; readonly network: BridgeNetwork }[] {
    const book = this.#read(this.#key);
    if (book === undefined) return [];
    return book.leases
      .filter((lease) => !isConnected(lease.containerId) && this.#system.processes.startTime(lease.pid) !== lease.pidStartTime)
      .map((lease) => ({ lease, network: networkOf(book) }));
  }

  find(containerId: string): { readonly lease: Lease; readonly network: BridgeNetwork } | undefined {
    const book = this.#read(this.#key);
    const lease = book?.leases.find((one) => one.containerId === containerId);
    return book === undefined || lease === undefined ? undefined : { lease, network: networkOf(book) };
  }

  #lock(): Promise<Disposable> {
    this.#system.files.ensureDirectory(this.#directory, 0o700);
    return this.#system.locks.acquire(join(this.#directory, 'lock'));
  }

  #path(key: string): string {
    return join(this.#directory, `${key}.json`);
  }

  #read(key: string): Book | undefined {
    const text = this.#system.files.readTextIfExists(this.#path(key));
    if (text === undefined) return undefined;
    try {
      return v.parse(bookSchema, JSON.parse(text));
    } catch (cause) {
      throw new EngineError('corrupt', `the address book ${this.#path(key)} is damaged`, {
        fix: `stop all containers on the bridge network and delete ${this.#path(key)}`,
        cause,
      });
    }
  }

  /** Books of all run roots; of those that no longer exist (a test's, a deleted one) they are removed. */
  #readAll(): Book[] {
    const books: Book[] = [];
    for (const name of readdirSync(this.#directory)) {
      if (!name.endsWith('.json')) continue;
      const key = name.slice(0, -'.json'.length);
      const book = this.#read(key);
      if (book === undefined) continue;
      if (existsSync(book.runRoot)) books.push(book);
      else rmSync(this.#path(key), { force: true });
    }
    return books;
  }

  #newBook(others: readonly Book[]): Book {
    const isDefault = this.#runRoot === defaultRunRoot;
    const bridge = isDefault ? 'selkie0' : `sk-${this.#key}`;
    const taken = parseRoutes(readFileSync('/proc/net/route', 'utf8')).filter((route) => route.interfaceName !== bridge);
    const subnet = chooseSubnet([...taken.map((route) => route.subnet), ...others.map(subnetOf)]);
    return {
      runRoot: this.#runRoot,
      // netavark names its firewall chains after the network's name, so it has to differ between run roots.
      network: isDefault ? 'selkie' : `selkie-${this.#key}`,
      bridge,
      subnet: formatSubnet(subnet),
      last: formatIpv4(subnet.base + 1),
      leases: [],
    };
  }

  #write(book: Book): void {
    this.#system.files.writeAtomically(this.#path(this.#key), JSON.stringify(book), { mode: 0o600 });
  }
}

function withoutUndefined(request: LeaseRequest): Omit<Lease, 'address' | 'pid' | 'pidStartTime'> {
  const { address: _address, macAddress, ...rest } = request;
  return macAddress === undefined ? rest : { ...rest, macAddress };
}

function subnetOf(book: Book): Ipv4Subnet {
  const subnet = parseSubnet(book.subnet);
  if (subnet === undefined)
    throw new EngineError('corrupt', `the address book of ${book.runRoot} has no valid subnet: ${JSON.stringify(book.subnet)}`);
  return subnet;
}

function networkOf(book: Book): BridgeNetwork {
  return { network: book.network, bridge: book.bridge, subnet: book.subnet, gateway: formatIpv4(subnetOf(book).base + 1) };
}

function nextFree(book: Book, subnet: Ipv4Subnet): string {
  const used = new Set(book.leases.map((lease) => lease.address));
  // Without the network's own address, the gateway and the broadcast address.
  const [first, count] = [subnet.base + 2, sizeOf(subnet) - 3];
  const start = (parseIpv4(book.last) ?? first) - first + 1;
  for (let step = 0; step < count; step++) {
    const address = formatIpv4(first + ((start + step) % count));
    if (!used.has(address)) return address;
  }
  throw new EngineError('limit-exceeded', `all ${count} addresses of ${book.subnet} are in use`, {
    fix: 'stop containers, or run them with --network host',
  });
}

function wanted(book: Book, subnet: Ipv4Subnet, address: string): string {
  const value = parseIpv4(address);
  if (value === undefined || !contains(subnet, value))
    throw new EngineError('invalid-argument', `the address ${address} is not in the bridge network ${book.subnet}`, {
      details: { field: 'network' },
    });
  if (value === subnet.base || value === subnet.base + 1 || value === subnet.base + sizeOf(subnet) - 1)
    throw new EngineError('invalid-argument', `the address ${address} is reserved in the bridge network ${book.subnet}`, {
      details: { field: 'network' },
    });
  const holder = book.leases.find((lease) => lease.address === address);
  if (holder !== undefined)
    throw new EngineError(
      'already-exists',
      `the address ${address} is in use by container ${holder.containerName} (${holder.containerId.slice(0, 12)})`,
      {
        details: { field: 'network', containerId: holder.containerId },
      },
    );
  return address;
}
