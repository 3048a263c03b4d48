/** `millrace ingest` */
import { z } from "zod";
import { createClient, MemoryClient, type MessageBrokerClient } from "../../client/index.js";
import { type Logger, MiB, messageOf } from "../../core/index.js";
import {
  BuiltInSettings,
  IngestOptions,
  LocalPipeline,
  LocalPipelineSettings,
  openResultWriter,
  type PipelineFile,
  parseBrokerUrl,
  pipelineSettings,
  RESULT_FORMATS,
  SimpleMessageBroker,
} from "../../runtime/index.js";
import { StageSettings } from "../../stages/index.js";
import { BROKER_OPTIONS, REDIS_GROUP } from "../broker-call.js";
import { commonOptions, defineCommand } from "../command.js";
import { CONFIG_OPTION, sameOption, tellWarnings } from "../config-file.js";
import { CliErrors } from "../errors.js";
import { runIngest, summary } from "../ingest-run.js";
import { printable } from "../printable.js";
import { CHECKPOINT_OPTIONS, STAGE_GROUPS } from "../stage-groups.js";

const PING_MS = 10_000;
/** A small document can unfold to large rows, and its result is held too. */
const HELD_BYTES_MIN = 256 * MiB;
/** What is in work when the command is interrupted is lost anyway. */
const STOP_MS = 2_000;

const { workers, checkpoints, stageTimeoutMs, concurrency, taskQueue } =
  LocalPipelineSettings.shape;

const IngestCommandOptions = z.strictObject({
  out: z.string().min(1).default("out").describe("Directory of the results."),
  format: z
    .enum(RESULT_FORMATS)
    .default("json")
    .describe("The whole result, a row per line, or the text alone."),
  broker: z
    .string()
    .optional()
    .describe(
      "Send to a broker that runs already, simple://host:port or redis://host; else all is done here.",
    ),
  redis: BROKER_OPTIONS.redis,
  include: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Of the files in folders only these: patterns, parted by commas, against the name, with a / against the path.",
    ),
  exclude: z
    .string()
    .min(1)
    .optional()
    .describe("Files and whole folders in folders to pass over: patterns of the same kind."),
  hidden: z.boolean().default(false).describe("Also what is hidden in folders (.name)."),
  ...CONFIG_OPTION,
  ...IngestOptions.shape,
  concurrency: concurrency.describe("Documents in work at a time."),
  taskQueue,
  stageTimeoutMs,
  workers,
  ...StageSettings.shape,
  checkpoints,
  ...commonOptions("warn"),
});
type IngestCommandConfig = z.output<typeof IngestCommandOptions>;

export const ingest = defineCommand({
  about:
    "Extracts the text of documents: PDF, DOCX, PPTX, XLSX, CSV, HTML, EPUB, EML, Markdown and plain text. PATHS are " +
    "files, folders and patterns ('docs/**/*.pdf', in quotes). Each document gets a file of its " +
    "own under --out; with --format json a failed one does too, once a pipeline has judged it.",
  options: IngestCommandOptions,
  operands: [["PATHS...", "documents, folders that hold documents, patterns of paths"]],
  groups: {
    "What to take:": ["include", "exclude", "hidden"],
    "Results:": ["out", "format", "textDepth"],
    "Work:": [
      "broker",
      "taskQueue",
      "concurrency",
      "maxDocumentBytes",
      "maxBytesInWork",
      "resultTimeoutMs",
    ],
    "Pipeline (without --broker, as all that follows but Redis):": ["config", "stageTimeoutMs"],
    ...STAGE_GROUPS,
    "Checkpoints:": CHECKPOINT_OPTIONS,
    ...REDIS_GROUP,
  },
  examples: [
    ["millrace ingest report.pdf", "the result is out/report.pdf.json"],
    ["millrace ingest docs/ --format md --out text", "a folder as Markdown"],
    ["millrace ingest 'docs/**/*.pdf' --exclude drafts", "some of a folder"],
    ["millrace ingest docs/ --json | jq .rows", "a line of JSON per document"],
    ["millrace ingest docs/ --checkpoint-dir .mill", "again, only what has changed"],
    ["millrace ingest docs/ --config pipeline.yaml", "with stages of your own"],
    ["millrace ingest a.pdf --broker simple://10.0.0.5:7671", "let another machine work"],
  ],
  // A broker in the file is where its pipeline works; who wants to send there says so.
  fileOptions: (path, definition) =>
    path.join() === "broker" ? undefined : sameOption(path, definition),
  async run(config, { operands: paths, logger, output, stop, pipeline }) {
    if (paths.length === 0) throw CliErrors.PATHS_MISSING({});
    const { json, out, format, maxDocumentBytes, maxBytesInWork, resultTimeoutMs } = config;
    const { taskQueue, concurrency, textDepth } = config;
    tellWarnings(pipeline, logger);
    const limits = { maxDocumentBytes, maxBytesInWork, resultTimeoutMs };
    const { include, exclude, hidden } = config;
    const which = { include, exclude, hidden };
    const options = { taskQueue, concurrency, textDepth, ...limits };
    const chain = await openChain(config, { logger, pipeline, signal: stop.signal });
    try {
      const writer = await openResultWriter(out, format);
      const work = { client: chain.client, paths, which, options, writer };
      const report = await runIngest(work, { json, output, stop });
      const { exitCode, ...counts } = report;
      if (json) output.json({ event: "done", ...counts, out });
      else output.line(`${summary(report)}; results are in ${printable(out)}`);
      return exitCode;
    } finally {
      stop.limit(2 * STOP_MS);
      await chain.close();
    }
  },
});

interface Chain {
  readonly client: MessageBrokerClient;
  close(): Promise<void>;
}

interface ChainMeans {
  readonly logger: Logger;
  readonly pipeline: PipelineFile | undefined;
  readonly signal: AbortSignal;
}

/** A client of the broker that was named, or of a broker and a pipeline in this process. */
async function openChain(
  config: IngestCommandConfig,
  { logger, pipeline: file, signal }: ChainMeans,
): Promise<Chain> {
  if (config.broker !== undefined) {
    const client = createClient(parseBrokerUrl(config.broker, config.redis), { logger });
    try {
      await client.ping({ timeoutMs: PING_MS, signal });
    } catch (error) {
      await client.close();
      throw error;
    }
    return { client, close: () => client.close() };
  }
  const { taskQueue, concurrency, stageTimeoutMs, workers, checkpoints } = config;
  // Never started, the broker does not listen: it only holds the queues, with room for all that may
  // be in work, as base64 and in two copies. Nobody could replay a dead letter, so none takes room.
  const forDocuments = 4 * config.maxBytesInWork + 2 * config.maxDocumentBytes;
  const maxHeldBytes = Math.max(HELD_BYTES_MIN, forDocuments);
  const broker = new SimpleMessageBroker({ maxHeldBytes, maxDeadLetters: 0 });
  const brokerClient = { clientType: "memory", broker } as const;
  const ofFile = file === undefined ? {} : pipelineSettings(file.definition);
  const own = { taskQueue, concurrency, stageTimeoutMs, workers, checkpoints };
  const stages = BuiltInSettings.parse(config);
  const settings = { ...ofFile, ...own, ...stages };
  const pipeline = new LocalPipeline({ brokerClient, ...settings }, { logger, pipeline: file });
  await pipeline.start();
  const client = new MemoryClient(brokerClient);
  // Without its pipeline no document would ever be done.
  pipeline.ended?.catch((error: unknown) => {
    logger.error({ error: messageOf(error) }, "the pipeline cannot go on");
    return client.close();
  });
  const close = async () => {
    await client.close();
    await pipeline.stop({ drain: false, timeoutMs: STOP_MS });
  };
  return { client, close };
}
