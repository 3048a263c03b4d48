/** `millrace broker` */
import { z } from "zod";
import { type Logger, processId } from "../../core/index.js";
import {
  formatBrokerUrl,
  LocalPipelineSettings,
  queueNames,
  SimpleMessageBroker,
  SimpleMessageBrokerOptions,
  Telemetry,
  TelemetryOptions,
} from "../../runtime/index.js";
import { commonOptions, defineCommand } from "../command.js";
import { durabilityNote, leftText, metricsFacts, metricsNote, runService } from "../service.js";
import { METRICS_GROUP } from "../telemetry-groups.js";

/** What a broker may take to stop besides letting transactions end. */
const CLOSE_MS = 500;
/** Where clients put their jobs unless they are told otherwise. */
const TASK_QUEUE = LocalPipelineSettings.shape.taskQueue.parse(undefined);

export const BROKER_GROUPS = {
  "Where to listen:": ["host", "port", "allowRemote"],
  "What is kept, and where:": [
    "durability",
    "dataDir",
    "maxStoredBytes",
    "minFreeBytes",
    "maxCachedBytes",
    "segmentBytes",
  ],
  "Jobs and results:": [
    "maxDeliveries",
    "jobTimeoutMs",
    "queues",
    "resultLeaseMs",
    "resultRetentionMs",
    "maxRetainedBytes",
    "unfetchedRetentionMs",
    "maxDeadLetters",
    "maxDeadLetterBytes",
  ],
  "Limits:": [
    "maxQueueSize",
    "maxQueueBytes",
    "maxHeldBytes",
    "maxFrameBytes",
    "maxConnections",
    "maxWaitersPerQueue",
    "maxQueueNameBytes",
  ],
  "Times, in milliseconds:": [
    "headerTimeoutMs",
    "frameTimeoutMs",
    "idleTimeoutMs",
    "maxAckWaitMs",
    "maxHoldMs",
    "drainTimeoutMs",
    "stopTimeoutMs",
  ],
};

const { durability } = SimpleMessageBrokerOptions.shape;

/** A broker that is started by hand keeps what it is given. */
export const DURABLE = {
  durability: durability
    .unwrap()
    .default("fsync")
    .describe(durability.description as string),
};

/** Whoever allows it should read once what it means. */
export function warnIfRemote(
  { host, allowRemote }: { readonly host: string; readonly allowRemote: boolean },
  logger: Logger,
): void {
  if (!allowRemote) return;
  const meaning = "whoever reaches the port reads and writes every queue";
  logger.warn({ host }, `--allow-remote: no password, no encryption; ${meaning}`);
}

export const broker = defineCommand({
  about:
    "Runs a message broker: named queues over TCP, in the protocol of nv-ingest's simple " +
    "broker. What it has said to be stored outlives it. Stop it with Ctrl-C.",
  options: z.strictObject({
    ...SimpleMessageBrokerOptions.shape,
    ...DURABLE,
    metrics: TelemetryOptions.shape.metrics.unwrap().omit({ livenessMs: true }).prefault({}),
    ...commonOptions("info"),
  }),
  groups: { ...BROKER_GROUPS, ...METRICS_GROUP },
  examples: [
    ["millrace broker", "port 7671; messages in ./.millrace"],
    ["millrace broker --durability memory", "faster, and forgotten with the process"],
    ["millrace broker --port 0 --json", "any free port, told as JSON"],
    ["millrace pipeline", "in another terminal: work for it"],
  ],
  async run(
    { json, logLevel: _, logFormat: __, metrics, ...options },
    { logger, output, stop, showsStatus },
  ) {
    const server = new SimpleMessageBroker(options, { logger });
    const { durability, dataDir } = options;
    warnIfRemote(options, logger);
    const names = queueNames(TASK_QUEUE, options);
    const watched = { broker: server, queueNames: names };
    const telemetry = new Telemetry(TelemetryOptions.parse({ metrics }), watched, { logger });
    const service = {
      async start() {
        await telemetry.start();
        await server.start();
      },
      ready() {
        const url = formatBrokerUrl(server);
        const note = durabilityNote(durability, dataDir);
        const { metricsUrl } = telemetry;
        const text = `listening ${url} (pid ${processId}, ${note})${metricsNote(metricsUrl)}`;
        const facts = { event: "listening", url, pid: processId, durability };
        return { text, facts: { ...facts, ...metricsFacts(metricsUrl) } };
      },
      ended: () => server.ended,
      async stop() {
        await server.stop();
        await telemetry.stop();
      },
      stopped() {
        const { dropped, kept } = server.getStats();
        const text = leftText({ dropped, kept, dataDir });
        return { text, facts: { event: "stopped", dropped, kept } };
      },
      stopTimeoutMs: options.drainTimeoutMs + CLOSE_MS,
    };
    return runService(service, { json, output, stop, showsStatus });
  },
});
