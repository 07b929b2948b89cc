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

/** Parts of Node that are not loaded when it starts, and that most commands never touch: each costs 1 to 8 ms. */
const lateBuiltins =
  /\brequire\((["'`])node:(?:child_process|crypto|dns|fs\/promises|http|https|net|readline|stream|stream\/promises|tls|worker_threads|zlib)\1\)/g;

/**
 * `import { createHash } from 'node:crypto'` becomes a require at the top of a chunk. Every use is a look at a property of what it answers, so
 * that may wait for the first one: `selkie ps` then starts a third sooner, and no source file has to know.
 */
function lateBuiltinModules(): Plugin {
  const prelude =
    'const lateBuiltin=load=>{let loaded;return new Proxy({},{get:(_,name)=>(loaded??=load())[name],has:(_,name)=>name in(loaded??=load())})};';
  return {
    name: 'late-builtin-modules',
    renderChunk(code) {
      const late = code.replace(lateBuiltins, (call) => `lateBuiltin(()=>${call})`);
      if (late === code) return null;
      // On the first line: no line of the source map moves but that one's columns, which hold nothing of ours.
      return { code: late.startsWith('"use strict";') ? late.replace('"use strict";', `"use strict";${prelude}`) : prelude + late };
    },
  };
}

/**
 * What undici loads and a registry is never spoken to with: HTTP/2, which we do not offer (it knows how to do without where Node has none), and node:assert, of
 * which it wants the plain form. Together a tenth of a pull that finds everything there.
 */
function lightUndici(): Plugin {
  const parts = /\/node_modules\/undici\/lib\//;
  return {
    name: 'light-undici',
    enforce: 'pre',
    transform(code, id) {
      if (!parts.test(id)) return null;
      const light = code
        .replace(`require('node:http2')`, `(() => { throw new Error('HTTP/2 is not built in') })()`)
        .replace(
          `require('node:assert')`,
          `((value, message) => { if (!value) throw message instanceof Error ? message : new Error(message ?? 'assertion failed') })`,
        );
      if (light === code) return null;
      if (/\bassert\.[a-z]/.test(light)) throw new Error(`${id} wants more of node:assert than its plain form`);
      return { code: light, map: null };
    },
  };
}

export default defineConfig({
  main: {
    plugins: [commonJsFolder(), lightUndici(), lateBuiltinModules()],
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
