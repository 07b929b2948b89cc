/** A program like the command line, but one that tells where it runs. Built by the test, started through the real launcher. */
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isEngineError } from '../../../src-main/base/errors.ts';
import { enterSandbox } from '../../../src-main/launch/launch.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

export interface Place {
  readonly uid: number;
  readonly userNamespace: string;
  readonly mountNamespace: string;
  readonly workingDirectory: string;
  readonly words: readonly string[];
  readonly input: string;
  readonly leftover: string | undefined;
  readonly cgroups: string;
}

const [, , folder = '', verb = '', ...words] = process.argv;

function place(): Place {
  return {
    uid: process.getuid?.() ?? -1,
    userNamespace: readlinkSync('/proc/self/ns/user'),
    mountNamespace: readlinkSync('/proc/self/ns/mnt'),
    workingDirectory: process.cwd(),
    words,
    input: process.stdin.isTTY ? '' : readFileSync(0, 'utf8'),
    leftover: process.env['SELKIE_WORKING_DIRECTORY'],
    cgroups: createLinuxSystem().cgroups.version,
  };
}

/** An overlay as the snapshot room makes them, with a whiteout and an extended attribute of another owner. */
function overlay(base: string): unknown {
  const { mounts, attributes } = createLinuxSystem();
  const paths = Object.fromEntries(['lower', 'upper', 'work', 'merged'].map((name) => [name, join(base, name)])) as Record<string, string>;
  for (const path of Object.values(paths)) mkdirSync(path, { recursive: true });
  const { lower = '', upper = '', work = '', merged = '' } = paths;
  writeFileSync(join(lower, 'hidden'), 'x');
  writeFileSync(join(lower, 'seen'), 'x');
  attributes.makeNode(join(upper, 'hidden'), 0o020000, 0, 0);
  mounts.mount('overlay', merged, 'overlay', [], `lowerdir=${lower},upperdir=${upper},workdir=${work}${process.env['USERXATTR'] ?? ''}`);
  writeFileSync(join(merged, 'written'), 'above');
  attributes.setXattr(join(merged, 'written'), 'user.selkie', Buffer.from('1'));
  return look(base);
}

function look(base: string): unknown {
  const { mounts, files } = createLinuxSystem();
  const merged = join(base, 'merged');
  return {
    mounted: mounts.isMountPoint(merged),
    written: files.readTextIfExists(join(merged, 'written')),
    hidden: files.readTextIfExists(join(merged, 'hidden')),
    seen: files.readTextIfExists(join(merged, 'seen')),
  };
}

async function hold(): Promise<unknown> {
  process.stdout.write(`${JSON.stringify(place())}\n`);
  await new Promise(() => setInterval(() => undefined, 1e6));
  return undefined;
}

async function network(path: string): Promise<unknown> {
  const { namespaces, mounts } = createLinuxSystem();
  const before = readlinkSync('/proc/self/ns/net');
  await namespaces.createNetwork(path);
  const pinned = mounts.isMountPoint(path);
  const stayed = readlinkSync('/proc/self/ns/net') === before;
  const again = await namespaces.createNetwork(path).then(
    () => 'made twice',
    (error: unknown) => (isEngineError(error) ? error.code : String(error)),
  );
  namespaces.removeNetwork(path);
  namespaces.removeNetwork(path);
  return { pinned, stayed, again, left: mounts.isMountPoint(path) };
}

try {
  await enterSandbox({
    options: { tmpDirectory: folder.replace(/^--tmpdir=/, ''), runRoot: join(folder.replace(/^--tmpdir=/, ''), 'run') },
  });
  const [argument = ''] = words;
  const answers: Record<string, () => unknown> = {
    place,
    overlay: () => overlay(argument),
    look: () => look(argument),
    hold,
    network: () => network(argument),
  };
  process.stdout.write(JSON.stringify(await answers[verb]?.()));
  process.exitCode = verb === 'place' ? 7 : 0;
} catch (error) {
  process.stderr.write(JSON.stringify(isEngineError(error) ? error.toData() : { code: 'bug', message: String(error) }));
  process.exitCode = 125;
}
