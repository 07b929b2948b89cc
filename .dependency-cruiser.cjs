/**
 * The direction of imports between rooms, as src-main/README.md draws it. An allow-list: what is not named is refused.
 */
const room = (name) => `^src-main/engine/${name}/`;
const rooms = (...names) => `^src-main/engine/(${names.join('|')})/`;
const below = '^src-main/(base|contract|rpc|system)/';
const nodeModules = '(^node:|node_modules|^(fs|path|os|crypto|stream|zlib|worker_threads|events|util|url|http|https|net|tls|sqlite|module|buffer|v8|vm|child_process|process|tty|readline|timers|perf_hooks|async_hooks)(/|$))';

/** What each room of the engine may enter, besides itself and the rooms below the engine. */
const engineRooms = {
  config: [],
  reference: [],
  content: [],
  state: [],
  host: ['config'],
  security: ['config'],
  runtime: ['config', 'security', 'state'],
  network: ['config', 'state'],
  volume: ['config', 'state'],
  snapshot: ['config', 'state'],
  monitor: ['config', 'runtime'],
  events: ['state'],
  layer: ['content', 'snapshot', 'state', 'config'],
  signature: ['reference'],
  registry: ['reference', 'content', 'config', 'signature'],
  tree: ['snapshot'],
  mount: ['snapshot', 'state'],
  image: ['reference', 'signature', 'registry', 'content', 'layer', 'tree', 'snapshot', 'state', 'config', 'events'],
  container: ['image', 'layer', 'tree', 'mount', 'snapshot', 'state', 'runtime', 'monitor', 'network', 'volume', 'security', 'events', 'config', 'reference', 'host'],
  trash: ['config', 'state', 'snapshot', 'image', 'volume', 'container'],
  upkeep: ['config', 'state', 'snapshot', 'image', 'volume', 'container', 'trash'],
  adopt: ['config', 'reference', 'image', 'volume', 'trash'],
  service: ['trash', 'upkeep', 'adopt', 'config', 'host', 'image', 'layer', 'tree', 'snapshot', 'state', 'runtime', 'monitor', 'network', 'volume', 'security', 'events', 'container', 'reference', 'registry', 'content', 'signature'],
};

module.exports = {
  forbidden: [
    { name: 'no-circular', comment: 'Two files that import each other are one file, or miss a third below them.', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    {
      name: 'front-door-only',
      comment: 'Enter a room of the engine by its front door <room>/<room>.ts.',
      severity: 'error',
      from: { path: '^src-main/engine/([^/]+)/' },
      to: { path: '^src-main/engine/([^/]+)/(?!\\1\\.ts$)', pathNot: ['^src-main/engine/$1/', '^src-main/engine/([^/]+)/\\1\\.ts$'] },
    },
    {
      name: 'hosts-apart',
      comment: 'Hosts never import each other; what two of them need belongs to launch, contract or base.',
      severity: 'error',
      from: { path: '^src-main/hosts/([^/]+)/' },
      to: { path: '^src-main/hosts/', pathNot: '^src-main/hosts/$1/' },
    },
    {
      name: 'features-apart',
      comment: 'Features never import each other; what two of them share belongs to transfer, ui, client or text.',
      severity: 'error',
      from: { path: '^src-renderer/features/([^/]+)/' },
      to: { path: '^src-renderer/features/', pathNot: '^src-renderer/features/$1/' },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  allowedSeverity: 'error',
  allowed: [
    { from: {}, to: { path: nodeModules } },
    { from: { path: '^src-main/base/' }, to: { path: '^src-main/base/' } },
    { from: { path: '^src-main/rpc/' }, to: { path: '^src-main/(base|rpc)/' } },
    { from: { path: '^src-main/contract/' }, to: { path: '^src-main/(base|rpc|contract)/' } },
    { from: { path: '^src-main/system/' }, to: { path: '^src-main/(base|system)/' } },
    ...Object.entries(engineRooms).map(([name, uses]) => ({
      from: { path: room(name) },
      to: { path: uses.length > 0 ? [below, room(name), rooms(...uses)] : [below, room(name)] },
    })),
    { from: { path: '^src-main/engine/[^/]+\\.ts$' }, to: { path: '^src-main/(base|contract|rpc|system|engine)/' } },
    { from: { path: '^src-main/launch/' }, to: { path: '^src-main/(base|contract|rpc|system|engine|launch)/' } },
    { from: { path: '^src-main/hosts/' }, to: { path: '^src-main/(base|contract|rpc|system|launch|hosts)/|^src-main/engine/(engine|config/config|host/host)\\.ts$' } },
    { from: { path: '^src-renderer/app/' }, to: { path: '^src-renderer/|^src-main/(base|contract)/' } },
    { from: { path: '^src-renderer/[^/]+$' }, to: { path: '^src-renderer/' } },
    { from: { path: '^src-renderer/features/' }, to: { path: '^src-renderer/(features|transfer|ui|client|text)/|^src-main/(base|contract)/' } },
    { from: { path: '^src-renderer/transfer/' }, to: { path: '^src-renderer/(transfer|ui|client|text)/|^src-main/base/' } },
    { from: { path: '^src-renderer/ui/' }, to: { path: '^src-renderer/(ui|text)/|^src-main/base/' } },
    { from: { path: '^src-renderer/client/' }, to: { path: '^src-renderer/client/|^src-main/(base|contract|rpc)/' } },
    { from: { path: '^src-renderer/text/' }, to: { path: '^src-renderer/text/' } },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^out/|^dist/|\\.css$)' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'], extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json', '.css', '.d.ts'] },
  },
};
