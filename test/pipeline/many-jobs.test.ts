/**
 * Goal: of many jobs, each gets exactly one result, and the right ones fail. Method: 2,000 jobs through
 * stages that fail in every way that they can, chosen by the job's number, sixteen at a time.
 */
import { describe, expect, test } from "vitest";
import { failureCause, IngestControlMessage } from "../../src/message/index.js";
import { startBench, TRANSPORTS } from "../helpers/pipeline-bench.js";

const JOB_COUNT = 2_000;
const SUBMITTERS = 8;

/** What the stage does with a job, and what its client must read; undefined: success. */
const FATES: readonly { readonly act: (m: IngestControlMessage) => unknown; cause?: string }[] = [
  { act: (message) => message },
  { act: async (message) => message },
  { act: (message) => message.copy() },
  { act: (message) => withRowsOf(message) },
  { act: () => Promise.reject(new Error("rejected")), cause: "Error in fate: rejected" },
  { act: () => undefined, cause: "it returned nothing" },
  { act: () => "text", cause: "a value of type string" },
  { act: (message) => throwAfter(message), cause: "Error in fate: thrown after work" },
  { act: () => new Promise(() => {}), cause: "did not end within 10 ms" },
];

describe.each(TRANSPORTS)("over %s", (transport) => {
  test(`${JOB_COUNT} jobs get one result each, and the right ones fail`, async (t) => {
    const bench = await startBench(t, transport, {
      concurrency: 16,
      stageTimeoutMs: 10,
      processingFunctions: [
        function fate(message) {
          const index = Number(message.payload[0]?.content);
          return fateOf(index).act(message) as IngestControlMessage;
        },
      ],
    });
    const running = bench.pipeline.run({ maxMessages: JOB_COUNT });
    const submitAndCheck = async (submitter: number) => {
      for (let index = submitter; index < JOB_COUNT; index += SUBMITTERS) {
        const result = await bench.onlyResult(await bench.submit(String(index)));
        const { cause } = fateOf(index);
        if (cause !== undefined) expect(failureCause(result)).toContain(cause);
        else expect(result.data?.[0]?.metadata.content).toBe(String(index));
      }
    };
    await Promise.all(Array.from({ length: SUBMITTERS }, (_, index) => submitAndCheck(index)));
    const indices = Array.from({ length: JOB_COUNT }, (_, index) => index);
    const failures = indices.filter((index) => fateOf(index).cause !== undefined).length;
    expect(await running).toMatchObject({
      processedCount: JOB_COUNT - failures,
      errorCount: failures,
      inFlight: 0,
      sink: { messageCount: JOB_COUNT, failedCount: failures, undeliverableCount: 0 },
    });
    expect(bench.broker.getStats()).toMatchObject({ ready: 0, inFlight: 0 });
  });
});

/** The same for every run, and without a pattern that the order of the jobs could follow. */
function fateOf(index: number) {
  const mixed = Math.imul(index + 1, 0x9e3779b1) >>> 16;
  // One in a hundred never ends, as that costs its time; the others are alike.
  if (index % 100 === 99) return FATES.at(-1) as (typeof FATES)[number];
  return FATES[mixed % (FATES.length - 1)] as (typeof FATES)[number];
}

function withRowsOf(message: IngestControlMessage): IngestControlMessage {
  const other = new IngestControlMessage();
  other.payload = message.payload;
  return other;
}

function throwAfter(message: IngestControlMessage): never {
  message.payload = [];
  throw new Error("thrown after work");
}
