/**
 * Goal: flags, variables and help come from the schema alone, and the right value wins.
 * Method: a small schema with every kind of member, and the schemas of all commands.
 */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { broker } from "./commands/broker.js";
import { ingest } from "./commands/ingest.js";
import { pipeline } from "./commands/pipeline.js";
import { quickstart } from "./commands/quickstart.js";
import { serve } from "./commands/serve.js";
import { version } from "./commands/version.js";
import { chooseOptions } from "./option-values.js";
import { commanderOptions, leavesOf } from "./schema-options.js";

const schema = z.strictObject({
  host: z.string().default("here").describe("Where. See maxThings."),
  nested: z
    .strictObject({ maxThings: z.int().min(1).optional().describe("How many.") })
    .prefault({}),
  maxFrameBytes: z
    .int()
    .default(2 * 1024 * 1024)
    .describe("Largest."),
  isOn: z.boolean().default(true).describe("On."),
  base: z
    .union([z.literal(0), z.literal(1)])
    .default(1)
    .describe("First number."),
  level: z.enum(["low", "high"]).default("low").describe("Level."),
});
const leaves = leavesOf(schema);
const what = "test";

const choose = (flags: Record<string, string | boolean>, environment = {}) =>
  chooseOptions(schema, leaves, {
    what,
    written: { flags: new Map(Object.entries(flags)), environment },
  });

test("members of members become flags and variables of their own", () => {
  expect(leaves.map(({ flag, variable, type }) => [flag, variable, type])).toEqual([
    ["--host", "MILLRACE_HOST", "text"],
    ["--max-things", "MILLRACE_MAX_THINGS", "number"],
    ["--max-frame-bytes", "MILLRACE_MAX_FRAME_BYTES", "number"],
    ["--is-on", "MILLRACE_IS_ON", "boolean"],
    ["--base", "MILLRACE_BASE", "number"],
    ["--level", "MILLRACE_LEVEL", "text"],
  ]);
});

test("the help tells defaults, choices and sizes, and names other options as flags", () => {
  const shown = leaves.flatMap(commanderOptions).filter(({ hidden }) => !hidden);
  expect(shown.map(({ flags, description }) => `${flags}: ${description}`)).toEqual([
    "--host <ADDRESS>: Where. See --max-things (default: here)",
    "--max-things <N>: How many",
    "--max-frame-bytes <N>: Largest (default: 2097152, 2 MiB)",
    "--no-is-on: On",
    "--base <N>: First number (0, 1; default: 1)",
    "--level <WORD>: Level (low, high; default: low)",
  ]);
});

test("members of metrics keep its name, so that two things can have a port", () => {
  const served = z.strictObject({
    port: z.int().describe("Port. See metrics.allowRemote."),
    metrics: z
      .strictObject({ port: z.int().optional().describe("P."), allowRemote: z.boolean() })
      .prefault({ allowRemote: true }),
  });
  const [port, ...metrics] = leavesOf(served);
  expect(port).toMatchObject({ flag: "--port", about: "Port. See --metrics-allow-remote." });
  expect(metrics.map(({ flag, variable }) => [flag, variable])).toEqual([
    ["--metrics-port", "MILLRACE_METRICS_PORT"],
    ["--metrics-allow-remote", "MILLRACE_METRICS_ALLOW_REMOTE"],
  ]);
});

test("two members with the same flag are a mistake of ours that shows at once", () => {
  const twice = z.strictObject({ a: z.string(), b: z.strictObject({ a: z.string() }) });
  expect(() => leavesOf(twice)).toThrow(TypeError);
});

test("a flag wins over the environment, the environment over the default", () => {
  const environment = { MILLRACE_HOST: "env", MILLRACE_MAX_THINGS: "3", MILLRACE_LEVEL: "" };
  const { config, values } = choose({ "--host": "flag", "--is-on": false }, environment);
  expect(config).toEqual({
    host: "flag",
    nested: { maxThings: 3 },
    maxFrameBytes: 2_097_152,
    isOn: false,
    base: 1,
    level: "low",
  });
  expect(values.map(({ origin }) => origin)).toEqual([
    "flag",
    "environment",
    "default",
    "flag",
    "default",
    "default",
  ]);
});

test.each(["1", "true", "YES"])("%j in the environment means yes", (text) => {
  expect(choose({}, { MILLRACE_IS_ON: text }).config.isOn).toBe(true);
});

test.each(["0", "false", "No"])("%j in the environment means no", (text) => {
  expect(choose({}, { MILLRACE_IS_ON: text }).config.isOn).toBe(false);
});

describe("refused with OPTIONS_INVALID", () => {
  test.each([
    [{ "--max-things": "0" }, {}, /^test: --max-things: /],
    [{ "--max-things": "1e3" }, {}, /--max-things: .*"1e3"/],
    [{ "--max-things": "" }, {}, /--max-things: /],
    [{ "--base": "2" }, {}, /--base: /],
    [{}, { MILLRACE_LEVEL: "loud" }, /MILLRACE_LEVEL: .*"loud"/],
    [{}, { MILLRACE_IS_ON: "perhaps" }, /MILLRACE_IS_ON: .*"perhaps"/],
  ])("%j %j", (flags, environment, text) => {
    expect(() => choose(flags as Record<string, string>, environment)).toThrow(
      expect.objectContaining({ code: "OPTIONS_INVALID", message: expect.stringMatching(text) }),
    );
  });
});

test.each(Object.entries({ broker, ingest, pipeline, quickstart, serve, version }))(
  "every option of %s has a description, and its defaults pass its own checks",
  (_, command) => {
    const own = leavesOf(command.options);
    for (const { flag, about } of own) expect(about, flag).not.toBe("");
    const written = { flags: new Map(), environment: {} };
    expect(() => chooseOptions(command.options, own, { what, written })).not.toThrow();
  },
);
