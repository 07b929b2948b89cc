import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { node } from 'koffi';
import { AsyncQueue } from '../../base/async-queue.ts';
import { EngineError } from '../../base/errors.ts';
import { withErrno } from '../errno.ts';
import type { PacketSocket } from '../system.ts';
import { lastErrno, lastError, libc } from './libc.ts';

const afUnix = 1;
const sockSeqpacket = 5;
const sockNonblock = 0o4000;
const sockCloexec = 0o2000000;
const msgDontwait = 0x40;
const msgNosignal = 0x4000;
const shutWrite = 1;
/** sockaddr_un.sun_path with its NUL. */
const maxPathBytes = 107;
/** conmon sends 8193 bytes at most; a longer packet would be cut by the kernel. */
const maxPacketBytes = 65536;
/** Packets read per turn of the event loop, so that one loud container does not starve the others. */
const maxBatch = 64;
const connectAttempts = 100;

/** connect(2) on SOCK_SEQPACKET, which Node's own net cannot. */
export async function connectPacket(path: string): Promise<PacketSocket> {
  const fd = libc().socket(afUnix, sockSeqpacket | sockNonblock | sockCloexec, 0);
  if (fd < 0) throw lastError('socket', path);
  try {
    for (let attempt = 1; !tryConnect(fd, path); attempt++) {
      if (attempt === connectAttempts) throw new EngineError('unavailable', `connect ${path}: its queue stays full`);
      await delay(5);
    }
    return new LinuxPacketSocket(fd, path);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Answers false when the listener's queue is full. */
function tryConnect(fd: number, path: string): boolean {
  const short = Buffer.byteLength(path) <= maxPathBytes;
  const directory = short
    ? undefined
    : withErrno('open', dirname(path), () => openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY));
  try {
    const address = directory === undefined ? path : `/proc/self/fd/${directory}/${basename(path)}`;
    if (Buffer.byteLength(address) > maxPathBytes) throw new EngineError('invalid-argument', `connect ${path}: the name is too long`);
    const bytes = Buffer.alloc(3 + Buffer.byteLength(address));
    bytes.writeUInt16LE(afUnix, 0);
    bytes.write(address, 2);
    if (libc().connect(fd, bytes, bytes.length) === 0) return true;
    if (lastErrno() === 'EAGAIN') return false;
    throw lastError('connect', path);
  } finally {
    if (directory !== undefined) closeSync(directory);
  }
}

class LinuxPacketSocket implements PacketSocket {
  readonly #fd: number;
  readonly #path: string;
  readonly #poll: node.PollHandle;
  readonly #buffer = Buffer.allocUnsafe(maxPacketBytes);
  readonly #queue: AsyncQueue<Uint8Array>;
  #writers: (() => void)[] = [];
  #reading = true;
  #closed = false;

  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.#path = path;
    this.#queue = new AsyncQueue<Uint8Array>({
      highWater: 256,
      onClose: () => {
        this.#reading = false;
        this.#rearm();
      },
    });
    this.#poll = libc().koffi.node.poll(fd, { readable: true }, this.#onEvents);
  }

  get packets(): AsyncIterable<Uint8Array> {
    return this.#queue;
  }

  async send(packet: Uint8Array): Promise<void> {
    for (;;) {
      if (this.#closed) throw new EngineError('unavailable', `send to ${this.#path}: the connection is closed`);
      if (libc().send(this.#fd, packet, packet.length, msgDontwait | msgNosignal) >= 0) return;
      const errno = lastErrno();
      if (errno !== 'EAGAIN' && errno !== 'EINTR') throw lastError('send to', this.#path);
      await new Promise<void>((resolve) => {
        this.#writers.push(resolve);
        this.#rearm();
      });
    }
  }

  endWriting(): void {
    if (!this.#closed && libc().shutdown(this.#fd, shutWrite) < 0 && lastErrno() !== 'ENOTCONN') throw lastError('shutdown', this.#path);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#poll.close();
    closeSync(this.#fd);
    this.#releaseWriters();
    this.#queue.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /**
   * koffi calls this outside of Node's callback scope: promises that it resolves would wait for some other event. The check phase comes
   * right after the poll phase that we are in. (What it is called with is not what koffi's types say; nothing here needs it.)
   */
  readonly #onEvents = (): void => {
    setImmediate(() => {
      if (this.#closed) return;
      this.#releaseWriters();
      if (this.#reading) this.#read();
      this.#rearm();
    });
  };

  #read(): void {
    for (let count = 0; count < maxBatch; count++) {
      const length = libc().recv(this.#fd, this.#buffer, this.#buffer.length, msgDontwait);
      if (length > 0) {
        if (this.#queue.push(Uint8Array.prototype.slice.call(this.#buffer, 0, length))) continue;
        this.#pauseReading();
        return;
      }
      const errno = length === 0 ? 'end' : lastErrno();
      if (errno === 'EAGAIN') return;
      if (errno === 'EINTR') continue;
      this.#reading = false;
      // conmon closes with data still unread on its side: the kernel calls that a reset, for us it is the end.
      if (errno === 'end' || errno === 'ECONNRESET') this.#queue.end();
      else this.#queue.fail(lastError('receive from', this.#path));
      return;
    }
  }

  #pauseReading(): void {
    this.#reading = false;
    void this.#queue.drained().then(() => {
      if (this.#closed || this.#queue.ended) return;
      this.#reading = true;
      this.#rearm();
    });
  }

  #rearm(): void {
    if (this.#closed) return;
    const writable = this.#writers.length > 0;
    this.#poll.stop();
    if (this.#reading || writable) this.#poll.start({ readable: this.#reading, writable }, this.#onEvents);
  }

  #releaseWriters(): void {
    for (const release of this.#writers.splice(0)) release();
  }
}
