/** Goal: a plugin that has the wrong shape is told all its faults at once; a right one is as it was. */
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import type { IngestControlMessage } from "../message/index.js";
import { definePlugin, type StageKind } from "./index.js";

const create = () => (message: IngestControlMessage) => message;

test("a plugin comes back as it is, and each stage gets the options of its own schema", () => {
  const given = {
    name: "@acme/words",
    stages: {
      count: {
        about: "Counts.",
        options: z.strictObject({ max: z.int().default(3) }),
        create,
      },
    },
  };
  expect(definePlugin(given)).toBe(given);
  definePlugin({
    name: "typed",
    stages: {
      one: {
        about: "Has options.",
        options: z.strictObject({ max: z.int().default(3), words: z.array(z.string()) }),
        create: ({ options }) => {
          expectTypeOf(options).toEqualTypeOf<{ max: number; words: string[] }>();
          return (message) => message;
        },
      },
      two: {
        about: "Has others.",
        options: z.strictObject({ flag: z.boolean() }),
        create({ options, name }) {
          expectTypeOf(options).toEqualTypeOf<{ flag: boolean }>();
          expectTypeOf(name).toEqualTypeOf<string>();
          return { process: (message) => message, leavesInputAlone: true };
        },
      },
      three: { about: "Has none.", create: () => ({ process: async (message) => message }) },
    },
  });
});

test("all that is wrong is told at once, with its place", () => {
  const wrong = {
    name: "not a name!",
    version: 3,
    stages: {
      "with#hash": { about: "Has a name that no address can have.", create },
      silent: { about: "", options: { max: 3 }, create: 7 },
    },
  };
  expect(() => definePlugin(wrong as never)).toThrow(
    expect.objectContaining({ code: "PIPELINE_PLUGIN_INVALID" }),
  );
  for (const part of [
    'plugin "not a name!"',
    '"name": must be letters',
    '"version"',
    '"stages.with#hash": must be named by',
    '"stages.silent.about": must say what the stage does',
    '"stages.silent.options": must be a zod schema',
    '"stages.silent.create": must be a function',
  ]) {
    expect(() => definePlugin(wrong as never)).toThrow(part);
  }
});

test("a plugin without stages, or what is none at all, is refused", () => {
  const empty = { name: "empty", stages: {} as Record<string, StageKind> };
  expect(() => definePlugin(empty)).toThrow("must have at least one stage");
  for (const nothing of [null, undefined, 7, []]) {
    expect(() => definePlugin(nothing as never)).toThrow("plugin without a name");
  }
});
