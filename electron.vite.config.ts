import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';
import type { Plugin } from 'vite';

const here = import.meta.dirname;

/** Everything is bundled but what carries native code or is only wanted by Electron. */
const external = ['electron', 'koffi', /^node:/];

const { version } = JSON.parse(readFileSync(resolve(here, 'package.json'), 'utf8')) as { version: string };

function gitCommit(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: here, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}

/** Node tells the kind of a .js file by the nearest package.json, and the project's own says that they are ES modules. */
function commonJsFolder(): Plugin {
  return {
    name: 'common-js-folder',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'package.json', source: '{ "type": "commonjs" }\n' });
    },
  };
}

export default defineConfig({
  main: {
    plugins: [commonJsFolder()],
    define: { __SELKIE_BUILD__: JSON.stringify({ version, gitCommit: gitCommit(), builtAt: new Date().toISOString() }) },
    build: {
      outDir: 'out/main',
      target: 'node22',
      externalizeDeps: false,
      // Half the bytes to read at every start of `selkie`; names in stack traces come from the source maps.
      minify: true,
      sourcemap: true,
      rolldownOptions: {
        external,
        input: {
          cli: resolve(here, 'src-main/hosts/cli/main.ts'),
          worker: resolve(here, 'src-main/hosts/worker/main.ts'),
          web: resolve(here, 'src-main/hosts/web/main.ts'),
          desktop: resolve(here, 'src-main/hosts/desktop/main.ts'),
          cleanup: resolve(here, 'src-main/hosts/worker/cleanup.ts'),
          'unpack-worker': resolve(here, 'src-main/engine/layer/unpack-worker.ts'),
        },
        // CommonJS: an ES module that imports node:fs makes Node load the whole of it, streams and promises too, which costs a third of `selkie ps`.
        output: { format: 'cjs', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
      },
    },
  },
  preload: {
    build: {
      outDir: 'out/preload',
      externalizeDeps: false,
      rolldownOptions: {
        external: ['electron'],
        input: resolve(here, 'src-main/hosts/desktop/preload.ts'),
        // A sandboxed preload has to be CommonJS.
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: resolve(here, 'src-renderer'),
    plugins: [react()],
    build: {
      outDir: resolve(here, 'out/renderer'),
      emptyOutDir: true,
      rolldownOptions: { input: resolve(here, 'src-renderer/index.html') },
    },
  },
});
