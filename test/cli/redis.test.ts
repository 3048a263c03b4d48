/**
 * Goal: the same pipeline works over Redis on any number of machines: workers come and go, are listed,
 * drain on SIGTERM, and lose nothing. Method: real commands, and a real Redis.
 */
import { expect, test } from "vitest";
import { RedisClient } from "../../src/client/index.js";
import { createJob, encodeJob, extractTask, parseResult } from "../../src/message/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { type RedisServer, startRedis } from "../helpers/redis-server.js";
import { slowPdf } from "../helpers/slow-pdf.js";
import type { Cleanup } from "../helpers/start-broker.js";
import { runCli, startCli } from "../helpers/start-cli.js";

const QUEUE = "ingest_task_queue";
const AS_JOB = { forNvIngest: true } as const;

function clientOf(t: Cleanup, { host, port }: RedisServer): RedisClient {
  const client = new RedisClient({ clientType: "redis", host, port });
  t.onTestFinished(() => client.close());
  return client;
}

function textJob(name: string): string {
  return encodeJob(createJob({ documents: [{ name, content: "the mill turns" }] }));
}

async function startWorker(t: Cleanup, server: RedisServer, ...more: readonly string[]) {
  const worker = startCli(t, ["pipeline", "--broker", server.url, ...more]);
  await worker.line(/^ready redis:/m);
  return worker;
}

describeRedis("over Redis", () => {
  test("a worker says what Redis keeps, works, and leaves when it is told to", async (t) => {
    const server = await startRedis({ test: t, appendonly: true, appendfsync: "always" });
    const worker = await startWorker(t, server, "--log-format", "json");
    const client = clientOf(t, server);
    const { transactionId } = await client.submitMessage(QUEUE, textJob("a.txt"), AS_JOB);
    const result = parseResult((await client.fetchMessage(transactionId)) ?? "");
    expect(result.status).toBe("success");
    const listed = await runCli(t, ["workers", "--broker", server.url, "--json"]);
    expect(JSON.parse(listed.stdout)).toMatchObject({
      workers: [{ pid: worker.child.pid, leaseMs: 300_000, holds: [] }],
    });
    worker.child.kill("SIGTERM");
    const { code, stdout, stderr } = await worker.ended;
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toMatch(/^stopped: 1 job done, 0 failed or given back/m);
    expect(stderr).toMatch(/keeps every write \(appendfsync always\)/);
    const empty = await runCli(t, ["workers", "--broker", server.url]);
    expect(empty.stdout).toBe(`nobody works at ${QUEUE}\n`);
  });

  test("a rolling restart loses nothing: what is not done in time goes back", async (t) => {
    const server = await startRedis({ test: t });
    const client = clientOf(t, server);
    const first = await startWorker(t, server, "--drain-timeout-ms", "1", "--lease-ms", "1500");
    const slow = createJob({
      documents: [{ name: "slow.pdf", content: slowPdf(4_000), type: "pdf" }],
      tasks: [extractTask({ documentType: "pdf" })],
    });
    const jobIds = [(await client.submitMessage(QUEUE, encodeJob(slow), AS_JOB)).transactionId];
    for (let count = 0; count < 8; count++) {
      jobIds.push(
        (await client.submitMessage(QUEUE, textJob(`${count}.txt`), AS_JOB)).transactionId,
      );
    }
    await expect
      .poll(async () => (await client.workers(QUEUE))[0]?.holds.length ?? 0, {
        timeout: 20_000,
      })
      .toBeGreaterThan(0);
    const second = await startWorker(t, server);
    first.child.kill("SIGTERM");
    expect((await first.ended).code).toBe(0);
    for (const jobId of jobIds) {
      const text = await client.fetchMessage(jobId, { timeoutMs: 25_000 });
      expect(parseResult(text ?? "").fragment_count).toBe(1);
    }
    expect((await client.deadLetters.list()).letters.map(({ cause }) => cause)).not.toContain(
      "deliveries",
    );
    second.child.kill("SIGTERM");
    expect((await second.ended).code).toBe(0);
  });

  test("jobs are cancelled, and dead letters are listed and replayed", async (t) => {
    const server = await startRedis({ test: t });
    const client = clientOf(t, server);
    const waiting = await client.submitMessage(QUEUE, textJob("a.txt"), AS_JOB);
    const at = ["--broker", server.url];
    const cancelled = await runCli(t, ["cancel", waiting.transactionId, ...at]);
    expect(cancelled.stdout).toMatch(/is cancelled/);
    const broken = await client.submitMessage(QUEUE, '{"job_payload": 7}', AS_JOB);
    const worker = await startWorker(t, server);
    const result = parseResult((await client.fetchMessage(broken.transactionId)) ?? "");
    expect(result.status).toBe("failed");
    const dead = await runCli(t, ["dead", "list", ...at]);
    expect(dead.stdout).toMatch(broken.transactionId.slice(0, 8));
    const replayed = await runCli(t, ["dead", "replay", broken.transactionId, ...at]);
    expect(replayed.code).toBe(0);
    const again = parseResult((await client.fetchMessage(broken.transactionId)) ?? "");
    expect(again.status).toBe("failed");
    worker.child.kill("SIGTERM");
    await worker.ended;
  });

  test("a password is not shown, wherever it stands", async (t) => {
    const server = await startRedis({ test: t, password: "telltale" });
    const worker = startCli(t, ["pipeline", "--broker", server.url]);
    await worker.line(/^ready redis:/m);
    worker.child.kill("SIGTERM");
    const { stdout, stderr } = await worker.ended;
    const args = ["pipeline", "--broker", server.url, "--redis-password", "telltale"];
    const printed = await runCli(t, [...args, "--print-config"]);
    const wrong = server.url.replace("telltale", "telltales");
    const refused = await runCli(t, ["workers", "--broker", wrong]);
    expect(refused.stderr).toMatch(/refuses the login/);
    const said = [stdout, stderr, printed.stdout, refused.stderr].join("");
    expect(said).not.toMatch(/telltale/);
  });
});
