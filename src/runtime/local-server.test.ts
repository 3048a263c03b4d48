/**
 * Goal: broker and pipeline in one process serve clients, and a stop answers, drops and counts as
 * it promises, in its time.
 * Method: a real server on a free port, real clients over TCP, a PDF that takes long.
 */
import { expect, test } from "vitest";
import { slowPdf } from "../../test/helpers/slow-pdf.js";
import type { Cleanup } from "../../test/helpers/start-broker.js";
import { SimpleClient } from "../client/index.js";
import { createJob, encodeJob, extractTask, failureCause, parseResult } from "../message/index.js";
import { until } from "../testing/index.js";
import { LocalPipeline } from "./local-pipeline.js";
import { LocalServer, type LocalServerOptions } from "./local-server.js";

const QUEUE = "ingest_task_queue";

async function startServer(t: Cleanup, options: LocalServerOptions = {}) {
  const server = new LocalServer({ ...options, broker: { port: 0, ...options.broker } });
  await server.start();
  t.onTestFinished(() => server.stop());
  const client = new SimpleClient({ host: server.host, port: server.port });
  t.onTestFinished(() => client.close());
  return { server, client };
}

function jobOf(name: string, content: string | Uint8Array, documentType: string): string {
  const tasks = [extractTask({ documentType })];
  return encodeJob(createJob({ documents: [{ name, content, type: documentType }], tasks }));
}

const submit = (client: SimpleClient, job: string) =>
  client.submitMessage(QUEUE, job, { forNvIngest: true });

test("a job over TCP gets its result", async (t) => {
  const { client } = await startServer(t);
  const { transactionId } = await submit(client, jobOf("a.txt", "the mill", "text"));
  const result = parseResult((await client.fetchMessage(transactionId)) as string);
  expect(result.status).toBe("success");
  expect(result.data?.[0]?.metadata.content).toBe("the mill");
});

test("start and stop twice do no harm, and a stopped server starts again", async (t) => {
  const { server } = await startServer(t);
  await server.start();
  await Promise.all([server.stop(), server.stop()]);
  await server.start();
  const again = new SimpleClient({ host: server.host, port: server.port });
  await again.ping();
  await again.close();
});

test("a stop answers jobs in work as failed and counts what was queued", async (t) => {
  const { server, client } = await startServer(t, {
    pipeline: { concurrency: 1 },
    stopTimeoutMs: 1_000,
  });
  const { transactionId } = await submit(client, jobOf("slow.pdf", slowPdf(30_000), "pdf"));
  const running = () => server.getStats().pipeline?.workers.running === 1;
  await until("the slow document is in a thread", running);
  await submit(client, jobOf("queued.txt", "never reached", "text"));
  const answer = client.fetchMessage(transactionId);
  await until("somebody waits for the result", () => server.getStats().broker.waiters > 0);
  await server.stop();
  const result = parseResult((await answer) as string);
  expect(result.status).toBe("failed");
  expect(failureCause(result)).toMatch(/stopped before the job was done/);
  expect(server.getStats().broker.dropped).toBe(1);
});

test("a server that is stopping refuses new jobs and lets jobs in work end", async (t) => {
  const { server, client } = await startServer(t, {
    pipeline: { concurrency: 1 },
    stopTimeoutMs: 60_000,
  });
  const { transactionId } = await submit(client, jobOf("slow.pdf", slowPdf(500), "pdf"));
  const running = () => server.getStats().pipeline?.workers.running === 1;
  await until("the document is in a thread", running);
  const answer = client.fetchMessage(transactionId);
  await until("somebody waits for the result", () => server.getStats().broker.waiters > 0);
  const stopped = server.stop();
  const late = client.submitMessage(QUEUE, jobOf("late.txt", "late", "text"), { timeoutMs: 1 });
  await expect(late).rejects.toMatchObject({ code: "QUEUE_UNAVAILABLE" });
  expect(parseResult((await answer) as string).status).toBe("success");
  await stopped;
});

test("a taken port fails the start and leaves nothing running", async (t) => {
  const { server } = await startServer(t);
  const second = new LocalServer({ broker: { port: server.port } });
  await expect(second.start()).rejects.toMatchObject({ code: "BROKER_PORT_TAKEN" });
  expect(second.state).toBe("failed");
});

test("a pipeline whose broker is not there does not start, and can be tried again", async (t) => {
  const { server } = await startServer(t);
  const { host, port } = server;
  await server.stop();
  const brokerClient = { clientType: "simple", host, port, maxRetries: 0 } as const;
  const pipeline = new LocalPipeline({ brokerClient });
  await expect(pipeline.start()).rejects.toMatchObject({ code: "CLIENT_BROKER_UNAVAILABLE" });
  const other = new LocalServer({ broker: { port } });
  await other.start();
  t.onTestFinished(() => other.stop());
  await pipeline.start();
  await pipeline.stop();
  expect(pipeline.getStats()?.running).toBe(false);
});

test("a pipeline that is stopped gives the job in work back to a broker of its own", async (t) => {
  const { server, client } = await startServer(t, { pipeline: { taskQueue: "elsewhere" } });
  const brokerClient = { clientType: "simple", host: server.host, port: server.port } as const;
  const pipeline = new LocalPipeline({ brokerClient });
  await pipeline.start();
  await submit(client, jobOf("slow.pdf", slowPdf(30_000), "pdf"));
  await until("the document is in a thread", () => pipeline.getStats()?.workers.running === 1);
  expect(await client.size(QUEUE)).toBe(0);
  await pipeline.stop({ timeoutMs: 1 });
  expect(await client.size(QUEUE)).toBe(1);
});
