/**
 * How long `millrace serve` takes to leave when 1,000 connections idle and PDFs are in work, and
 * what became of the jobs: answered, or counted as dropped.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { createJob, encodeJob, extractTask, parseResult, SimpleClient } from "millrace";
import type { Bench, Measurement } from "../harness.js";
import { TASK_QUEUE } from "../messages.js";
import { pathOf } from "../remote.js";

export const SIGTERM = "sigterm";
export const SIGTERM_EXIT = "SIGTERM to exit";
const IDLE_COUNT = 1_000;
const JOB_COUNT = 64;
/** The signal comes when so many results are there: more jobs are in work, and more are queued. */
const RESULTS_BEFORE = 4;
const EXIT_MS = 20_000;

interface Facts {
  readonly event: string;
  readonly url?: string;
  readonly dropped?: number;
}

/** `millrace serve` on a free port, and what it says, line by line. */
async function startServe({ processes }: Bench) {
  const args = [pathOf("../dist/cli/main.js"), "serve", "--port", "0", "--json"];
  const memory = ["--durability", "memory"];
  const child = spawn(process.execPath, [...args, ...memory, "--log-level", "silent"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  processes.adopt(child);
  const said: Facts[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => said.push(JSON.parse(line) as Facts));
  await once(lines, "line", { signal: AbortSignal.timeout(EXIT_MS) });
  const port = Number(new URL(said[0]?.url ?? "").port);
  return { child, said, port };
}

/** Submits PDFs and waits for their results; `begun` settles when the first of them are there. */
async function submitJobs(client: SimpleClient) {
  const content = readFileSync(pathOf("../samples/millrace-handbook.pdf"));
  const tasks = [extractTask({ documentType: "pdf" })];
  const job = encodeJob(createJob({ documents: [{ name: "handbook.pdf", content }], tasks }));
  const statuses: string[] = [];
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const submitted = await Promise.all(
    Array.from({ length: JOB_COUNT }, () =>
      client.submitMessage(TASK_QUEUE, job, { forNvIngest: true }),
    ),
  );
  const fetching = submitted.map(async ({ transactionId }) => {
    const result = await client.fetchMessage(transactionId).catch(() => undefined);
    if (result !== undefined) statuses.push(parseResult(result).status);
    if (statuses.length === RESULTS_BEFORE) begin();
  });
  return { begun, ended: Promise.all(fetching), statuses };
}

async function measureOnce(bench: Bench): Promise<void> {
  const { processes, figures } = bench;
  const { child, said, port } = await startServe(bench);
  const idle = await processes.node("processes/idle-connections.ts");
  await idle.call("open", { port, count: IDLE_COUNT });
  const client = new SimpleClient({ host: "127.0.0.1", port, maxRetries: 0 });
  const { begun, ended, statuses } = await submitJobs(client);
  await begun;
  const exited = once(child, "exit", { signal: AbortSignal.timeout(EXIT_MS) });
  const startedAtMs = performance.now();
  child.kill("SIGTERM");
  const [code] = await exited;
  figures.add(SIGTERM, SIGTERM_EXIT, { unit: "ms", value: performance.now() - startedAtMs });
  await ended;
  await client.close();
  const dropped = said.find(({ event }) => event === "stopped")?.dropped;
  const failed = statuses.filter((status) => status === "failed").length;
  figures.notes.push(
    `sigterm: exit code ${code}; of ${JOB_COUNT} jobs ${statuses.length - failed} were done, ` +
      `${failed} answered as failed, ${dropped ?? "an untold number"} told as dropped`,
  );
  await processes.endAll();
}

export const sigterm: Measurement = {
  name: SIGTERM,
  about: "SIGTERM with 1,000 idle connections and jobs in work",
  limitMs: 180_000,
  async run(bench) {
    for (let round = 1; round <= bench.rounds; round++) {
      bench.say(`sigterm, round ${round} of ${bench.rounds}`);
      await measureOnce(bench);
    }
  },
};
