// Failure: a stage whose `stop` returned nothing ended the stop of its pipeline, and those behind it were
// never stopped; one whose `stop` never ended held it for ever. Method: stages in plain JavaScript, and
// a clock that is wound on.
import { expect, test, vi } from "vitest";
import type { Stage } from "../../src/pipeline/index.js";
import { deferred, startBench } from "../helpers/pipeline-bench.js";

function stopping(name: string, stop: () => unknown): Stage {
  return { name, process: (message) => message, stop: stop as () => Promise<void> };
}

const BADLY = [
  ["returns nothing", () => {}],
  [
    "throws at once",
    () => {
      throw new Error("no");
    },
  ],
  ["rejects", () => Promise.reject(new Error("no"))],
] as const;

test.for(BADLY)("those behind a stage whose stop %s are stopped too", async ([, stop], t) => {
  const stopped: string[] = [];
  const { pipeline } = await startBench(t, "memory", {
    stages: [stopping("bad", stop), stopping("good", async () => void stopped.push("good"))],
  });
  await pipeline.start();
  await pipeline.stop();
  expect(pipeline.state).toBe("stopped");
  expect(stopped).toEqual(["good"]);
});

test("a start that fails closes a stage whose stop returns nothing, and tells its own error", async (t) => {
  const stopped: string[] = [];
  const { pipeline } = await startBench(t, "memory", {
    stages: [
      stopping("plain", () => void stopped.push("plain")),
      { ...stopping("shut", async () => {}), start: () => Promise.reject(new Error("no way")) },
    ],
  });
  await expect(pipeline.start()).rejects.toThrow("no way");
  expect(stopped).toEqual(["plain"]);
});

test("a stage whose stop never ends does not hold the others", async (t) => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  t.onTestFinished(() => void vi.useRealTimers());
  const { promise: entered, resolve: enter } = deferred();
  const stopped: string[] = [];
  const { pipeline } = await startBench(t, "memory", {
    stages: [
      stopping("stuck", () => {
        enter();
        return new Promise(() => {});
      }),
      stopping("good", async () => void stopped.push("good")),
    ],
  });
  await pipeline.start();
  const stop = pipeline.stop({ drain: false });
  await entered;
  await vi.advanceTimersByTimeAsync(10_000);
  await stop;
  expect(stopped).toEqual(["good"]);
});
