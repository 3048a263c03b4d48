/**
 * Goal: what an address names becomes a stage with checked options, and whatever is wrong is told so that
 * the operator sees it at once. Method: the modules of `test/fixtures/stages`.
 */
import { expect, test } from "vitest";
import { IngestControlMessage } from "../message/index.js";
import { stageContext } from "../testing/index.js";
import { loadPlugin, loadStage, parseStageAddress } from "./index.js";

const base = new URL("../../test/fixtures/stages/", import.meta.url);

function load(use: string, config?: unknown) {
  return loadStage({ ...parseStageAddress(use, base), name: "mine", config });
}

async function metadataAfter(use: string, config?: unknown) {
  const loaded = await load(use, config);
  const context = stageContext({ attempt: 2, config: loaded.config });
  const message = await loaded.stage.process(new IngestControlMessage(), context);
  return message.getMetadata();
}

test("a function is a stage under the name in the pipeline, with its options as they are", async () => {
  expect((await load("./working.mjs#look")).stage.name).toBe("mine");
  expect(await metadataAfter("./working.mjs#look", { anything: [1] })).toMatchObject({
    seen: { attempt: 2, config: { anything: [1] } },
  });
  expect(await metadataAfter("./working.mjs")).toEqual({ default: true });
});

test("an object keeps its own this, its life and what it says of itself", async () => {
  const { stage } = await load("./working.mjs#counting");
  expect(stage).toMatchObject({ name: "mine", version: "7" });
  await stage.start?.();
  const message = await stage.process(new IngestControlMessage(), stageContext());
  expect(message.getMetadata("counted")).toEqual({ started: 1, count: 1 });
  expect(stage.accepts?.(message)).toBe(true);
  message.setMetadata("no work", 1);
  expect(stage.accepts?.(message)).toBe(false);
  expect(stage.stop).toBeUndefined();
});

test("a batch stage gets its options, too", async () => {
  const { stage, config } = await load("./working.mjs#batching", { tooFew: true });
  const messages = [new IngestControlMessage(), new IngestControlMessage()];
  expect(await stage.processBatch?.(messages, stageContext({ config }))).toHaveLength(1);
});

test("a stage of a plugin gets the options that its schema makes", async () => {
  const { stage, config, plugin, kind } = await load("./plugin.mjs#redact", { words: ["a"] });
  const complete = { words: ["a"], mark: "***" };
  expect([stage.version, config, plugin?.name, kind]).toEqual(["2", complete, "words", "redact"]);
  expect(await metadataAfter("./plugin.mjs#redact", { words: ["a"] })).toEqual({
    redacted: { name: "mine", options: complete, config: complete },
  });
  expect((await load("./plugin.mjs#plain")).stage).toMatchObject({
    name: "mine",
    version: "own",
    leavesInputAlone: true,
  });
});

test("a plugin's only stage needs no name, and exports beside a plugin are found", async () => {
  expect((await load("./single-plugin.mjs")).kind).toBe("only");
  const beside = await load("./plugin.mjs#beside");
  expect([beside.kind, beside.stage.name]).toEqual([undefined, "mine"]);
});

test("a plugin can be looked at without making a stage", async () => {
  const plugin = await loadPlugin(parseStageAddress("./plugin.mjs", base));
  expect(Object.keys(plugin?.stages ?? {})).toEqual(["redact", "plain", "broken"]);
  expect(await loadPlugin(parseStageAddress("./working.mjs", base))).toBeUndefined();
});

test("whatever is wrong has a code, and says what was looked for and what there is", async () => {
  const cases: [string, unknown, string, RegExp][] = [
    ["./workin.mjs#look", {}, "STAGE_MODULE_NOT_FOUND", /did you mean "working.mjs"/],
    ["./nowhere/a.mjs", {}, "STAGE_MODULE_NOT_FOUND", /nowhere.a\.mjs does not exist$/],
    ["./throws-at-load.mjs", {}, "STAGE_MODULE_FAILED", /thrown while loading/],
    ["./plugin.mjs#broken", {}, "STAGE_MODULE_FAILED", /no key in the environment/],
    [
      "./working.mjs#lok",
      {},
      "STAGE_EXPORT_MISSING",
      /has no "lok", did you mean "look"\?; it has/,
    ],
    ["./failing.mjs", {}, "STAGE_EXPORT_MISSING", /has no default export; it has .*throwPlain/],
    ["./plugin.mjs", {}, "STAGE_EXPORT_MISSING", /several stages.*it has redact, plain, broken$/],
    ["./plugin.mjs#redakt", {}, "STAGE_EXPORT_MISSING", /did you mean "redact"/],
    ["./working.mjs#toString", {}, "STAGE_EXPORT_MISSING", /has no "toString"/],
    ["./plugin.mjs#constructor", {}, "STAGE_EXPORT_MISSING", /has no "constructor"/],
    ["./working.mjs#number", {}, "STAGE_EXPORT_INVALID", /is number without process/],
    ["./working.mjs#NoInstance", {}, "STAGE_EXPORT_INVALID", /is a class/],
    [
      "./bad-plugin.mjs#one",
      {},
      "PLUGIN_INVALID",
      /of \.\/bad-plugin\.mjs#one.*stages\.one\.about/,
    ],
  ];
  for (const [use, config, code, text] of cases) {
    const error: unknown = await load(use, config).catch((thrown: unknown) => thrown);
    expect([use, error]).toEqual([
      use,
      expect.objectContaining({
        code: `PIPELINE_${code}`,
        message: expect.stringMatching(text),
      }),
    ]);
  }
});

test("options are checked where there is a schema, or where there are none", async () => {
  const cases: [string, unknown, RegExp][] = [
    [
      "./plugin.mjs#redact",
      { word: [] },
      /stage mine \(\.\/plugin\.mjs#redact\).*did you mean "words"/,
    ],
    ["./plugin.mjs#plain", { any: 1 }, /unknown option "any"/],
    ["./working.mjs#look", 7, /stage mine/],
  ];
  for (const [use, config, text] of cases) {
    await expect(load(use, config)).rejects.toMatchObject({
      code: "OPTIONS_INVALID",
      message: expect.stringMatching(text),
    });
  }
});
