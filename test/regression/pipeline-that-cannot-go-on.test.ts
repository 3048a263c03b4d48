// Failure: a pipeline in the background whose source failed for good said "running" for ever.
// Method: a source that throws an error which is not worth another try.
import { expect, test } from "vitest";
import { Pipeline, type Sink, type Source } from "../../src/pipeline/index.js";

test("it tells why through `ended`, and stops", async () => {
  const gone = new TypeError("the source is gone");
  const source: Source = {
    getMessage: () => Promise.reject(gone),
    acknowledge: async () => {},
    release: async () => {},
    start: async () => {},
    stop: async () => {},
    getStats: () => ({}),
  };
  const sink: Sink = {
    processMessage: async () => true,
    start: async () => {},
    stop: async () => {},
    getStats: () => ({}),
  };
  const pipeline = new Pipeline({ source, sink });
  expect(pipeline.ended).toBeUndefined();
  await pipeline.start();
  await expect(pipeline.ended).rejects.toBe(gone);
  await pipeline.stop();
  expect(pipeline.state).toBe("stopped");
  expect(pipeline.getStats().running).toBe(false);
});
