import { EventEmitter } from 'node:events';

/** The end of a channel that was handed to a page. */
export interface FarPort {
  send(data: unknown): void;
  close(): void;
}

/** As in Electron: messages wait for `start`, and `close` tells of the other end. */
export class MessagePortMain extends EventEmitter {
  #other: MessagePortMain | undefined;
  #far: FarPort | undefined;
  #waiting: unknown[] | undefined = [];
  #closed = false;

  static pair(): [MessagePortMain, MessagePortMain] {
    const [first, second] = [new MessagePortMain(), new MessagePortMain()];
    first.#other = second;
    second.#other = first;
    return [first, second];
  }

  postMessage(message: unknown, transfer: readonly MessagePortMain[] = []): void {
    if (transfer.length > 0) throw new Error('the stand-in hands ports over by frames alone');
    if (!this.#closed) this.#other?.take(structuredClone(message));
  }

  start(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const data of waiting) this.take(data);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#other?.end();
  }

  /** Hands this end to a page: from now on it is `far`. Answers what the page's side calls. */
  handOver(far: FarPort): { readonly message: (data: unknown) => void; readonly closed: () => void } {
    if (this.#far || this.#closed) throw new Error('a port can be handed over once');
    this.#far = far;
    this.start();
    return {
      message: (data) => this.#other?.take(data),
      closed: () => {
        this.close();
      },
    };
  }

  take(data: unknown): void {
    if (this.#closed) return;
    if (this.#waiting) this.#waiting.push(data);
    else if (this.#far) this.#far.send(data);
    else this.emit('message', { data, ports: [] });
  }

  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#far) this.#far.close();
    else this.emit('close');
  }
}

export class MessageChannelMain {
  readonly port1: MessagePortMain;
  readonly port2: MessagePortMain;

  constructor() {
    [this.port1, this.port2] = MessagePortMain.pair();
  }
}
