/** A real registry with an image of several layers, and a gate before it that can hold a layer half-way. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { makeImage, makeTar, noise } from '../integration/image/test-image.ts';
import { pushImage, serveBefore, TestRegistry, type TestServer } from '../integration/image/test-registry.ts';
import type { Actor } from '../support/actor.ts';

/** Writes enough for a search to be worth it, serves a page that says its environment, and obeys a stop. */
const startScript = `i=0
while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done
echo "greeting: $GREETING"
echo "a complaint" >&2
echo "<h1>$GREETING</h1>" > /var/www/index.html
exec /bin/serve-page
`;

export class TeamRegistry implements AsyncDisposable {
  readonly #registry: TestRegistry;
  readonly #gate: TestServer;
  /** Lets the rest of the layer through that is held. */
  readonly open: () => void;
  /** Resolves when a layer is held. */
  readonly held: Promise<void>;

  private constructor(registry: TestRegistry, gate: TestServer, open: () => void, held: Promise<void>) {
    this.#registry = registry;
    this.#gate = gate;
    this.open = open;
    this.held = held;
  }

  static async start(): Promise<TeamRegistry> {
    const registry = await TestRegistry.start();
    const image = makeImage(
      [
        await layerOf(join(import.meta.dirname, '../../resources/starter-image/starter.tar')),
        await makeTar({ 'srv/data': noise(9_000_000, 'team') }),
        await makeTar({ 'srv/start.sh': startScript }),
      ],
      {
        extra: {
          config: { Cmd: ['sh', '/srv/start.sh'], Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'], ExposedPorts: { '8080/tcp': {} } },
        },
      },
    );
    await pushImage(registry, 'team/web', '1.0', image);
    const opened = Promise.withResolvers<undefined>();
    const held = Promise.withResolvers<undefined>();
    const large = image.layers[1]?.digest ?? '';
    const gate = await serveBefore(registry, (asked, upstream, answer) => {
      if (!(asked.url ?? '').endsWith(large) || upstream.statusCode !== 200) return false;
      answer.writeHead(200, upstream.headers);
      void (async () => {
        let sent = 0;
        for await (const chunk of upstream as AsyncIterable<Buffer>) {
          answer.write(chunk);
          sent += chunk.length;
          if (sent > 4_000_000) {
            held.resolve(undefined);
            await opened.promise;
          }
        }
        answer.end();
      })().catch(() => {
        // Whoever asked has gone, or the registry has: the layer ends here, and the test says what it misses.
        answer.destroy();
      });
      return true;
    });
    return new TeamRegistry(
      registry,
      gate,
      () => {
        opened.resolve(undefined);
      },
      held.promise,
    );
  }

  get image(): string {
    return `${this.#gate.host}/team/web:1.0`;
  }

  /** For the environment of an engine: this registry is asked without TLS. */
  configuration(actor: Actor): Readonly<Record<string, string>> {
    const path = join(actor.directory, 'registries.conf');
    writeFileSync(path, `[[registry]]\nlocation = "${this.#gate.host}"\ninsecure = true\n`, { mode: 0o644 });
    return { CONTAINERS_REGISTRIES_CONF: path };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.open();
    await this.#gate[Symbol.asyncDispose]();
    await this.#registry[Symbol.asyncDispose]();
  }
}

/** The only layer of the embedded image. */
export async function layerOf(archive: string): Promise<Buffer> {
  const unpack = extract();
  unpack.end(readFileSync(archive));
  for await (const entry of unpack) {
    const bytes = await buffer(entry);
    if (entry.header.name.endsWith('.tar')) return bytes;
  }
  throw new Error(`${archive} has no layer`);
}
