/** `millrace quickstart` */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { SimpleClient } from "../../client/index.js";
import { messageOf } from "../../core/index.js";
import {
  formatBrokerUrl,
  LocalPipeline,
  openResultWriter,
  startSimpleMessageBroker,
} from "../../runtime/index.js";
import { commonOptions, defineCommand } from "../command.js";
import { CliErrors } from "../errors.js";
import { runIngest, summary } from "../ingest-run.js";
import { printable } from "../printable.js";

/** Beside `dist`, in the package. */
const SAMPLES = fileURLToPath(new URL("../../../samples/", import.meta.url));
/** Tells about the samples, and is none. */
const NOT_A_SAMPLE = "README.md";
const STOP_MS = 2_000;

export const quickstart = defineCommand({
  about:
    "Shows the whole chain at work: starts a broker in a process of its own and a pipeline in " +
    "this one, sends the documents that come with Millrace through both, and writes one " +
    "result per document. Needs no network and leaves nothing running.",
  options: z.strictObject({
    out: z.string().min(1).default("out").describe("Directory of the results."),
    ...commonOptions("warn"),
  }),
  groups: { "Results:": ["out"] },
  examples: [
    ["millrace quickstart", "results in out/"],
    ["millrace quickstart --out /tmp/first", "results elsewhere"],
  ],
  async run({ json, out }, { logger, output, stop }) {
    const paths = await samplePaths();
    const writer = await openResultWriter(out, "json");
    const broker = await startSimpleMessageBroker({ port: 0 });
    const brokerClient = { clientType: "simple", host: broker.host, port: broker.port } as const;
    const pipeline = new LocalPipeline({ brokerClient }, { logger });
    const client = new SimpleClient(brokerClient);
    try {
      await pipeline.start();
      if (!json) output.note(`broker at ${formatBrokerUrl(broker)} in process ${broker.pid}`);
      const work = { client, paths, options: {}, writer };
      const report = await runIngest(work, { json, output, stop });
      const { exitCode, ...counts } = report;
      if (json) output.json({ event: "done", ...counts, out });
      else output.line(`${summary(report)}; results are in ${printable(out)}. ${NEXT}`);
      return exitCode;
    } finally {
      stop.limit(4 * STOP_MS);
      await client.close();
      await pipeline.stop({ timeoutMs: STOP_MS });
      await broker.stop();
    }
  },
});

const NEXT = "Next: npx millrace ingest YOUR-FILES";

async function samplePaths(): Promise<string[]> {
  try {
    const entries = await readdir(SAMPLES, { withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && entry.name !== NOT_A_SAMPLE);
    return files.map(({ name }) => join(SAMPLES, name)).sort();
  } catch (error) {
    throw CliErrors.SAMPLES_MISSING({ path: SAMPLES, reason: messageOf(error) }, error);
  }
}
