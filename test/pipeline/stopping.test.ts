/**
 * Goal: a stop loses no job and always ends. Method: chains that are stopped while a stage works, and
 * then a look at the queues.
 */
import { describe, expect, test } from "vitest";
import { failureCause, type IngestControlMessage } from "../../src/message/index.js";
import type { StageContext } from "../../src/pipeline/index.js";
import { until } from "../../src/testing/index.js";
import {
  deferred,
  startBench,
  TASK_QUEUE,
  TRANSPORTS,
  textJob,
} from "../helpers/pipeline-bench.js";

describe.each(TRANSPORTS)("over %s a stop", (transport) => {
  test("lets work in hand end, and fetches nothing more", async (t) => {
    const { stage, entered, goOn } = gatedStage();
    const bench = await startBench(t, transport, { processingFunctions: [stage] });
    const inHand = await bench.submit("in hand");
    await bench.submit("still queued");
    await bench.pipeline.start();
    await entered;
    const stopping = bench.pipeline.stop();
    goOn();
    await stopping;
    expect((await bench.onlyResult(inHand)).status).toBe("success");
    expect(await bench.client.size(TASK_QUEUE)).toBe(1);
    expect(bench.pipeline.getStats()).toMatchObject({ processedCount: 1, inFlight: 0 });
  });

  test.for([{ timeoutMs: 20 }, { drain: false }])(
    "with %o gives back what does not end in time, and tells the stage",
    async (options, t) => {
      const { stage, entered, aborted } = gatedStage();
      const bench = await startBench(t, transport, { processingFunctions: [stage] });
      const jobId = await bench.submit("in hand");
      await bench.submit("still queued");
      await bench.pipeline.start();
      await entered;
      await bench.pipeline.stop(options);
      expect(await aborted).toMatchObject({ code: "PIPELINE_STOPPED" });
      expect(await bench.client.size(TASK_QUEUE)).toBe(2);
      expect(await bench.client.size(jobId)).toBe(0);
      const delivery = await bench.client.fetchDelivery(TASK_QUEUE);
      expect(JSON.parse(delivery?.message ?? "{}")).toMatchObject({ job_id: jobId });
      await delivery?.release();
    },
  );

  test('with unfinished: "fail" answers what does not end in time', async (t) => {
    const { stage, entered } = gatedStage();
    const bench = await startBench(t, transport, { processingFunctions: [stage] });
    const jobId = await bench.submit("in hand");
    await bench.pipeline.start();
    await entered;
    await bench.pipeline.stop({ timeoutMs: 20, unfinished: "fail" });
    const result = await bench.onlyResult(jobId);
    expect(result.status).toBe("failed");
    expect(failureCause(result)).toBe(
      "Error in gated: the pipeline was stopped before the job was done",
    );
    expect(bench.broker.getStats()).toMatchObject({ ready: 0, inFlight: 0 });
  });

  test.for(["release", "fail"] as const)(
    'with unfinished: "%s" ends although the result cannot be stored',
    async (unfinished, t) => {
      const bench = await startBench(t, transport, {
        brokerOptions: { brokerParams: { maxQueueSize: 1 } },
      });
      // The queue of its result is full, and nobody empties it.
      await bench.client.submitMessage("full", "in the way");
      await bench.client.submitMessage(TASK_QUEUE, textJob("in hand").replace("None", "full"));
      await bench.pipeline.start();
      await until("it was refused", () => bench.broker.getStats().pushesRefused > 0);
      await bench.pipeline.stop({ timeoutMs: 20, unfinished });
      expect(bench.pipeline.state).toBe("stopped");
      expect(await bench.client.size(TASK_QUEUE)).toBe(1);
    },
  );

  test("does not start the next stage of a job that goes back", async (t) => {
    const { stage, entered } = gatedStage();
    let laterStages = 0;
    const bench = await startBench(t, transport, {
      processingFunctions: [
        stage,
        (message) => {
          laterStages++;
          return message;
        },
      ],
    });
    await bench.submit("in hand");
    await bench.pipeline.start();
    await entered;
    await bench.pipeline.stop({ drain: false });
    expect(laterStages).toBe(0);
  });

  test("waits for the one iteration that runs", async (t) => {
    const { stage, entered, goOn } = gatedStage();
    const bench = await startBench(t, transport, { processingFunctions: [stage] });
    const jobId = await bench.submit("in hand");
    const iteration = bench.pipeline.runSingleIteration();
    await entered;
    const stopping = bench.pipeline.stop();
    goOn();
    expect(await iteration).toBe(true);
    await stopping;
    expect(bench.sink.state).toBe("stopped");
    expect((await bench.onlyResult(jobId)).status).toBe("success");
  });

  test("with an option that nobody knows is refused, and nothing is stopped", async (t) => {
    const bench = await startBench(t, transport);
    await bench.pipeline.start();
    const options = { timeout: 5 } as object;
    await expect(bench.pipeline.stop(options)).rejects.toThrow('did you mean "timeoutMs"?');
    expect((await bench.onlyResult(await bench.submit("grain"))).status).toBe("success");
  });

  test("is followed by a start that works on", async (t) => {
    const bench = await startBench(t, transport);
    for (const text of ["first life", "second life"]) {
      await bench.pipeline.start();
      expect((await bench.onlyResult(await bench.submit(text))).status).toBe("success");
      await bench.pipeline.stop();
    }
    expect(bench.pipeline.getStats()).toMatchObject({ processedCount: 2, errorCount: 0 });
  });
});

/** A stage that waits until the test lets it go on, or it is aborted. */
function gatedStage() {
  const entered = deferred();
  const gate = deferred();
  const aborted = deferred<unknown>();
  async function gated(message: IngestControlMessage, { signal }: StageContext) {
    signal.addEventListener("abort", () => aborted.resolve(signal.reason));
    entered.resolve();
    await gate.promise;
    return message;
  }
  const goOn = () => gate.resolve();
  return { stage: gated, entered: entered.promise, aborted: aborted.promise, goOn };
}
