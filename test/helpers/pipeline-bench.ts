/** A whole chain for one test: broker, client, source, pipeline and sink, over TCP or in process. */

import {
  type BrokerClientConfig,
  createClient,
  type MessageBrokerClient,
} from "../../src/client/index.js";
import { createJob, encodeJob, parseResult, type ResultDocument } from "../../src/message/index.js";
import { Pipeline, type PipelineParts } from "../../src/pipeline/index.js";
import { SimpleMessageBroker, type SimpleMessageBrokerOptions } from "../../src/runtime/index.js";
import {
  MessageBrokerTaskSink,
  type MessageBrokerTaskSinkConfig,
  type SinkDependencies,
} from "../../src/sinks/index.js";
import { MessageBrokerTaskSource, type SourceDependencies } from "../../src/sources/index.js";
import type { Cleanup } from "./start-broker.js";

export const TASK_QUEUE = "ingest_task_queue";

/** How client, source and sink reach the broker. */
export type Transport = "memory" | "tcp";
export const TRANSPORTS: readonly Transport[] = ["memory", "tcp"];

export interface BenchOptions extends Partial<Omit<PipelineParts, "source" | "sink">> {
  readonly brokerOptions?: SimpleMessageBrokerOptions;
  readonly sinkConfig?: MessageBrokerTaskSinkConfig;
  readonly sinkDependencies?: SinkDependencies;
  readonly sourceDependencies?: SourceDependencies;
  /** Another port to reach the broker by, such as a proxy's. */
  readonly through?: (port: number) => Promise<number>;
}

export interface PipelineBench {
  readonly broker: SimpleMessageBroker;
  readonly brokerClient: BrokerClientConfig;
  readonly client: MessageBrokerClient;
  readonly source: MessageBrokerTaskSource;
  readonly sink: MessageBrokerTaskSink;
  readonly pipeline: Pipeline;
  /** Submits a job with one text document; its id. */
  submit(text: string): Promise<string>;
  /** The result of a job, and that there is no second one. */
  onlyResult(jobId: string): Promise<ResultDocument>;
}

export async function startBench(
  t: Cleanup,
  transport: Transport,
  options: BenchOptions = {},
): Promise<PipelineBench> {
  const { brokerOptions, sinkConfig, sinkDependencies, sourceDependencies, through, ...parts } =
    options;
  const broker = new SimpleMessageBroker({ port: 0, ...brokerOptions });
  if (transport === "tcp") await broker.start();
  const direct: BrokerClientConfig =
    transport === "memory"
      ? { clientType: "memory", broker }
      : { clientType: "simple", host: "127.0.0.1", port: broker.port, maxRetries: 1 };
  const brokerClient =
    through === undefined ? direct : { ...direct, port: await through(broker.port) };
  const client = createClient(direct);
  const source = new MessageBrokerTaskSource(
    { brokerClient: brokerClient as BrokerClientConfig, pollIntervalMs: 5 },
    sourceDependencies,
  );
  const sink = new MessageBrokerTaskSink(
    { brokerClient: brokerClient as BrokerClientConfig, ...sinkConfig },
    sinkDependencies,
  );
  const pipeline = new Pipeline({ source, sink, ...parts });
  t.onTestFinished(async () => {
    await pipeline.stop({ drain: false });
    await client.close();
    await broker.stop({ drainTimeoutMs: 1 });
  });
  const submit = async (text: string) => {
    const { transactionId } = await client.submitMessage(TASK_QUEUE, textJob(text), {
      forNvIngest: true,
    });
    return transactionId;
  };
  const onlyResult = async (jobId: string) => {
    const text = await client.fetchMessage(jobId, { timeoutMs: 25_000 });
    if (text === undefined) throw new Error("no result came");
    if ((await client.size(jobId)) !== 0) throw new Error("there is a second result");
    return parseResult(text);
  };
  return { broker, brokerClient: direct, client, source, sink, pipeline, submit, onlyResult };
}

/** A job with one text document. */
export function textJob(text: string): string {
  return encodeJob(createJob({ documents: [{ name: "letter.txt", content: text }] }));
}

/** A promise and what resolves it: for tests that decide when something goes on. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
