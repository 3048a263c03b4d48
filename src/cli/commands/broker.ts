/** `millrace broker` */
import { z } from "zod";
import { SimpleMessageBroker, SimpleMessageBrokerOptions } from "../../broker/index.js";
import { type Logger, processId } from "../../core/index.js";
import { formatBrokerUrl } from "../../runtime/index.js";
import { commonOptions, defineCommand } from "../command.js";
import { droppedText, MEMORY_NOTE, runService } from "../service.js";

/** What a broker may take to stop besides letting transactions end. */
const CLOSE_MS = 500;

export const BROKER_GROUPS = {
  "Where to listen:": ["host", "port", "allowRemote"],
  "Limits:": [
    "maxQueueSize",
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
    "broker. Stop it with Ctrl-C. Messages are held in memory.",
  options: z.strictObject({ ...SimpleMessageBrokerOptions.shape, ...commonOptions("info") }),
  groups: BROKER_GROUPS,
  examples: [
    ["millrace broker", "listen at 127.0.0.1, port 7671"],
    ["millrace broker --port 0 --json", "any free port, told as JSON"],
    ["millrace pipeline", "in another terminal: work for it"],
  ],
  async run({ json, logLevel: _, logFormat: __, ...options }, { logger, output, stop }) {
    const server = new SimpleMessageBroker(options, { logger });
    warnIfRemote(options, logger);
    const service = {
      start: () => server.start(),
      ready() {
        const url = formatBrokerUrl(server);
        const text = `listening ${url} (pid ${processId}, ${MEMORY_NOTE})`;
        return { text, facts: { event: "listening", url, pid: processId, durability: "memory" } };
      },
      stop: () => server.stop(),
      stopped() {
        const { dropped } = server.getStats();
        return { text: droppedText(dropped), facts: { event: "stopped", dropped } };
      },
      stopTimeoutMs: options.drainTimeoutMs + CLOSE_MS,
    };
    return runService(service, { json, output, stop });
  },
});
