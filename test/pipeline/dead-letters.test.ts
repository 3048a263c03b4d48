/**
 * Goal: each job that a pipeline answers as failed is kept by the broker with the reason, whatever made
 * it fail, and succeeds when the cause is repaired and it is put back.
 * Method: whole chains with real brokers and clients, over TCP and in process.
 */
import { describe, expect, test } from "vitest";
import { failureCause } from "../../src/message/index.js";
import type { ProcessingFunction } from "../../src/pipeline/index.js";
import {
  type PipelineBench,
  startBench,
  TASK_QUEUE,
  TRANSPORTS,
} from "../helpers/pipeline-bench.js";

async function lettersOf({ client }: PipelineBench) {
  return (await client.deadLetters.list()).letters;
}

describe.each(TRANSPORTS)("over %s a job", (transport) => {
  test("that a stage fails is kept with stage and cause, and done again", async (t) => {
    let isRepaired = false;
    const mend: ProcessingFunction = (message) => {
      if (!isRepaired) throw new Error("the model is not there");
      return message;
    };
    const bench = await startBench(t, transport, { processingFunctions: [mend] });
    const { pipeline, submit, onlyResult, broker, client } = bench;
    const jobId = await submit("grain");
    await pipeline.run({ maxMessages: 1 });
    const reason = "Error in mend: the model is not there";
    expect(failureCause(await onlyResult(jobId))).toBe(reason);
    expect(await lettersOf(bench)).toMatchObject([{ jobId, cause: "failed", reason }]);
    expect(broker.getStats()).toMatchObject({ inFlight: 0, jobs: { failed: 1, lateResults: 0 } });
    isRepaired = true;
    expect(await client.deadLetters.replay({ jobId })).toBe(1);
    await pipeline.run({ maxMessages: 1 });
    expect((await onlyResult(jobId)).status).toBe("success");
    expect(await lettersOf(bench)).toEqual([]);
  });

  test("that cannot be opened is kept as any other", async (t) => {
    const bench = await startBench(t, transport);
    const text = '{"job_payload": 7}';
    const { transactionId: jobId } = await bench.client.submitMessage(TASK_QUEUE, text, {
      forNvIngest: true,
    });
    await bench.pipeline.run({ maxMessages: 1 });
    const cause = failureCause(await bench.onlyResult(jobId));
    expect(await lettersOf(bench)).toMatchObject([{ jobId, cause: "failed", reason: cause }]);
  });

  test("whose result cannot be sent is kept with that reason", async (t) => {
    const bench = await startBench(t, transport, {
      sinkConfig: { maxResultBytes: 1_024 },
      processingFunctions: [
        function grow(message) {
          for (const row of message.payload) row.content = "grain ".repeat(1_000);
          return message;
        },
      ],
    });
    const jobId = await bench.submit("grain");
    await bench.pipeline.run({ maxMessages: 1 });
    expect((await bench.onlyResult(jobId)).status).toBe("failed");
    const [letter] = await lettersOf(bench);
    expect(letter).toMatchObject({ jobId, cause: "failed" });
    expect(letter?.reason).toContain("maxResultBytes");
  });

  test("that is cancelled, or succeeds, is no dead letter", async (t) => {
    const bench = await startBench(t, transport);
    const [done, cancelled] = [await bench.submit("grain"), await bench.submit("chaff")];
    expect(await bench.client.cancel(cancelled)).toBe("cancelled");
    await bench.pipeline.run({ maxMessages: 1 });
    expect((await bench.onlyResult(done)).status).toBe("success");
    expect((await bench.onlyResult(cancelled)).status).toBe("failed");
    expect(await lettersOf(bench)).toEqual([]);
  });
});
