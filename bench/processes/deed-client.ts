/**
 * A client whose jobs tell the stage what to do, some of them to go wrong. It submits each when its
 * time comes, however the others fare, and judges the results.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createJob, encodeJob, failureCause, parseResult, SimpleClient } from "millrace";
import { TASK_QUEUE } from "../messages.js";
import { serveCalls } from "../worker.js";

/** What the stage does, by the names in `deeds.mjs`. */
export type Deed = "work" | "throw" | "hang" | "exit";

export interface Arrival {
  readonly deed: Deed;
  /** Since the start of the run. */
  readonly atMs: number;
}

export interface Judged {
  /** From when it was to be submitted to its result. */
  readonly latencyMs: number;
  readonly hasResult: boolean;
  /** A good job has its row, any other the failure that it asked for. */
  readonly isRight: boolean;
}

export interface DeedResult {
  readonly jobs: readonly Judged[];
  readonly perSecond: number;
}

interface DeedRun {
  readonly port: number;
  readonly arrivals: readonly Arrival[];
}

const RESULT_MS = 120_000;
const CAUSES = {
  throw: /on purpose$/,
  hang: /did not end within/,
  exit: /exited with code 1/,
} as const;

function isRight(deed: Deed, text: string): boolean {
  const result = parseResult(text);
  if (deed === "work") return result.data?.[0]?.metadata.content === "worked";
  return result.status === "failed" && CAUSES[deed].test(failureCause(result) ?? "");
}

async function runJob(client: SimpleClient, { deed, atMs }: Arrival, startedAtMs: number) {
  const dueMs = startedAtMs + atMs;
  await sleep(Math.max(0, dueMs - performance.now()));
  const job = encodeJob(createJob({ documents: [{ name: "bench.txt", content: deed }] }));
  const { transactionId } = await client.submitMessage(TASK_QUEUE, job, { forNvIngest: true });
  const text = await client.fetchMessage(transactionId, { timeoutMs: RESULT_MS });
  const latencyMs = performance.now() - dueMs;
  const hasResult = text !== undefined;
  return { latencyMs, hasResult, isRight: hasResult && isRight(deed, text) };
}

serveCalls({
  async run({ port, arrivals }: DeedRun): Promise<DeedResult> {
    const maxConnections = arrivals.length + 1;
    const client = new SimpleClient({ host: "127.0.0.1", port, maxConnections });
    const startedAtMs = performance.now();
    const jobs = await Promise.all(arrivals.map((each) => runJob(client, each, startedAtMs)));
    const perSecond = jobs.length / ((performance.now() - startedAtMs) / 1_000);
    await client.close();
    return { jobs, perSecond };
  },
});
