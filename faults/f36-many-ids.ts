import { randomUUID } from "node:crypto";
import { popFrame } from "./harness/calls.js";
import type { Fault, Trial } from "./harness/fault.js";
import { Proc } from "./harness/processes.js";
import { RawLine } from "./harness/raw-line.js";
import { eachOf } from "./harness/waits.js";

const MiB = 1024 * 1024;
const DELTA_MAX = 5 * MiB;
/** More than the broker remembers of results that are gone. */
const WARM_UP = 12_000;
const LINES = 16;
const WORK_MS = 600_000;

export const f36: Fault = {
  name: "F36",
  title: "1,000,000 distinct job ids polled, and jobs accepted, answered and fetched",
  limitMs: 600_000,
  async run(trial) {
    const polls = trial.count(900_000, 20_000);
    const jobs = trial.count(200_000, 10_000);
    const tcpPolls = trial.count(100_000, 4_000);
    const settings = JSON.stringify({ polls, jobs, warmUp: WARM_UP });
    const script = Proc.script(trial, ["many-ids.mjs", settings], { nodeOptions: ["--expose-gc"] });
    const { port } = await script.event("listening", { ms: WORK_MS });
    await script.event("worked", { ms: WORK_MS });
    await pollOverTcp(trial, Number(port), tcpPolls);
    script.tell({ measure: true });
    const { before, after, queues } = await script.event("measured");
    const delta = Number(after) - Number(before);
    trial.check(delta < DELTA_MAX, `the heap grew by ${(delta / MiB).toFixed(1)} MiB`);
    // The results that are kept for another fetch have queues of their own; a quarter of a megabyte.
    trial.check(Number(queues) <= 256, `${queues} queues are left`);
    return (
      `${polls} ids polled in process, ${tcpPolls} over TCP, ${jobs} jobs: ` +
      `heap after collection ${(delta / MiB).toFixed(2)} MiB above ${(Number(before) / MiB).toFixed(1)} MiB`
    );
  },
};

async function pollOverTcp(trial: Trial, port: number, count: number): Promise<void> {
  const each = Math.ceil(count / LINES);
  await eachOf(LINES, LINES, async () => {
    const line = await RawLine.open(port);
    for (let number = 0; number < each; number++) {
      const { reason } = await line.ask(popFrame(randomUUID(), 0));
      if (reason !== "Job not ready") trial.problem(`a poll was answered "${reason}"`);
    }
    await line.end();
  });
}
