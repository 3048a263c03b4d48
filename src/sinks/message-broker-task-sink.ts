/**
 * The sink that puts each job's result into the queue named by its job, where the client that
 * submitted the job fetches it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import {
  BrokerClientOption,
  ClientErrors,
  isLateResult,
  type MessageBrokerClient,
  useClient,
} from "../client/index.js";
import {
  backoffMs,
  Component,
  isoNow,
  isRetryable,
  type Logger,
  linkSignals,
  MiB,
  messageOf,
  parseOptions,
  settlesWithin,
  sharedAbortController,
  signalsOf,
  silentLogger,
  throwIfFired,
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
/** How long a stop waits for deliveries in hand before it cuts them off. */
const STOP_MS = 5_000;

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
  /** Results that could not be delivered. */
  undeliverableCount: number;
  /** Results that came too late: their job was answered or cancelled before, or given to another. */
  lateCount: number;
}

export interface SinkDependencies {
  readonly logger?: Logger;
  /** Gets each message whose result could not be delivered, and why. */
  readonly onUndeliverable?: (message: IngestControlMessage, error: unknown) => void;
}

interface EncodedResult {
  readonly text: string;
  /** Of the text as UTF-8. */
  readonly bytes: number;
  /** Why it is a failed one: the broker keeps its job as a dead letter with this. */
  readonly failed: string | undefined;
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
    lateCount: 0,
    startTime: null as string | null,
  };
  #client: MessageBrokerClient | undefined;
  #closeClient = async () => {};
  #stopping = sharedAbortController();

  /** Connects to nothing yet. @throws OPTIONS_INVALID */
  constructor(config: MessageBrokerTaskSinkConfig = {}, dependencies: SinkDependencies = {}) {
    super();
    this.#config = parseOptions(MessageBrokerTaskSinkConfig, config, "MessageBrokerTaskSink");
    this.#logger = dependencies.logger ?? silentLogger;
    this.#onUndeliverable = dependencies.onUndeliverable ?? (() => {});
  }

  /**
   * Builds the message's result and stores it in the queue of its job. A result that the broker
   * refuses for good is replaced by a failed one that says so. Starts the sink when needed.
   *
   * `true`: the job may be acknowledged. `false`: nothing could be delivered now, and the job must
   * go back. What was not delivered is counted, logged and given to `onUndeliverable`; that is also
   * so, with `true`, when no queue will ever take an answer to this job. A result that the broker
   * refuses as too late is only counted: another one answers the job, or did.
   *
   * @throws only the signal's reason.
   */
  async processMessage(
    message: IngestControlMessage,
    options: ProcessMessageOptions = {},
  ): Promise<boolean> {
    const work = this.#process(message, options);
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
    const { client, close } = useClient(this.#config.brokerClient, { logger: this.#logger });
    this.#client = client;
    this.#closeClient = close;
    this.#stopping = sharedAbortController();
    this.#stats.startTime = isoNow();
  }

  protected override async onStop(): Promise<void> {
    const inHand = Promise.allSettled(this.#inHand);
    if (!(await settlesWithin(inHand, STOP_MS))) {
      this.#stopping.abort(ClientErrors.CLOSED({}));
      await inHand;
    }
    await this.#closeClient();
    this.#client = undefined;
  }

  async #process(message: IngestControlMessage, options: ProcessMessageOptions): Promise<boolean> {
    const ends = endsOf(options);
    const { jobId } = message;
    try {
      await this.start();
      const channel = message.getMetadata("response_channel", jobId);
      if (typeof channel !== "string") throw SinkErrors.CHANNEL_MISSING({});
      const sent = await this.#deliver(channel, message, options);
      this.#stats.messageCount++;
      if (sent.failed !== undefined) this.#stats.failedCount++;
      this.#stats.bytesSent += sent.bytes;
      message.annotate({ sourceId: SINK_NAME, message: "Pushed" });
      return true;
    } catch (error) {
      if (isLateResult(error)) {
        this.#stats.lateCount++;
        this.#logger.info({ jobId, error: messageOf(error) }, "a result came too late");
        return true;
      }
      throwIfFired(ends);
      this.#stats.undeliverableCount++;
      this.#logger.error({ jobId, error: messageOf(error) }, "a result could not be delivered");
      this.#tellUndeliverable(message, error);
      // Given back, a job that can never be answered would come again for ever.
      return !isRetryable(error) && !this.#stopping.signal.aborted;
    }
  }

  /** Stores the result, or a failed one in its place when the broker refuses it for good. */
  async #deliver(
    channel: string,
    message: IngestControlMessage,
    options: ProcessMessageOptions,
  ): Promise<EncodedResult> {
    const result = this.#encode(message);
    try {
      await this.#submit(channel, result, options);
      return result;
    } catch (cause) {
      throwIfFired(endsOf(options));
      const isFinal = isLateResult(cause) || isRetryable(cause) || this.#stopping.signal.aborted;
      if (isFinal) throw cause;
      const failed = this.#encodeFailed(message, cause);
      await this.#submit(channel, failed, options);
      return failed;
    }
  }

  /**
   * The result as text; one that cannot be written or is too long becomes a failed one, and so does
   * the message, so that who counts sees what the client gets.
   */
  #encode(message: IngestControlMessage): EncodedResult {
    const { maxResultBytes } = this.#config;
    try {
      const result = buildResult(message);
      const text = encodeResult(result);
      const bytes = Buffer.byteLength(text);
      if (bytes > maxResultBytes) {
        const rowCount = result.data?.length ?? 0;
        throw SinkErrors.RESULT_TOO_LARGE({ bytes, maxResultBytes, rowCount });
      }
      if (result.status !== "failed") return { text, bytes, failed: undefined };
      if (!message.failed) message.fail({ stage: SINK_NAME, cause: failureCause(result) });
      return { text, bytes, failed: message.failedReason ?? failureCause(result) ?? "" };
    } catch (cause) {
      return this.#encodeFailed(message, cause);
    }
  }

  #encodeFailed(message: IngestControlMessage, cause: unknown): EncodedResult {
    const text = encodeResult(failedResult({ cause, message }));
    message.fail({ stage: SINK_NAME, cause });
    return { text, bytes: Buffer.byteLength(text), failed: message.failedReason ?? "" };
  }

  async #submit(
    channel: string,
    { text, failed }: EncodedResult,
    options: ProcessMessageOptions,
  ): Promise<void> {
    const { maxAttempts, submitTimeoutMs: timeoutMs } = this.#config;
    const client = this.#client as MessageBrokerClient;
    const { leaseId } = options;
    const signals = [...endsOf(options), this.#stopping.signal];
    for (let attempt = 1; ; attempt++) {
      try {
        const bounds = { timeoutMs, signal: signals };
        await client.submitMessage(channel, text, { ...bounds, leaseId, failed });
        return;
      } catch (error) {
        throwIfFired(signals);
        if (!isRetryable(error) || attempt >= maxAttempts) throw error;
        const either = linkSignals(...signals);
        const pauseMs = backoffMs(attempt, RETRY_BASE_MS, RETRY_MAX_MS);
        await sleep(pauseMs, undefined, { signal: either.signal }).catch(() => {});
        either.unlink();
        throwIfFired(signals);
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

/** Several signals, since linking them for each message would cost more than a small result. */
function endsOf(options: ProcessMessageOptions): readonly AbortSignal[] {
  return options.ends ?? signalsOf(options.signal);
}
