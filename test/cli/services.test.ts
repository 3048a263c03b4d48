/**
 * Goal: broker, pipeline and serve say when they are ready, and leave when they are told to, within
 * their deadline, whatever is connected or in work.
 * Method: real processes and sockets; a PDF that takes long as the job in work.
 */
import { connect, type Socket } from "node:net";
import { expect, type TestContext, test } from "vitest";
import { SimpleClient } from "../../src/client/index.js";
import {
  createJob,
  encodeJob,
  extractTask,
  failureCause,
  parseResult,
} from "../../src/message/index.js";
import { slowPdf } from "../helpers/slow-pdf.js";
import { listeningPort, runCli, startCli } from "../helpers/start-cli.js";

const QUEUE = "ingest_task_queue";

function clientOf(t: TestContext, port: number): SimpleClient {
  const client = new SimpleClient({ host: "127.0.0.1", port });
  t.onTestFinished(() => client.close());
  return client;
}

function jobOf(name: string, content: string | Uint8Array, documentType: string): string {
  const tasks = [extractTask({ documentType })];
  return encodeJob(createJob({ documents: [{ name, content, type: documentType }], tasks }));
}

async function connectIdle(t: TestContext, port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect({ host: "127.0.0.1", port }));
  t.onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (const socket of sockets) socket.on("error", () => {});
  await Promise.all(
    sockets.map((socket) => new Promise<void>((resolve) => socket.once("connect", resolve))),
  );
  return sockets;
}

/** Resolves when a consumer has taken what was queued. */
async function untilTaken(client: SimpleClient, queueName: string): Promise<void> {
  while ((await client.size(queueName)) > 0);
}

for (const signal of ["SIGTERM", "SIGINT"] as const)
  test(`a broker leaves on ${signal} and says what it dropped`, async (t) => {
    const broker = startCli(t, ["broker", "--port", "0", "--durability", "memory"]);
    const client = clientOf(t, await listeningPort(broker));
    await client.submitMessage("q", "one");
    await client.submitMessage("q", "two");
    broker.child.kill(signal);
    const { code, stdout } = await broker.ended;
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toEqual([
      expect.stringMatching(
        `^listening simple://127\\.0\\.0\\.1:\\d+ \\(pid ${broker.child.pid}, durability memory: ` +
          "queued messages are lost when this process ends\\)$",
      ),
      "stopped: 2 messages were queued in memory and are lost",
    ]);
  });

test("with --json the lines of a broker are JSON, and its log is on standard error", async (t) => {
  const broker = startCli(t, ["broker", "--port", "0", "--json", "--durability", "memory"]);
  await broker.line(/"event":"listening"/);
  broker.child.kill("SIGTERM");
  const { stdout, stderr } = await broker.ended;
  const [listening, stopped, ...more] = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(listening).toMatchObject({ pid: broker.child.pid, durability: "memory" });
  expect(listening.url).toMatch(/^simple:\/\/127\.0\.0\.1:\d+$/);
  expect(stopped).toEqual({ event: "stopped", dropped: 0, kept: 0 });
  expect(more).toEqual([]);
  expect(JSON.parse(stderr.split("\n")[0] as string).msg).toBe("broker listens");
});

test("serve leaves in its time with 1,000 idle connections and a job in work", async (t) => {
  const server = startCli(t, [
    ...["serve", "--port", "0", "--durability", "memory"],
    ...["--concurrency", "1", "--log-level", "error"],
  ]);
  const port = await listeningPort(server);
  const client = clientOf(t, port);
  await connectIdle(t, port, 1_000);
  const job = jobOf("slow.pdf", slowPdf(90_000), "pdf");
  const { transactionId } = await client.submitMessage(QUEUE, job, { forNvIngest: true });
  await untilTaken(client, QUEUE);
  const queued = jobOf("queued.txt", "waits", "text");
  await client.submitMessage(QUEUE, queued, { forNvIngest: true });
  const awaited = await client.submitMessage(QUEUE, queued, { forNvIngest: true });
  const answers = [transactionId, awaited.transactionId].map((id) => client.fetchMessage(id));
  await client.ping();
  server.child.kill("SIGTERM");
  for (const answer of await Promise.all(answers)) {
    const result = parseResult(answer as string);
    expect(result.status).toBe("failed");
    expect(failureCause(result)).toMatch(/pipeline was stopped/);
  }
  // A process that does not stop in its five seconds ends itself, with another code.
  const { code, stdout, stderr } = await server.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  // The answer to the other queued job: nobody fetched it.
  expect(stdout).toMatch(
    /^stopped: 1 message was queued in memory and is lost; 2 waiting jobs were answered as failed$/m,
  );
});

test("a second signal ends serve at once", async (t) => {
  const server = startCli(t, ["serve", "--port", "0", "--stop-timeout-ms", "600000"]);
  const client = clientOf(t, await listeningPort(server));
  const job = jobOf("slow.pdf", slowPdf(90_000), "pdf");
  await client.submitMessage(QUEUE, job, { forNvIngest: true });
  await untilTaken(client, QUEUE);
  server.child.kill("SIGTERM");
  expect(await refusal(client)).toBe("QUEUE_UNAVAILABLE");
  server.child.kill("SIGINT");
  expect((await server.ended).code).toBe(70);
});

/** Pushes until the server takes no more, and returns the code that it says so with. */
async function refusal(client: SimpleClient): Promise<string> {
  for (;;) {
    try {
      await client.submitMessage("other", "x", { timeoutMs: 1 });
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  }
}

test("a pipeline works for another process and gives its job back when it leaves", async (t) => {
  const broker = startCli(t, ["broker", "--port", "0"]);
  const port = await listeningPort(broker);
  const url = `simple://127.0.0.1:${port}`;
  const pipeline = startCli(t, [
    ...["pipeline", "--broker", url, "--queue", "scans", "--drain-timeout-ms", "1"],
  ]);
  await pipeline.line(/^ready simple:.*queue scans/m);
  const client = clientOf(t, port);
  const submission = { forNvIngest: true };
  const first = await client.submitMessage("scans", jobOf("a.txt", "mill", "text"), submission);
  const answer = parseResult((await client.fetchMessage(first.transactionId)) as string);
  expect(answer.status).toBe("success");
  await client.submitMessage("scans", jobOf("slow.pdf", slowPdf(90_000), "pdf"), submission);
  await untilTaken(client, "scans");
  pipeline.child.kill("SIGTERM");
  const { code, stdout } = await pipeline.ended;
  expect(code).toBe(0);
  // The second job was in work already, or still on its way: given back it is in either case.
  expect(stdout).toMatch(/^stopped: 1 job done, [01] failed or given back/m);
  // The end of the process may be known here before its last words have reached the broker.
  expect((await client.fetchDelivery("scans"))?.message).toMatch("slow.pdf");
});

test("a pipeline without a broker ends with 69 and says where it looked", async (t) => {
  const broker = startCli(t, ["broker", "--port", "0"]);
  const port = await listeningPort(broker);
  broker.child.kill("SIGTERM");
  await broker.ended;
  const ended = await runCli(t, ["pipeline", "--broker", `simple://127.0.0.1:${port}`]);
  expect(ended.code).toBe(69);
  expect(ended.stderr).toMatch(`no broker answers at 127.0.0.1:${port}`);
  expect(ended.stderr).toMatch("start one with `millrace serve`");
  expect(ended.stdout).toBe("");
});

test("a taken port ends the second broker with 2 and names who has it", async (t) => {
  const first = startCli(t, ["broker", "--port", "0"]);
  const port = await listeningPort(first);
  for (const command of ["broker", "serve"]) {
    const second = await runCli(t, [command, "--port", String(port)]);
    expect(second.code).toBe(2);
    expect(second.stderr).toMatch(`is taken by a millrace broker (pid ${first.child.pid})`);
    expect(second.stdout).toBe("");
  }
});
