// The direction of imports. Type-only imports count like any other. Tests may import what they like.

const tests = String.raw`\.test\.ts$|^test/`;
const ours = '^(src|persistence|machines|test)/';
const base = String.raw`^src/(errors|error-classes|machine-config|xstate-copies|workflow|actor-sources|invocation|plain-error|event-descriptor|permissions|prices|worst-case)\.ts$`;

/** Who may import what of ours, its own folder included; anything else of ours is forbidden. */
const layers = {
  base: {
    from: base,
    may: [base, String.raw`^src/gates/(people-fit|person)\.ts$`, String.raw`^persistence/shared\.ts$`],
  },
  engine: {
    from: '^src/engine/',
    may: [
      base,
      '^src/engine/',
      String.raw`^src/gates/(verdict|person|people-fit|edit)\.ts$`,
      String.raw`^persistence/(store|shared)\.ts$`,
    ],
  },
  actors: {
    from: '^src/actors/',
    may: [base, '^src/(actors|engine|gates)/', String.raw`^persistence/(shared|in-process-shared)\.ts$`],
  },
  gates: { from: '^src/gates/', may: [base, '^src/gates/'] },
  graph: { from: '^src/graph/', may: [base, '^src/(graph|engine|actors|gates)/'] },
  testing: {
    from: '^src/testing/',
    may: [
      base,
      '^src/(testing|graph|engine|actors|gates)/',
      String.raw`^persistence/(conformance|store|memory)(/|\.ts$)`,
    ],
  },
  observe: { from: '^src/observe/', may: [base, '^src/(observe|engine|graph)/'] },
  serve: { from: '^src/serve/', may: [base, '^src/(serve|observe|engine)/'] },
  // Stores come to the command line as they come to a user: through the package's entry points.
  cli: {
    from: '^src/cli/',
    may: ['^src/', '^machines/', String.raw`^persistence/(memory|sqlite/index|redis/index)\.ts$`],
  },
  // The engine knows nothing of checks, and checks nothing of the engine's stores: they meet here.
  'create-engine': {
    from: String.raw`^src/create-engine\.ts$`,
    may: [base, '^src/(engine|graph)/'],
  },
  'main-entry': {
    from: String.raw`^src/index\.ts$`,
    may: [
      base,
      String.raw`^src/create-engine\.ts$`,
      '^src/(engine|actors|gates|graph|observe|serve)/',
      String.raw`^persistence/(store|memory)\.ts$`,
    ],
  },
  persistence: { from: '^persistence/', may: [String.raw`^src/errors\.ts$`, '^persistence/'] },
};

/** A vendor's package is imported in one place. */
const vendors = {
  ioredis: { package: '/ioredis/', only: '^persistence/redis/' },
  sqlite: { package: '^(node:)?sqlite$|/@photostructure/sqlite/', only: '^persistence/sqlite/' },
  mcp: { package: '/@modelcontextprotocol/client/', only: '^src/actors/mcp/' },
  graphviz: { package: '/@hpcc-js/wasm-graphviz/', only: '^src/observe/diagrams/' },
  anthropic: { package: '/@anthropic-ai/sdk/', only: '^src/(actors/providers|testing)/' },
};

const adapter = String.raw`^persistence/(sqlite|redis|memory)(?:/|\.)`;

module.exports = {
  forbidden: [
    ...Object.entries(layers).map(([name, { from, may }]) => ({
      name: `layer-${name}`,
      severity: 'error',
      from: { path: from, pathNot: tests },
      to: { path: ours, pathNot: may },
    })),
    {
      name: 'layer-unknown',
      comment: 'A new place in src/ needs a line in `layers` before it may import anything of ours.',
      severity: 'error',
      from: { path: '^src/', pathNot: [tests, ...Object.values(layers).map(({ from }) => from)] },
      to: { path: ours },
    },
    {
      name: 'layer-machine',
      comment:
        "A machine reaches Signalbox only as a user's code would: by the name of the package. Services are shared.",
      severity: 'error',
      from: { path: '^machines/([^/]+)/', pathNot: tests },
      to: { dependencyTypes: ['local'], pathNot: '^machines/($1|services)/' },
    },
    {
      name: 'layer-machines-entry',
      severity: 'error',
      from: { path: String.raw`^machines/[^/]+\.ts$`, pathNot: tests },
      to: { dependencyTypes: ['local'], pathNot: '^machines/' },
    },
    {
      name: 'cli-by-entry-points',
      severity: 'error',
      from: { path: '^src/cli/', pathNot: tests },
      to: { path: '^persistence/', dependencyTypes: ['local'] },
    },
    {
      name: 'nobody-imports-cli',
      severity: 'error',
      from: { pathNot: [tests, '^src/cli/'] },
      to: { path: '^src/cli/' },
    },
    {
      name: 'adapters-apart',
      severity: 'error',
      from: { path: adapter, pathNot: tests },
      to: { path: adapter, pathNot: String.raw`^persistence/$1(?:/|\.)` },
    },
    {
      name: 'no-adapter-in-the-shared',
      severity: 'error',
      from: { path: '^persistence/', pathNot: [tests, adapter] },
      to: { path: adapter },
    },
    ...Object.entries(vendors).map(([name, vendor]) => ({
      name: `vendor-${name}`,
      severity: 'error',
      from: { path: ours, pathNot: [tests, vendor.only] },
      to: { path: vendor.package },
    })),
    {
      name: 'no-dev-dependency',
      comment: 'What is published may import only what a user has installed.',
      severity: 'error',
      from: { path: ours, pathNot: tests },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'npm-peer'],
      },
    },
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    // `node:sqlite` is younger than Node 20's list of built-in modules.
    builtInModules: { add: ['node:sqlite'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['signalbox-source', 'import', 'node', 'default'],
    },
  },
};
