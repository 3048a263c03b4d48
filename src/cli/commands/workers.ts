/** `millrace workers` */
import Table from "cli-table3";
import { z } from "zod";
import { RedisClient, type WorkerFacts } from "../../client/index.js";
import { LocalPipelineSettings } from "../../runtime/index.js";
import { askBroker, BROKER_OPTIONS, REDIS_GROUP } from "../broker-call.js";
import { commonOptions, defineCommand } from "../command.js";
import { CliErrors } from "../errors.js";
import { ExitCode } from "../exit-codes.js";
import { printable, shortened } from "../printable.js";

/** Jobs of one worker that the table shows. */
const JOBS_MAX = 3;
const HOST_LENGTH_MAX = 24;

export const workers = defineCommand({
  about:
    "Lists who works at a queue on Redis, since when, and what each has in work, as it was heard of " +
    "last. A worker that is not heard of until its lease ends is dead, and its jobs go to others.",
  options: z.strictObject({
    taskQueue: LocalPipelineSettings.shape.taskQueue,
    ...BROKER_OPTIONS,
    broker: BROKER_OPTIONS.broker.default("redis://127.0.0.1:6379"),
    ...commonOptions("warn"),
  }),
  groups: { "Which, and where:": ["taskQueue", "broker"], ...REDIS_GROUP },
  examples: [
    ["millrace workers", "those of the Redis on this machine"],
    ["millrace workers --broker redis://10.0.0.5 --queue scans", "of another queue elsewhere"],
  ],
  async run({ json, broker, redis, taskQueue }, { output, stop }) {
    const { signal } = stop;
    const found = await askBroker({ broker, redis }, signal, async (client) => {
      if (client instanceof RedisClient) return client.workers(taskQueue, { signal });
      throw CliErrors.OPERANDS_WRONG({
        reason: "only Redis knows the workers of a queue: millrace workers --broker redis://host",
      });
    });
    if (json) output.json({ workers: found });
    else if (found.length === 0) output.line(`nobody works at ${printable(taskQueue)}`);
    else output.line(tableOf(found));
    return ExitCode.DONE;
  },
});

function tableOf(found: readonly WorkerFacts[]): string {
  const table = new Table({
    head: ["worker", "host", "pid", "since", "heard of", "in work"],
    style: { head: [], border: [], compact: true },
  });
  for (const { id, host, pid, startedAt, leaseMs, leaseLeftMs, holds } of found) {
    const heard = leaseLeftMs < 0 ? "dead" : `${seconds(Math.max(0, leaseMs - leaseLeftMs))} ago`;
    const jobs = holds
      .slice(0, JOBS_MAX)
      .map(({ jobId, forMs }) => `${(jobId ?? "?").slice(0, 8)} (${seconds(forMs)})`);
    const more = holds.length > JOBS_MAX ? ` and ${holds.length - JOBS_MAX} more` : "";
    const held = holds.length === 0 ? "nothing" : printable(`${jobs.join(", ")}${more}`);
    const where = shortened(printable(host), HOST_LENGTH_MAX);
    table.push([id.slice(0, 8), where, pid, printable(startedAt), heard, held]);
  }
  return table.toString();
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
