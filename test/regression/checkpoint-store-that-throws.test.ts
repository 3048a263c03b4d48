// Failure: a store of checkpoints that threw at once, instead of rejecting, ended the process.
// Method: stores in plain JavaScript.
import { expect, test } from "vitest";
import type { CheckpointStore } from "../../src/pipeline/index.js";
import { startBench } from "../helpers/pipeline-bench.js";

function broken(): never {
  throw new Error("no disk");
}

const STORES: readonly (readonly [method: string, store: CheckpointStore])[] = [
  ["load", { load: broken, save: async () => {} }],
  ["save", { load: async () => undefined, save: broken }],
];

test.for(STORES)("with one whose %s throws, jobs go on without", async ([, store], t) => {
  const { pipeline, submit, onlyResult } = await startBench(t, "memory", {
    stages: [{ name: "read", stage: (message) => message, checkpoint: true }],
    checkpoints: store,
  });
  const job = await submit("grain");
  expect(await pipeline.run({ maxMessages: 1 })).toMatchObject({ processedCount: 1, inFlight: 0 });
  expect(await onlyResult(job)).toMatchObject({ status: "success" });
});
