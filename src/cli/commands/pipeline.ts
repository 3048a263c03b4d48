/** `millrace pipeline` */
import { z } from "zod";
import { createClient } from "../../client/index.js";
import { processId } from "../../core/index.js";
import {
  LocalPipeline,
  LocalPipelineSettings,
  type LocalPipelineStats,
  parseBrokerUrl,
  TelemetryOptions,
  withoutUrlPasswords,
} from "../../runtime/index.js";
import { askBroker, BROKER_OPTIONS, REDIS_GROUP } from "../broker-call.js";
import { commonOptions, defineCommand } from "../command.js";
import { CONFIG_OPTION, sameOption, tellWarnings } from "../config-file.js";
import { metricsFacts, metricsNote, runService } from "../service.js";
import { CHECKPOINT_OPTIONS, STAGE_GROUPS } from "../stage-groups.js";
import { METRICS_GROUP, TRACES_GROUP } from "../telemetry-groups.js";
import { tellServer } from "../tell-server.js";

/** How long the broker may take to say how many jobs wait, while somebody watches. */
const SIZE_MS = 2_000;
/** What a pipeline may take beyond the time for jobs in work. */
const CLOSE_MS = 2_000;

export const PIPELINE_GROUPS = {
  "Jobs:": [
    "config",
    "broker",
    "taskQueue",
    "concurrency",
    "ordered",
    "maxBytesInFlight",
    "memoryThreshold",
    "stageTimeoutMs",
    "leaseMs",
    "strictSchema",
    "maxResultBytes",
    "policy",
    "drainTimeoutMs",
  ],
  "Checkpoints:": CHECKPOINT_OPTIONS,
  ...STAGE_GROUPS,
};

const PipelineOptions = z.strictObject({
  ...CONFIG_OPTION,
  ...BROKER_OPTIONS,
  ...LocalPipelineSettings.shape,
  ...TelemetryOptions.shape,
  drainTimeoutMs: z
    .number()
    .int()
    .min(0)
    .max(2_147_483_647)
    .default(3_000)
    .describe("On stop, how long jobs in work may take to end; the rest goes back to the queue."),
  ...commonOptions("info"),
});

/** What of a pipeline stands on the status line. */
export function jobStatus(stats: LocalPipelineStats | undefined) {
  const { processedCount = 0, errorCount: failed = 0, lostCount = 0, inFlight = 0 } = stats ?? {};
  return { ended: processedCount + failed + lostCount, failed, inFlight };
}

export const pipeline = defineCommand({
  about:
    "Runs a pipeline with the local stages, or with those of a pipeline file: takes jobs from a " +
    "broker that runs already, extracts text, puts one result per job back. Any number of them may " +
    "work at one queue. Stop it with Ctrl-C.",
  options: PipelineOptions,
  groups: { ...PIPELINE_GROUPS, ...REDIS_GROUP, ...METRICS_GROUP, ...TRACES_GROUP },
  examples: [
    ["millrace pipeline", "work for the broker on this machine"],
    ["millrace pipeline --broker simple://10.0.0.5:7671", "for one elsewhere"],
    ["millrace pipeline --broker redis://10.0.0.5", "one of many machines, over Redis"],
    ["millrace pipeline --queue scans --concurrency 2", "for another queue"],
    ["millrace pipeline --config pipeline.yaml", "with stages of your own"],
  ],
  fileOptions: sameOption,
  async run(config, { logger, output, stop, showsStatus, pipeline }) {
    const { json, logLevel: _, logFormat: __, config: ___, ...options } = config;
    const { broker, redis, drainTimeoutMs, ...settings } = options;
    tellWarnings(pipeline, logger);
    const brokerClient = parseBrokerUrl(broker, redis);
    await askBroker({ broker, redis }, stop.signal, (client) => tellServer(client, logger));
    const shownUrl = withoutUrlPasswords(broker);
    const local = new LocalPipeline({ brokerClient, ...settings }, { logger, pipeline });
    const { taskQueue: queue, concurrency } = settings;
    // Connects only when somebody watches.
    const watcher = createClient(brokerClient);
    const service = {
      start: () => local.start(),
      ready() {
        const { metricsUrl } = local;
        const what = `(pid ${processId}, queue ${queue}, concurrency ${concurrency})`;
        const facts = { event: "ready", url: shownUrl, pid: processId, queue, concurrency };
        return {
          text: `ready ${shownUrl} ${what}${metricsNote(metricsUrl)}`,
          facts: { ...facts, ...metricsFacts(metricsUrl) },
        };
      },
      async status() {
        const queued = await watcher.size(queue, { timeoutMs: SIZE_MS }).catch(() => undefined);
        return { ...jobStatus(local.getStats()), queued };
      },
      ended: () => local.ended,
      stop: () => local.stop({ drain: drainTimeoutMs > 0, timeoutMs: Math.max(1, drainTimeoutMs) }),
      stopped() {
        const { processedCount = 0, errorCount = 0, lostCount: lost = 0 } = local.getStats() ?? {};
        const [done, failed] = [processedCount, errorCount];
        const jobs = `${done} job${done === 1 ? "" : "s"}`;
        const taken = lost === 0 ? "" : `, ${lost} cancelled or taken away`;
        const text = `stopped: ${jobs} done, ${failed} failed or given back${taken}`;
        return { text, facts: { event: "stopped", done, failed, lost } };
      },
      stopTimeoutMs: drainTimeoutMs + CLOSE_MS,
    };
    try {
      return await runService(service, { json, output, stop, showsStatus });
    } finally {
      await watcher.close();
    }
  },
});
