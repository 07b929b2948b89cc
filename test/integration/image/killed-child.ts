/** An engine of its own that pulls and does not come back: `node killed-child.mjs DIRECTORY REFERENCE`. */
import { TestStore } from './test-store.ts';

const [directory = '', reference = ''] = process.argv.slice(2);
const store = new TestStore({ directory });
const engine = store.openEngine();
await engine.images.pull(reference, {
  policy: 'always',
  tlsVerify: false,
  onProgress: (progress) => {
    process.stdout.write(`${JSON.stringify(progress)}\n`);
  },
});
