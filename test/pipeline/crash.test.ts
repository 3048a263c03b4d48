/**
 * Goal: a pipeline that dies in the middle of a job loses nothing. Method: a real process with a real
 * broker, killed without warning while a stage works.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { until } from "../../src/testing/index.js";
import { startBench } from "../helpers/pipeline-bench.js";

const HANGING_PIPELINE = fileURLToPath(new URL("../helpers/hanging-pipeline.mjs", import.meta.url));

test("a job of a killed pipeline is at its old place, and another pipeline answers it", async (t) => {
  const order: unknown[] = [];
  const bench = await startBench(t, "tcp", {
    processingFunctions: [
      (message) => {
        order.push(message.jobId);
        return message;
      },
    ],
  });
  const jobIds = [
    await bench.submit("one"),
    await bench.submit("two"),
    await bench.submit("three"),
  ];

  const child = fork(HANGING_PIPELINE, [String(bench.broker.port)]);
  t.onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const exited = once(child, "exit");
  const [{ jobId }] = (await once(child, "message")) as [{ jobId: string }];
  expect(jobId).toBe(jobIds[0]);
  expect(bench.broker.getStats()).toMatchObject({ ready: 2, inFlight: 1 });
  child.kill("SIGKILL");
  expect(await exited).toEqual([null, "SIGKILL"]);

  await until("the job is back", () => bench.broker.getStats().ready === 3);
  const stats = await bench.pipeline.run({ maxMessages: 3 });
  expect(stats).toMatchObject({ processedCount: 3, errorCount: 0 });
  expect(order).toEqual(jobIds);
  for (const id of jobIds) expect((await bench.onlyResult(id)).status).toBe("success");
});
