/** `millrace cancel` */
import { z } from "zod";
import { askBroker, BROKER_OPTIONS, REDIS_GROUP } from "../broker-call.js";
import { commonOptions, defineCommand } from "../command.js";
import { CliErrors } from "../errors.js";
import { ExitCode } from "../exit-codes.js";
import { printable } from "../printable.js";

/** What became of the job, for people. */
const TOLD = {
  cancelled: "is cancelled; its result says so",
  over: "is over already, and has its result",
  unknown: "is unknown to the broker",
} as const;

export const cancel = defineCommand({
  about:
    "Ends a job wherever it is: one that waits is taken out of its queue, work on it is stopped. " +
    "Its result says that it was cancelled. A job that is over stays as it is.",
  options: z.strictObject({ ...BROKER_OPTIONS, ...commonOptions("warn") }),
  operands: [["JOB", "the job's id, as its submitter was told it"]],
  groups: { "Where:": ["broker"], ...REDIS_GROUP },
  examples: [
    ["millrace cancel JOB", "a job of the broker on this machine"],
    ["millrace cancel JOB --broker simple://10.0.0.5:7671", "of one elsewhere"],
  ],
  async run({ json, broker, redis }, { operands, output, stop }) {
    const [jobId] = operands;
    if (jobId === undefined || jobId === "") {
      throw CliErrors.OPERANDS_WRONG({ reason: "name the job to cancel: millrace cancel JOB" });
    }
    const { signal } = stop;
    const outcome = await askBroker({ broker, redis }, signal, (client) =>
      client.cancel(jobId, { signal }),
    );
    if (json) output.json({ jobId, outcome });
    else output.line(`job ${printable(jobId)} ${TOLD[outcome]}`);
    return outcome === "unknown" ? ExitCode.NOT_FOUND : ExitCode.DONE;
  },
});
