/** `millrace serve` */
import { z } from "zod";
import { processId } from "../../core/index.js";
import {
  type DefinedPipeline,
  formatBrokerUrl,
  LocalServer,
  LocalServerOptions,
  parseBrokerUrl,
} from "../../runtime/index.js";
import { commonOptions, defineCommand } from "../command.js";
import { CONFIG_OPTION, type FileOption, sameOption, tellWarnings } from "../config-file.js";
import { durabilityNote, leftText, metricsFacts, metricsNote, runService } from "../service.js";
import { METRICS_GROUP, TRACES_GROUP } from "../telemetry-groups.js";
import { BROKER_GROUPS, DURABLE, warnIfRemote } from "./broker.js";
import { jobStatus, PIPELINE_GROUPS } from "./pipeline.js";

/** The broker of a file is the one that is run, so its address is the one to listen at. */
function fileOption(path: readonly string[], definition: DefinedPipeline): FileOption | undefined {
  const [group, ...rest] = path;
  if (group === "pipeline") return sameOption(rest, definition);
  if (group !== "broker") return sameOption(path, definition);
  const { broker } = definition;
  const client = broker === undefined ? undefined : parseBrokerUrl(broker);
  if (client?.clientType !== "simple") return undefined;
  const value = { host: client.host, port: client.port }[rest.join()];
  return value === undefined ? undefined : { path: ["broker"], value };
}

export const serve = defineCommand({
  about:
    "Runs a broker and a pipeline in one process, with the local stages or those of a pipeline " +
    "file: clients of nv-ingest's simple broker submit jobs and fetch results. What it has said to " +
    "be stored outlives it. Stop it with Ctrl-C.",
  options: z.strictObject({
    ...CONFIG_OPTION,
    ...LocalServerOptions.shape,
    broker: LocalServerOptions.shape.broker.unwrap().extend(DURABLE).prefault({}),
    ...commonOptions("info"),
  }),
  groups: { ...BROKER_GROUPS, ...PIPELINE_GROUPS, ...METRICS_GROUP, ...TRACES_GROUP },
  examples: [
    ["millrace serve", "listen at 127.0.0.1, port 7671"],
    ["millrace serve --port 8000 --max-threads 4", "another port, four threads"],
    ["millrace serve --config pipeline.yaml", "stages of your own"],
    ["millrace ingest a.pdf --broker simple://127.0.0.1:7671", "send it a document"],
  ],
  fileOptions: fileOption,
  async run(
    { json, logLevel: _, logFormat: __, config: ___, ...options },
    { logger, output, stop, showsStatus, pipeline },
  ) {
    tellWarnings(pipeline, logger);
    const server = new LocalServer(options, { logger, pipeline });
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
        const { pipeline: stats, taskQueue } = server.getStats();
        return {
          ...jobStatus(stats),
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
