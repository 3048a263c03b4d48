/** `millrace broker` */
import { z } from "zod";
import { type Logger, processId } from "../../core/index.js";
import {
  formatBrokerUrl,
  SimpleMessageBroker,
  SimpleMessageBrokerOptions,
} from "../../runtime/index.js";
import { commonOptions, defineCommand } from "../command.js";
import { durabilityNote, leftText, runService } from "../service.js";

/** What a broker may take to stop besides letting transactions end. */
const CLOSE_MS = 500;

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
    ...commonOptions("info"),
  }),
  groups: BROKER_GROUPS,
  examples: [
    ["millrace broker", "port 7671; messages in ./.millrace"],
    ["millrace broker --durability memory", "faster, and forgotten with the process"],
    ["millrace broker --port 0 --json", "any free port, told as JSON"],
    ["millrace pipeline", "in another terminal: work for it"],
  ],
  async run({ json, logLevel: _, logFormat: __, ...options }, { logger, output, stop }) {
    const server = new SimpleMessageBroker(options, { logger });
    const { durability, dataDir } = options;
    warnIfRemote(options, logger);
    const service = {
      start: () => server.start(),
      ready() {
        const url = formatBrokerUrl(server);
        const note = durabilityNote(durability, dataDir);
        const text = `listening ${url} (pid ${processId}, ${note})`;
        return { text, facts: { event: "listening", url, pid: processId, durability } };
      },
      ended: () => server.ended,
      stop: () => server.stop(),
      stopped() {
        const { dropped, kept } = server.getStats();
        const text = leftText({ dropped, kept, dataDir });
        return { text, facts: { event: "stopped", dropped, kept } };
      },
      stopTimeoutMs: options.drainTimeoutMs + CLOSE_MS,
    };
    return runService(service, { json, output, stop });
  },
});
