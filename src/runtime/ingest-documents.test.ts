/**
 * Goal: each document gets one outcome, bad ones do not touch the others, and nothing grows.
 * Method: real files through a broker and a pipeline in this process; brokers without a pipeline
 * where an answer must not come.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Cleanup } from "../../test/helpers/start-broker.js";
import { temporaryFolder } from "../../test/helpers/temporary-folder.js";
import { MemoryClient } from "../client/index.js";
import { until } from "../testing/index.js";
import { SimpleMessageBroker, type SimpleMessageBrokerOptions } from "./index.js";
import { type DocumentOutcome, type IngestOptions, ingestDocuments } from "./ingest-documents.js";
import { LocalPipeline } from "./local-pipeline.js";

async function folderOf(t: Cleanup, files: Record<string, string | Uint8Array>): Promise<string> {
  const root = await temporaryFolder(t);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(root, name, ".."), { recursive: true });
    await writeFile(join(root, name), content);
  }
  return root;
}

function brokerAlone(t: Cleanup, options: SimpleMessageBrokerOptions = {}) {
  const broker = new SimpleMessageBroker(options);
  const client = new MemoryClient({ clientType: "memory", broker });
  t.onTestFinished(() => client.close());
  return { broker, client };
}

async function chain(t: Cleanup) {
  const { broker, client } = brokerAlone(t);
  const pipeline = new LocalPipeline({ brokerClient: { clientType: "memory", broker } });
  await pipeline.start();
  t.onTestFinished(() => pipeline.stop({ drain: false }));
  return client;
}

async function collect(outcomes: AsyncIterable<DocumentOutcome>): Promise<DocumentOutcome[]> {
  const all: DocumentOutcome[] = [];
  for await (const outcome of outcomes) all.push(outcome);
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

test("each file of a folder gets its outcome, whatever the others do", async (t) => {
  const root = await folderOf(t, {
    "good.txt": "Grüße 🌊",
    "sub/page.html": "<h1>Mill</h1>",
    "broken.pdf": "%PDF-1.7 nothing more",
    "latin1.txt": Buffer.from("Gr\u00fc\u00dfe", "latin1"),
    "large.txt": "x".repeat(2_000),
    "picture.png": "png",
  });
  const client = await chain(t);
  const outcomes = await collect(ingestDocuments(client, [root], { maxDocumentBytes: 1_000 }));
  const byName = new Map(outcomes.map((outcome) => [outcome.name, outcome]));
  expect(outcomes).toHaveLength(6);
  expect(byName.get("good.txt")).toMatchObject({ status: "success", rows: 1, characters: 7 });
  expect(byName.get("sub/page.html")).toMatchObject({ status: "success", documentType: "html" });
  expect(byName.get("broken.pdf")).toMatchObject({
    status: "failed",
    cause: expect.stringMatching(/pdf/i),
    result: expect.objectContaining({ status: "failed" }),
  });
  expect(byName.get("latin1.txt")).toMatchObject({ status: "failed" });
  expect(byName.get("large.txt")).toMatchObject({
    status: "failed",
    cause: expect.stringMatching(/2000 bytes.*maxDocumentBytes \(1000\)/),
  });
  expect(byName.get("picture.png")).toMatchObject({ status: "skipped" });
});

test("a file that is named and not supported has failed, not been skipped", async (t) => {
  const root = await folderOf(t, { "picture.png": "png" });
  const { client } = brokerAlone(t);
  const outcomes = await collect(ingestDocuments(client, [join(root, "picture.png")]));
  expect(outcomes).toMatchObject([{ status: "failed", cause: expect.stringMatching(/supported/) }]);
});

test("without a pipeline a document fails when its time is over, and says why", async (t) => {
  const root = await folderOf(t, { "a.txt": "a" });
  const { client } = brokerAlone(t);
  const options: IngestOptions = { resultTimeoutMs: 20, taskQueue: "nobody" };
  const [outcome] = await collect(ingestDocuments(client, [root], options));
  expect(outcome).toMatchObject({
    status: "failed",
    cause: expect.stringMatching(/20 ms \(resultTimeoutMs\).*"nobody"/),
  });
});

test("no more documents are in work than concurrency and maxBytesInWork allow", async (t) => {
  const files = Object.fromEntries(
    Array.from({ length: 9 }, (_, index) => [`${index}.txt`, "x".repeat(600 * 1024)]),
  );
  const root = await folderOf(t, files);
  const peak = async (options: IngestOptions) => {
    const { broker, client } = brokerAlone(t);
    const pipeline = new LocalPipeline({ brokerClient: { clientType: "memory", broker } });
    let most = 0;
    const store = broker.store.bind(broker);
    let inWork = 0;
    broker.store = (queueName, body, how) => {
      inWork += how.stampJobId ? 1 : -1;
      most = Math.max(most, inWork);
      return store(queueName, body, how);
    };
    await pipeline.start();
    const outcomes = await collect(ingestDocuments(client, [root], options));
    await pipeline.stop();
    expect(outcomes.filter(({ status }) => status === "success")).toHaveLength(9);
    return most;
  };
  expect(await peak({ concurrency: 2 })).toBeLessThanOrEqual(2);
  expect(await peak({ concurrency: 9, maxBytesInWork: 1024 * 1024 })).toBe(1);
});

test("a broker that stays full ends the ingestion with QUEUE_FULL", async (t) => {
  const root = await folderOf(t, { "a.txt": "a", "b.txt": "b" });
  const { client } = brokerAlone(t, { brokerParams: { maxQueueSize: 1 } });
  const outcomes = collect(ingestDocuments(client, [root], { resultTimeoutMs: 200 }));
  await expect(outcomes).rejects.toMatchObject({ code: "QUEUE_FULL" });
});

test("an abort ends what is in work, with the signal's reason", async (t) => {
  const root = await folderOf(t, { "a.txt": "a", "b.txt": "b" });
  const { broker, client } = brokerAlone(t);
  const controller = new AbortController();
  const outcomes = collect(ingestDocuments(client, [root], { signal: controller.signal }));
  const rejected = expect(outcomes).rejects.toThrow("enough");
  await until("both jobs are queued", () => broker.getStats().ready === 2);
  controller.abort(new Error("enough"));
  await rejected;
  expect(broker.getStats().waiters).toBe(0);
});

test("leaving the loop early ends what is in work", async (t) => {
  const files = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${i}.txt`, "text"]));
  const root = await folderOf(t, files);
  const { broker, client } = brokerAlone(t);
  const pipeline = new LocalPipeline({ brokerClient: { clientType: "memory", broker } });
  await pipeline.start();
  t.onTestFinished(() => pipeline.stop({ drain: false }));
  for await (const _ of ingestDocuments(client, [root])) break;
  expect(broker.getStats().pushes).toBeLessThan(2 * 20);
});
