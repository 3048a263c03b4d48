/**
 * Who may import whom: the table of ARCHITECTURE.md, types included. A room that is not named beside
 * another may not know it; across rooms the only way in is the room's door, its index.ts.
 */
const ROOMS = {
  core: [],
  wire: ["core"],
  message: ["core"],
  workers: ["core"],
  telemetry: ["core"],
  broker: ["core", "wire"],
  client: ["core", "wire", "message"],
  pipeline: ["core", "message", "workers"],
  sources: ["core", "message", "pipeline", "client"],
  sinks: ["core", "message", "pipeline", "client"],
  stages: ["core", "message", "pipeline", "workers"],
};
const LOWER_ROOMS = Object.keys(ROOMS);

const roomRules = Object.entries(ROOMS).map(([room, allowed]) => ({
  name: `${room}-knows-only-${allowed.join("-") || "itself"}`,
  severity: "error",
  from: { path: `^src/${room}/`, pathNot: "\\.test\\.ts$" },
  to: { path: "^src/", pathNot: `^src/(${[room, ...allowed].join("|")})/` },
}));

module.exports = {
  forbidden: [
    ...roomRules,
    {
      name: "runtime-knows-all-but-cli",
      severity: "error",
      from: { path: "^src/runtime/" },
      to: { path: "^src/(cli|testing)/" },
    },
    {
      name: "nothing-knows-testing",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/testing/|\\.test\\.ts$" },
      to: { path: "^src/testing/" },
    },
    {
      name: "across-rooms-by-the-door",
      severity: "error",
      from: { path: "^src/([^/]+)/", pathNot: "\\.test\\.ts$" },
      to: { path: "^src/[^/]+/.+", pathNot: ["^src/$1/", "^src/[^/]+/index\\.ts$"] },
    },
    {
      name: "never-the-own-door",
      severity: "error",
      from: { path: "^src/([^/]+)/", pathNot: "\\.test\\.ts$" },
      to: { path: "^src/$1/index\\.ts$" },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "only-cli-and-entries-touch-process",
      severity: "error",
      comment: "core/ids.ts, core/process-usage.ts and core/turn.ts change nothing of it.",
      from: {
        path: `^src/(${[...LOWER_ROOMS, "runtime"].join("|")})/`,
        pathNot: ["^src/core/(ids|process-usage|turn)\\.ts$", "\\.test\\.ts$"],
      },
      to: { path: "^(node:)?process$" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "\\.test\\.ts$" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types", "default"],
    },
    moduleSystems: ["es6"],
  },
};
