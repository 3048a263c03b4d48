/**
 * Goal: whatever a stage does, its job gets exactly one result, and a failed one names stage and
 * cause. Method: one misbehaving stage per test in a real chain, in process and over TCP.
 */
import { describe, expect, test } from "vitest";
import { failureCause, IngestControlMessage } from "../../src/message/index.js";
import type { StageContext } from "../../src/pipeline/index.js";
import { deferred, startBench, TASK_QUEUE, TRANSPORTS } from "../helpers/pipeline-bench.js";

/** Whoever looks at it is thrown at. */
const UNREADABLE = new Proxy(
  {},
  {
    get() {
      throw new Error("do not look");
    },
  },
);

/** What a function may do wrong, and what its client must read. */
const MISDEEDS: readonly (readonly [title: string, misdeed: () => unknown, cause: RegExp])[] = [
  ["throws", () => throwAny(new Error("no wind")), /^Error in suspect: no wind$/],
  ["rejects", () => Promise.reject(new Error("later")), /^Error in suspect: later$/],
  ["throws a text", () => throwAny("just text"), /^Error in suspect: just text$/],
  ["throws nothing", () => throwAny(undefined), /^Error in suspect: undefined$/],
  ["throws what cannot be looked at", () => throwAny(UNREADABLE), /^Error in suspect: \[object\]$/],
  ["returns nothing", () => undefined, /dropped by stage suspect: it returned nothing/],
  ["returns null later", async () => null, /dropped by stage suspect: it returned nothing/],
  ["returns a text", () => "done", /stage suspect returned a value of type string/],
  [
    "returns a look-alike",
    () => ({ payload: [] }),
    /stage suspect returned a value of type object/,
  ],
  ["never ends", () => new Promise(() => {}), /stage suspect did not end within 25 ms/],
];

describe.each(TRANSPORTS)("over %s a stage", (transport) => {
  test.for(MISDEEDS)("that %s gives one failed result", async ([, misdeed, cause], t) => {
    let laterStages = 0;
    const { pipeline, submit, onlyResult, broker } = await startBench(t, transport, {
      processingFunctions: [
        function suspect() {
          return misdeed() as IngestControlMessage;
        },
        function later(message) {
          laterStages++;
          return message;
        },
      ],
      stageTimeoutMs: 25,
    });
    const jobId = await submit("grain");
    const stats = await pipeline.run({ maxMessages: 1 });
    expect(stats).toMatchObject({ processedCount: 0, errorCount: 1, inFlight: 0 });
    expect(stats.stages).toMatchObject({ suspect: { errors: 1, processed: 0, inFlight: 0 } });
    expect(laterStages).toBe(0);
    const result = await onlyResult(jobId);
    expect(result).toMatchObject({ status: "failed", data: null });
    expect(failureCause(result)).toMatch(cause);
    expect(broker.getStats()).toMatchObject({ ready: 0, inFlight: 0 });
  });

  test("may be sync or async, and the work of all is in the result", async (t) => {
    const { pipeline, submit, onlyResult } = await startBench(t, transport, {
      processingFunctions: [
        (message) => append(message, "one"),
        async (message) => append(message, "two"),
      ],
    });
    const jobId = await submit("zero");
    const stats = await pipeline.run({ maxMessages: 1 });
    expect(Object.keys(stats.stages)).toEqual(["function_1", "function_2"]);
    const result = await onlyResult(jobId);
    expect(result.data?.map(({ metadata }) => metadata.content)).toEqual(["zero one two"]);
  });

  test("may return a message of its own, which answers the job that went in", async (t) => {
    const { pipeline, submit, onlyResult } = await startBench(t, transport, {
      processingFunctions: [
        (message) => {
          const other = new IngestControlMessage();
          other.payload = [{ documentType: "text", content: `${message.payload.length} row` }];
          return other;
        },
      ],
    });
    const jobId = await submit("grain");
    await pipeline.run({ maxMessages: 1 });
    const result = await onlyResult(jobId);
    expect(result.status).toBe("success");
    expect(result.data?.[0]?.metadata.content).toBe("1 row");
  });

  test.for([undefined, "", "another job", 7])(
    "that sets the id of its job to %s does not change who is answered",
    async (id, t) => {
      const { pipeline, submit, onlyResult } = await startBench(t, transport, {
        processingFunctions: [
          function thief(message) {
            for (const key of ["job_id", "response_channel"]) message.setMetadata(key, id);
            if (message.payload[0]?.content === "bad grain") throw new Error("caught");
            return message;
          },
        ],
      });
      const good = await submit("good grain");
      const bad = await submit("bad grain");
      await pipeline.run({ maxMessages: 2 });
      expect((await onlyResult(good)).status).toBe("success");
      expect(failureCause(await onlyResult(bad))).toBe("Error in thief: caught");
    },
  );

  test("whose time is over is told by its signal, and changes nothing afterwards", async (t) => {
    const aborted = deferred<unknown>();
    const goOn = deferred();
    const { pipeline, submit, onlyResult } = await startBench(t, transport, {
      processingFunctions: [
        async function slow(message: IngestControlMessage, { signal }: StageContext) {
          signal.addEventListener("abort", () => aborted.resolve(signal.reason));
          await goOn.promise;
          message.payload = [];
          return message;
        },
      ],
      stageTimeoutMs: 20,
    });
    const jobId = await submit("grain");
    await pipeline.run({ maxMessages: 1 });
    expect(await aborted.promise).toMatchObject({ code: "PIPELINE_STAGE_TIMED_OUT" });
    goOn.resolve();
    expect((await onlyResult(jobId)).status).toBe("failed");
  });
});

describe.each(TRANSPORTS)("over %s a job that cannot be opened", (transport) => {
  test("gets a failed result that says what is wrong with it", async (t) => {
    const { pipeline, client, onlyResult } = await startBench(t, transport);
    const { transactionId } = await client.submitMessage(TASK_QUEUE, '{"job_payload": 7}', {
      forNvIngest: true,
    });
    const stats = await pipeline.run({ maxMessages: 1 });
    expect(stats).toMatchObject({ errorCount: 1, source: { messageCount: 1, invalidCount: 1 } });
    const result = await onlyResult(transactionId);
    expect(result).toMatchObject({ status: "failed", data: null });
    expect(failureCause(result)).toContain("job_payload");
  });

  test("and names nobody to answer is dropped, counted and handed to the hook", async (t) => {
    const dropped: string[] = [];
    const { pipeline, client, submit, onlyResult, broker } = await startBench(t, transport, {
      sourceDependencies: { onUnanswerable: (text) => dropped.push(text) },
    });
    const texts = ["no JSON", "[1, 2]", '{"job_payload": {}}', '{"job_id": ""}'];
    for (const text of texts) await client.submitMessage(TASK_QUEUE, text);
    const jobId = await submit("the next one");
    const stats = await pipeline.run({ maxMessages: 1 });
    expect(dropped).toEqual(texts);
    expect(stats).toMatchObject({ processedCount: 1, errorCount: 0 });
    expect(stats.source).toMatchObject({ unanswerableCount: texts.length });
    expect((await onlyResult(jobId)).status).toBe("success");
    expect(broker.getStats()).toMatchObject({ ready: 0, inFlight: 0 });
  });
});

function append(message: IngestControlMessage, word: string): IngestControlMessage {
  for (const row of message.payload) row.content = `${row.content} ${word}`;
  return message;
}

function throwAny(thrown: unknown): never {
  throw thrown;
}
