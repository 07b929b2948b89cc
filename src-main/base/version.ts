/** Put in by the build (electron.vite.config.ts); run from sources, it is unknown. */
declare const __SELKIE_BUILD__: { readonly version: string; readonly gitCommit: string; readonly builtAt: string } | undefined;

export const build: { readonly version: string; readonly gitCommit: string; readonly builtAt: string } =
  typeof __SELKIE_BUILD__ === 'undefined' ? { version: '0.0.0', gitCommit: '', builtAt: '' } : __SELKIE_BUILD__;
