/** `millrace serve` */
import { z } from "zod";
import { processId } from "../../core/index.js";
import { formatBrokerUrl, LocalServer, LocalServerOptions } from "../../runtime/index.js";
import { commonOptions, defineCommand } from "../command.js";
import { durabilityNote, leftText, metricsFacts, metricsNote, runService } from "../service.js";
import { METRICS_GROUP, TRACES_GROUP } from "../telemetry-groups.js";
import { BROKER_GROUPS, DURABLE, warnIfRemote } from "./broker.js";
import { jobStatus, PIPELINE_GROUPS } from "./pipeline.js";

export const serve = defineCommand({
  about:
    "Runs a broker and a pipeline with the local stages in one process: clients of nv-ingest's " +
    "simple broker submit jobs and fetch results. What it has said to be stored outlives " +
    "it. Stop it with Ctrl-C.",
  options: z.strictObject({
    ...LocalServerOptions.shape,
    broker: LocalServerOptions.shape.broker.unwrap().extend(DURABLE).prefault({}),
    ...commonOptions("info"),
  }),
  groups: { ...BROKER_GROUPS, ...PIPELINE_GROUPS, ...METRICS_GROUP, ...TRACES_GROUP },
  examples: [
    ["millrace serve", "listen at 127.0.0.1, port 7671"],
    ["millrace serve --port 8000 --max-threads 4", "another port, four threads"],
    ["millrace ingest a.pdf --broker simple://127.0.0.1:7671", "send it a document"],
  ],
  async run(
    { json, logLevel: _, logFormat: __, ...options },
    { logger, output, stop, showsStatus },
  ) {
    const server = new LocalServer(options, { logger });
    const { durability, dataDir } = options.broker;
    warnIfRemote(options.broker, logger);
    const service = {
      start: () => server.start(),
      ready() {
        const url = formatBrokerUrl(server);
        const note = durabilityNote(durability, dataDir);
        const { metricsUrl } = server;
        const text = `listening ${url} (pid ${processId}, ${note})${metricsNote(metricsUrl)}`;
        const facts = { event: "listening", url, pid: processId, durability };
        return { text, facts: { ...facts, ...metricsFacts(metricsUrl) } };
      },
      status() {
        const { pipeline, taskQueue } = server.getStats();
        return {
          ...jobStatus(pipeline),
          queued: taskQueue.ready,
          oldestAgeMs: taskQueue.oldestAgeMs,
        };
      },
      ended: () => server.ended,
      stop: () => server.stop(),
      stopped() {
        const { answeredAtStop: answered, broker } = server.getStats();
        const { dropped, kept } = broker;
        const told = answered === 0 ? "" : `; ${answered} waiting jobs were answered as failed`;
        const facts = { event: "stopped", dropped, kept, answered };
        return { text: `${leftText({ dropped, kept, dataDir })}${told}`, facts };
      },
      stopTimeoutMs: options.stopTimeoutMs,
    };
    return runService(service, { json, output, stop, showsStatus });
  },
});
