/** The built web host as a process, for the tests of the interface. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Actor } from './actor.ts';

export class WebHost implements AsyncDisposable {
  /** With the token: what the terminal shows. */
  readonly entrance: string;
  readonly origin: string;
  /** The file that is executed. */
  readonly program: string;
  /** What it wrote to its standard error. */
  readonly log: string[];
  readonly #process: ChildProcess;
  readonly #actor: Actor;

  private constructor(process: ChildProcess, actor: Actor, entrance: string, log: string[]) {
    this.#process = process;
    this.#actor = actor;
    this.entrance = entrance;
    this.origin = new URL(entrance).origin;
    this.log = log;
    this.program = actor.webHost.args[0] ?? '';
  }

  static async start(actor: Actor, environment: Readonly<Record<string, string>> = {}): Promise<WebHost> {
    const { program, args } = actor.webHost;
    const child = actor.startProgram(program, args, { environment });
    const log: string[] = [];
    if (!child.stdout || !child.stderr) throw new Error('the web host has no pipes');
    createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
    const lines = createInterface({ input: child.stdout });
    const entrance = await Promise.race([
      once(lines, 'line').then(([line]) => String(line)),
      once(child, 'exit').then(() => {
        throw new Error(`the web host has ended: ${log.join('\n')}`);
      }),
    ]);
    return new WebHost(child, actor, entrance, log);
  }

  /** The processes that the engine runs in; none when it has ended. */
  workers(): number[] {
    return this.#actor
      .processes()
      .filter((line) => line.includes('/out/main/worker.js'))
      .map((line) => Number.parseInt(line, 10));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
  }
}
