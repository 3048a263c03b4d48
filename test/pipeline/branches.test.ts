/**
 * Goal: in a graph each job is answered once, when all its branches have come to their end. Method: a
 * sink of the test's own that stores, beside the one that answers.
 */
import { expect, test } from "vitest";
import { failureCause, type IngestControlMessage } from "../../src/message/index.js";
import { Pipeline, type Sink } from "../../src/pipeline/index.js";
import { until } from "../../src/testing/index.js";
import { deferred, startBench } from "../helpers/pipeline-bench.js";

function storingSink(store: (message: IngestControlMessage) => boolean | Promise<boolean>) {
  const sink: Sink = {
    replies: false,
    processMessage: async (message) => store(message),
    start: async () => {},
    stop: async () => {},
    getStats: () => ({}),
  };
  return sink;
}

const contentOf = (message: IngestControlMessage) => message.payload[0]?.content;

function write(text: string) {
  return (message: IngestControlMessage) => {
    for (const row of message.payload) row.content = `${String(row.content)} ${text}`;
    return message;
  };
}

async function startGraph(
  t: Parameters<typeof startBench>[0],
  store: Parameters<typeof storingSink>[0],
  side: (message: IngestControlMessage) => IngestControlMessage = write("side"),
) {
  const bench = await startBench(t, "memory");
  const pipeline = Pipeline.builder({ concurrency: 4 })
    .addSource("in", bench.source)
    .addStage("both", write("both"))
    .addStage("main", write("main"))
    .addStage("side", side)
    .addSink("out", bench.sink)
    .addSink("store", storingSink(store))
    .addEdge("in", "both")
    .addEdge("both", "side")
    .addEdge("both", "main")
    .addEdge("main", "out")
    .addEdge("side", "store")
    .build();
  t.onTestFinished(() => pipeline.stop({ drain: false }));
  return { ...bench, pipeline };
}

test("each branch works on a message of its own, and the job is answered once", async (t) => {
  const stored: unknown[] = [];
  const { pipeline, submit, onlyResult, broker } = await startGraph(t, (message) => {
    stored.push(contentOf(message));
    return true;
  });
  const job = await submit("grain");
  const stats = await pipeline.run({ maxMessages: 1 });
  expect(stats).toMatchObject({ processedCount: 1, inFlight: 0, bytesInFlight: 0 });
  expect(Object.keys(stats.sinks ?? {})).toEqual(["out", "store"]);
  expect(stored).toEqual(["grain both side"]);
  const { status, data } = await onlyResult(job);
  expect(status).toBe("success");
  expect(data?.[0]?.metadata.content).toBe("grain both main");
  expect(broker.getStats()).toMatchObject({ ready: 0, inFlight: 0 });
});

test("the answer waits for the other branch", async (t) => {
  const gate = deferred();
  let isStored = false;
  const { pipeline, submit, client } = await startGraph(t, async () => {
    await gate.promise;
    isStored = true;
    return true;
  });
  const job = await submit("grain");
  const run = pipeline.run({ maxMessages: 1 });
  await until("the main branch is through", () => pipeline.getStats().stages.main?.processed === 1);
  expect(await client.size(job)).toBe(0);
  gate.resolve();
  await run;
  expect(isStored).toBe(true);
  expect(await client.size(job)).toBe(1);
});

type Side = (message: IngestControlMessage) => IngestControlMessage;

const throwing = (text: string) => (): never => {
  throw new Error(text);
};

const FAILURES: readonly (readonly [
  what: string,
  store: () => boolean,
  side: Side,
  cause: RegExp,
])[] = [
  ["a stage of the other branch", () => true, throwing("no ink"), /Error in side: no ink/],
  ["the other sink", () => false, write("side"), /sink store did not take the message/],
  ["the other sink by throwing", throwing("no shelf"), write("side"), /sink store did not take/],
];

test.for(FAILURES)("%s that fails fails the job", async ([, store, side, cause], t) => {
  const { pipeline, submit, onlyResult } = await startGraph(t, store, side);
  const job = await submit("grain");
  expect(await pipeline.run({ maxMessages: 1 })).toMatchObject({ errorCount: 1, inFlight: 0 });
  const result = await onlyResult(job);
  expect(result.status).toBe("failed");
  expect(failureCause(result)).toMatch(cause);
});

test("several sources feed one pipeline, and each job goes back to its own", async (t) => {
  const one = await startBench(t, "memory");
  const two = await startBench(t, "memory");
  const answering = (name: "out1" | "out2", { sink }: typeof one) => [name, sink] as const;
  expect(() =>
    Pipeline.builder()
      .addSource("in1", one.source)
      .addSource("in2", two.source)
      .addStage("both", write("both"))
      .addSink(...answering("out1", one))
      .addSink(...answering("out2", two))
      .build(),
  ).toThrow(/would be answered by "out1" and "out2"/);
  const pipeline = Pipeline.builder({ concurrency: 2 })
    .addSource("in1", one.source)
    .addSource("in2", two.source)
    .addStage("first", write("one"))
    .addStage("second", write("two"))
    .addSink("out1", one.sink)
    .addSink("out2", two.sink)
    .addEdge("in1", "first")
    .addEdge("first", "out1")
    .addEdge("in2", "second")
    .addEdge("second", "out2")
    .build();
  t.onTestFinished(() => pipeline.stop({ drain: false }));
  const jobs = [await one.submit("grain"), await two.submit("flour")];
  const stats = await pipeline.run({ maxMessages: 2 });
  expect(stats).toMatchObject({ processedCount: 2 });
  expect(Object.keys(stats.sources ?? {})).toEqual(["in1", "in2"]);
  const results = [
    await one.onlyResult(jobs[0] as string),
    await two.onlyResult(jobs[1] as string),
  ];
  const contents = results.map(({ data }) => data?.[0]?.metadata.content);
  expect(contents).toEqual(["grain one", "flour two"]);
});
