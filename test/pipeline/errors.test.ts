/**
 * Goal: transient errors are tried again as asked, permanent ones are not, and what becomes of the job
 * after the last attempt is what its stage says. Method: stages that fail as told, in a real chain.
 */
import { expect, test } from "vitest";
import { failureCause, type IngestControlMessage } from "../../src/message/index.js";
import type { StageContext, StageEvent } from "../../src/pipeline/index.js";
import { startBench, TASK_QUEUE, textJob } from "../helpers/pipeline-bench.js";

const away = (members: object = {}) =>
  Object.assign(new Error("the model is away"), { status: 503 }, members);

/** Fails the first `count` times, after having spoilt the message. */
function failing(count: number, error: () => Error = away) {
  const seen: { attempt: number; content: unknown }[] = [];
  const stage = async (message: IngestControlMessage, { attempt }: StageContext) => {
    const [row] = message.payload;
    seen.push({ attempt, content: row?.content });
    if (row !== undefined) row.content = `${String(row.content)} touched`;
    if (seen.length <= count) throw error();
    return message;
  };
  return { stage, seen };
}

const QUICK = { baseMs: 1, maxMs: 1 };

test("a transient error is tried again, on the message as it was", async (t) => {
  const { stage, seen } = failing(2);
  const { pipeline, submit, onlyResult } = await startBench(t, "memory", {
    stages: [{ stage, name: "model", retry: { maxAttempts: 3, ...QUICK } }],
  });
  const job = await submit("grain");
  const stats = await pipeline.run({ maxMessages: 1 });
  expect(seen).toEqual([
    { attempt: 1, content: "grain" },
    { attempt: 2, content: "grain" },
    { attempt: 3, content: "grain" },
  ]);
  expect(stats.stages.model).toMatchObject({ processed: 1, errors: 0, retried: 2 });
  const { data } = await onlyResult(job);
  expect(data?.[0]?.metadata.content).toBe("grain touched");
});

test("after the last attempt the result tells stage, attempts and cause", async (t) => {
  const { stage, seen } = failing(9);
  const { pipeline, submit, onlyResult } = await startBench(t, "memory", {
    stages: [{ stage, name: "model", retry: { maxAttempts: 3, ...QUICK } }],
  });
  const job = await submit("grain");
  expect((await pipeline.run({ maxMessages: 1 })).stages.model).toMatchObject({
    errors: 1,
    retried: 2,
  });
  expect(seen).toHaveLength(3);
  const result = await onlyResult(job);
  expect(failureCause(result)).toBe("Error in model after 3 attempts: the model is away");
  expect(Object.values(result.annotations ?? {})).toContainEqual(
    expect.objectContaining({ task_id: "model", attempts: 3, error: "the model is away" }),
  );
});

test("a permanent error is not tried again", async (t) => {
  const { stage, seen } = failing(1, () => new Error("no such page"));
  const { pipeline, submit } = await startBench(t, "memory", {
    stages: [{ stage, name: "model", retry: { maxAttempts: 5, ...QUICK } }],
  });
  await submit("grain");
  expect(await pipeline.run({ maxMessages: 1 })).toMatchObject({ errorCount: 1 });
  expect(seen).toHaveLength(1);
});

test("an endpoint that asks for a longer wait than is allowed is not asked again", async (t) => {
  const { stage, seen } = failing(1, () => away({ headers: { "retry-after": "3600" } }));
  const { pipeline, submit } = await startBench(t, "memory", {
    stages: [{ stage, name: "model", retry: { maxAttempts: 5, ...QUICK } }],
  });
  await submit("grain");
  expect(await pipeline.run({ maxMessages: 1 })).toMatchObject({ errorCount: 1 });
  expect(seen).toHaveLength(1);
});

test("a wait that an endpoint asks for is kept", async (t) => {
  const { stage } = failing(1, () => away({ retryAfterMs: 60 }));
  const events: StageEvent[] = [];
  const { pipeline, submit } = await startBench(t, "memory", {
    stages: [{ stage, name: "model", retry: { maxAttempts: 2, ...QUICK } }],
    observer: { stageEnded: (event) => events.push(event) },
  });
  await submit("grain");
  expect(await pipeline.run({ maxMessages: 1 })).toMatchObject({ processedCount: 1 });
  const [first, second] = events;
  expect([first?.outcome, second?.outcome]).toEqual(["retried", "processed"]);
  const pausedMs = Number((second?.startedAt ?? 0n) - (first?.startedAt ?? 0n)) / 1e6;
  // A timer may fire a little early; what is asked is that the pause is not the back-off's 1 ms.
  expect(pausedMs).toBeGreaterThan(50);
});

test("a stop ends a pause between attempts, and the job goes back", async (t) => {
  const { stage, seen } = failing(1, () => away({ retryAfterMs: 100_000 }));
  const { pipeline, submit, broker } = await startBench(t, "memory", {
    stages: [{ stage, name: "model", retry: { maxAttempts: 2 } }],
    observer: { stageEnded: () => void pipeline.stop({ timeoutMs: 1 }) },
  });
  await submit("grain");
  await pipeline.run({ maxMessages: 1 });
  expect(seen).toHaveLength(1);
  expect(broker.getStats()).toMatchObject({ ready: 1, inFlight: 0 });
});

test("a circuit is shared by all stages that call the same endpoint", async (t) => {
  let calls = 0;
  const call = async (message: IngestControlMessage, { circuit }: StageContext) => {
    await circuit("http://model").run(() => {
      calls++;
      throw away();
    });
    return message;
  };
  const { pipeline, submit } = await startBench(t, "memory", {
    stages: [
      { stage: call, name: "one", onError: "skip" },
      { stage: call, name: "two" },
    ],
  });
  for (let index = 0; index < 10; index++) await submit(`${index}`);
  const stats = await pipeline.run({ maxMessages: 10 });
  expect(stats).toMatchObject({ errorCount: 10, circuits: { "http://model": "open" } });
  // Five failures in a row open it, whichever stage they come from.
  expect(calls).toBe(5);
});

test.for([
  ["skip", "grain", "without this stage"],
  ["continue", "grain touched", "with what the stage had done"],
] as const)(
  "with onError %s the job succeeds, and says what is missing",
  async ([onError, content, told], t) => {
    const { stage } = failing(1, () => new Error("no such page"));
    const { pipeline, submit, onlyResult } = await startBench(t, "memory", {
      stages: [{ stage, name: "caption", onError }],
      processingFunctions: [(message) => message],
    });
    const job = await submit("grain");
    const stats = await pipeline.run({ maxMessages: 1 });
    expect(stats).toMatchObject({ processedCount: 1, errorCount: 0 });
    expect(stats.stages).toMatchObject({ caption: { errors: 1 }, function_2: { processed: 1 } });
    const result = await onlyResult(job);
    expect(result.status).toBe("success");
    expect(result.data?.[0]?.metadata.content).toBe(content);
    const notes = Object.values(result.annotations ?? {});
    const note = notes.find(({ error }) => error !== undefined);
    expect(note).toMatchObject({ task_id: "caption", error: "no such page", attempts: 1 });
    expect(note?.message).toContain(told);
    expect(failureCause(result)).toBeUndefined();
  },
);

test("without tracing only a result that had errors carries annotations", async (t) => {
  const { pipeline, client, onlyResult } = await startBench(t, "memory", {
    stages: [{ ...failingOnce(), onError: "skip" }],
  });
  const job = JSON.parse(textJob("grain")) as Record<string, unknown>;
  const untraced = { ...job, tracing_options: { trace: false } };
  const submit = async () => {
    const text = JSON.stringify(untraced);
    const receipt = await client.submitMessage(TASK_QUEUE, text, { forNvIngest: true });
    return receipt.transactionId;
  };
  const jobs = [await submit(), await submit()];
  await pipeline.run({ maxMessages: 2 });
  const [withError, without] = await Promise.all(jobs.map(onlyResult));
  expect(withError).toMatchObject({ status: "success", annotations: expect.any(Object) });
  expect(without).toMatchObject({ status: "success" });
  expect(without).not.toHaveProperty("annotations");
});

function failingOnce() {
  const { stage } = failing(1, () => new Error("no such page"));
  return { stage, name: "caption" };
}

test("an observer that throws changes nothing", async (t) => {
  const throwing = () => {
    throw new Error("the observer is ill");
  };
  const { pipeline, submit } = await startBench(t, "memory", {
    processingFunctions: [(message) => message],
    observer: { jobFetched: throwing, stageEnded: throwing, jobEnded: throwing },
  });
  await submit("grain");
  expect(await pipeline.run({ maxMessages: 1 })).toMatchObject({ processedCount: 1 });
});

test("a message that cannot be looked at or copied gets its result all the same", async (t) => {
  const { pipeline, submit, onlyResult } = await startBench(t, "memory", {
    stages: [
      {
        name: "trap",
        stage: (message) => {
          Object.defineProperty(message.payload[0], "metadata", {
            enumerable: true,
            get() {
              throw new Error("do not look");
            },
          });
          return message;
        },
      },
      { name: "careful", stage: (message) => message, retry: { maxAttempts: 2 } },
    ],
  });
  const job = await submit("grain");
  expect(await pipeline.run({ maxMessages: 1 })).toMatchObject({ errorCount: 1, inFlight: 0 });
  expect(failureCause(await onlyResult(job))).toMatch(/Error in careful: do not look/);
});
