/** A pipeline of a file, at work beside a broker in this process, for one test. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MemoryClient } from "../../src/client/index.js";
import { parseResult, type ResultDocument } from "../../src/message/index.js";
import {
  LocalPipeline,
  type LocalPipelineDependencies,
  type NamedPipeline,
  pipelineSettings,
  SimpleMessageBroker,
} from "../../src/runtime/index.js";
import { textJob } from "./pipeline-bench.js";
import type { Cleanup } from "./start-broker.js";
import { temporaryFolder } from "./temporary-folder.js";

/** A folder with these files in it. */
export async function folderOf(t: Cleanup, files: Readonly<Record<string, string>>) {
  const folder = await temporaryFolder(t);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

export interface WorkingPipeline {
  readonly local: LocalPipeline;
  /** The result of a job with one text document, or of the job that is given. */
  resultOf(text: string, job?: string): Promise<ResultDocument>;
}

/** @param dependencies further ones of the pipeline */
export async function startDefined(
  t: Cleanup,
  pipeline: NamedPipeline,
  dependencies: LocalPipelineDependencies = {},
): Promise<WorkingPipeline> {
  const broker = new SimpleMessageBroker({ port: 0 });
  const brokerClient = { clientType: "memory", broker } as const;
  const settings = pipelineSettings(pipeline.definition);
  const local = new LocalPipeline({ brokerClient, ...settings }, { ...dependencies, pipeline });
  const client = new MemoryClient(brokerClient);
  t.onTestFinished(async () => {
    await local.stop({ drain: false });
    await client.close();
    await broker.stop({ drainTimeoutMs: 1 });
  });
  await local.start();
  const { taskQueue = "" } = settings;
  const resultOf = async (text: string, job = textJob(text)) => {
    const { transactionId } = await client.submitMessage(taskQueue, job, { forNvIngest: true });
    return parseResult((await client.fetchMessage(transactionId, { timeoutMs: 25_000 })) ?? "");
  };
  return { local, resultOf };
}
