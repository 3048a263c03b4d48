/**
 * The sink that puts each job's result into the queue named by its job, where the client that
 * submitted the job fetches it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { BrokerClientOption, type MessageBrokerClient, useClient } from "../client/index.js";
import {
  backoffMs,
  Component,
  isoNow,
  isRetryable,
  type Logger,
  MiB,
  messageOf,
  parseOptions,
  silentLogger,
} from "../core/index.js";
import {
  buildResult,
  encodeResult,
  failedResult,
  failureCause,
  type IngestControlMessage,
} from "../message/index.js";
import type { ProcessMessageOptions, Sink } from "../pipeline/index.js";
import { SinkErrors } from "./errors.js";

const SINK_NAME = "message_broker_task_sink";
const RETRY_BASE_MS = 100;
const RETRY_MAX_MS = 5_000;

export const MessageBrokerTaskSinkConfig = z.strictObject({
  brokerClient: BrokerClientOption,
  pollIntervalMs: z
    .number()
    .int()
    .min(1)
    .default(100)
    .describe("Taken for the sake of old configurations; a sink does not poll."),
  maxResultBytes: z
    .number()
    .int()
    .min(1_024)
    .max(384 * MiB)
    .default(256 * MiB)
    .describe("Longest result, in bytes of its JSON; a longer one becomes a failed result."),
  submitTimeoutMs: z
    .number()
    .int()
    .min(1)
    .max(2_147_483_647)
    .default(100_000)
    .describe("How long one attempt may take, waiting at a full queue included."),
  maxAttempts: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(3)
    .describe("Attempts to deliver a result before its job goes back to the queue."),
});
export type MessageBrokerTaskSinkConfig = z.input<typeof MessageBrokerTaskSinkConfig>;

export interface MessageBrokerTaskSinkStats {
  running: boolean;
  /** ISO 8601, or null before the first start. */
  startTime: string | null;
  /** Results delivered, failed ones included. */
  messageCount: number;
  /** Of those, results that say "failed". */
  failedCount: number;
  bytesSent: number;
  /** Results that could not be delivered; their jobs went back. */
  undeliverableCount: number;
}

export interface SinkDependencies {
  readonly logger?: Logger;
  /** Gets each message whose result could not be delivered, and why. */
  readonly onUndeliverable?: (message: IngestControlMessage, error: unknown) => void;
}

export class MessageBrokerTaskSink extends Component implements Sink {
  readonly #config: ReturnType<typeof MessageBrokerTaskSinkConfig.parse>;
  readonly #logger: Logger;
  readonly #onUndeliverable: NonNullable<SinkDependencies["onUndeliverable"]>;
  readonly #inHand = new Set<Promise<unknown>>();
  readonly #stats = {
    messageCount: 0,
    failedCount: 0,
    bytesSent: 0,
    undeliverableCount: 0,
    startTime: null as string | null,
  };
  #client: MessageBrokerClient | undefined;
  #closeClient = async () => {};

  /** Connects to nothing yet. @throws OPTIONS_INVALID */
  constructor(config: MessageBrokerTaskSinkConfig = {}, dependencies: SinkDependencies = {}) {
    super();
    this.#config = parseOptions(MessageBrokerTaskSinkConfig, config, "MessageBrokerTaskSink");
    this.#logger = dependencies.logger ?? silentLogger;
    this.#onUndeliverable = dependencies.onUndeliverable ?? (() => {});
  }

  /**
   * Builds the message's result and stores it in the queue of its job. Whether it is there now;
   * otherwise it was counted, logged and given to `onUndeliverable`. Starts the sink when needed.
   *
   * @throws only the signal's reason.
   */
  async processMessage(
    message: IngestControlMessage,
    options: ProcessMessageOptions = {},
  ): Promise<boolean> {
    const work = this.#process(message, options.signal);
    this.#inHand.add(work);
    try {
      return await work;
    } finally {
      this.#inHand.delete(work);
    }
  }

  getStats(): MessageBrokerTaskSinkStats {
    return { running: this.state === "running", ...this.#stats };
  }

  protected override async onStart(): Promise<void> {
    const { client, close } = useClient(this.#config.brokerClient);
    this.#client = client;
    this.#closeClient = close;
    this.#stats.startTime = isoNow();
  }

  protected override async onStop(): Promise<void> {
    await Promise.allSettled(this.#inHand);
    await this.#closeClient();
    this.#client = undefined;
  }

  async #process(message: IngestControlMessage, signal?: AbortSignal): Promise<boolean> {
    try {
      await this.start();
      const channel = message.getMetadata("response_channel", message.jobId);
      if (typeof channel !== "string") throw SinkErrors.CHANNEL_MISSING({});
      const { text, isFailed } = this.#encode(message);
      await this.#submit(channel, text, signal);
      this.#stats.messageCount++;
      if (isFailed) this.#stats.failedCount++;
      this.#stats.bytesSent += Buffer.byteLength(text);
      message.annotate({ sourceId: SINK_NAME, message: "Pushed" });
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      this.#stats.undeliverableCount++;
      const { jobId } = message;
      this.#logger.error({ jobId, error: messageOf(error) }, "a result could not be delivered");
      this.#tellUndeliverable(message, error);
      return false;
    }
  }

  /**
   * The result as text; one that cannot be written or is too long becomes a failed one, and so does
   * the message, so that who counts sees what the client gets.
   */
  #encode(message: IngestControlMessage): { text: string; isFailed: boolean } {
    const { maxResultBytes } = this.#config;
    try {
      const result = buildResult(message);
      const text = encodeResult(result);
      const bytes = Buffer.byteLength(text);
      if (bytes > maxResultBytes) {
        const rowCount = result.data?.length ?? 0;
        throw SinkErrors.RESULT_TOO_LARGE({ bytes, maxResultBytes, rowCount });
      }
      const isFailed = result.status === "failed";
      if (isFailed && !message.failed) {
        message.fail({ stage: SINK_NAME, cause: failureCause(result) });
      }
      return { text, isFailed };
    } catch (cause) {
      const text = encodeResult(failedResult({ cause, message }));
      message.fail({ stage: SINK_NAME, cause });
      return { text, isFailed: true };
    }
  }

  async #submit(channel: string, text: string, signal?: AbortSignal): Promise<void> {
    const { maxAttempts, submitTimeoutMs: timeoutMs } = this.#config;
    for (let attempt = 1; ; attempt++) {
      try {
        await (this.#client as MessageBrokerClient).submitMessage(channel, text, {
          timeoutMs,
          signal,
        });
        return;
      } catch (error) {
        signal?.throwIfAborted();
        if (!isRetryable(error) || attempt >= maxAttempts) throw error;
        const pauseMs = backoffMs(attempt, RETRY_BASE_MS, RETRY_MAX_MS);
        await sleep(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
        signal?.throwIfAborted();
      }
    }
  }

  #tellUndeliverable(message: IngestControlMessage, error: unknown): void {
    try {
      this.#onUndeliverable(message, error);
    } catch (failure) {
      this.#logger.error({ error: messageOf(failure) }, "onUndeliverable failed");
    }
  }
}
