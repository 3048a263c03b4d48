/**
 * The source that takes jobs from a broker's queue. Each job's delivery is kept beside its message
 * and acknowledged only when the pipeline says that the result is stored, so a crash brings the job
 * back at its old place.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import {
  BrokerClientOption,
  type Delivery,
  type MessageBrokerClient,
  useClient,
} from "../client/index.js";
import {
  Component,
  epochNanoseconds,
  epochSeconds,
  firedIn,
  Gate,
  isoNow,
  isoTime,
  type Logger,
  messageOf,
  monotonicMs,
  parseOptions,
  sharedAbortController,
  signalsOf,
  silentLogger,
} from "../core/index.js";
import { type IngestControlMessage, openJob } from "../message/index.js";
import type { DeliveryFacts, GetMessageOptions, Source } from "../pipeline/index.js";
import { SourceErrors } from "./errors.js";

const SOURCE_NAME = "message_broker_task_source";
/** How long one fetch waits when its caller does not say. */
const FETCH_MS = 30_000;

export const MessageBrokerTaskSourceConfig = z.strictObject({
  brokerClient: BrokerClientOption,
  taskQueue: z.string().min(1).default("ingest_task_queue").describe("Queue of the jobs."),
  pollIntervalMs: z
    .number()
    .int()
    .min(1)
    .default(100)
    .describe("First pause between two questions where the broker cannot hold one."),
  leaseMs: z
    .number()
    .int()
    .min(1_000)
    .max(2_147_483_647)
    .default(300_000)
    .describe(
      "How long the broker keeps a job for this source when it hears nothing of it. While the job " +
        "is in work it is told every third of this. Brokers that cannot be told: an hour at least.",
    ),
  strictSchema: z
    .boolean()
    .default(false)
    .describe("Refuse jobs with members that nobody knows, as the original does."),
});
export type MessageBrokerTaskSourceConfig = z.input<typeof MessageBrokerTaskSourceConfig>;

export interface MessageBrokerTaskSourceStats {
  running: boolean;
  paused: boolean;
  /** ISO 8601, or null before the first start. */
  startTime: string | null;
  /** Jobs handed out, those that could not be opened among them. */
  messageCount: number;
  invalidCount: number;
  /** Texts without a readable job id: nobody waits for an answer to them. */
  unanswerableCount: number;
  fetchErrorCount: number;
  inFlight: number;
  /** ISO 8601, or null before the first message. */
  lastMessageAt: string | null;
}

export interface SourceDependencies {
  readonly logger?: Logger;
  /** Gets the text of a job that has no readable id, before it is dropped. */
  readonly onUnanswerable?: (text: string) => void;
}

export class MessageBrokerTaskSource
  extends Component
  implements Source, AsyncIterable<IngestControlMessage>
{
  readonly #config: ReturnType<typeof MessageBrokerTaskSourceConfig.parse>;
  readonly #logger: Logger;
  readonly #onUnanswerable: (text: string) => void;
  readonly #deliveries = new Map<IngestControlMessage, Delivery>();
  readonly #stats = {
    messageCount: 0,
    invalidCount: 0,
    unanswerableCount: 0,
    fetchErrorCount: 0,
    startTime: null as string | null,
  };
  /** Seconds since 1970. */
  #lastMessageAtS: number | undefined;
  #client: MessageBrokerClient | undefined;
  #closeClient = async () => {};
  #fetching = sharedAbortController();
  #resumed: Gate | undefined;

  /** Connects to nothing yet. @throws OPTIONS_INVALID */
  constructor(config: MessageBrokerTaskSourceConfig = {}, dependencies: SourceDependencies = {}) {
    super();
    this.#config = parseOptions(MessageBrokerTaskSourceConfig, config, "MessageBrokerTaskSource");
    this.#logger = dependencies.logger ?? silentLogger;
    this.#onUnanswerable = dependencies.onUnanswerable ?? (() => {});
  }

  get paused(): boolean {
    return this.#resumed !== undefined;
  }

  /**
   * The next job as a control message; one that cannot be opened comes as a failed message.
   * Undefined when none came within `timeoutMs` (30 s unless given), when `signal` fired, and when
   * the source was paused or stopped meanwhile. Starts the source when it is not started.
   *
   * @throws CLIENT_BROKER_UNAVAILABLE, and what else the client throws.
   */
  async getMessage(options: GetMessageOptions = {}): Promise<IngestControlMessage | undefined> {
    const { signal, timeoutMs = FETCH_MS } = options;
    const endMs = monotonicMs() + timeoutMs;
    const leftMs = () => Math.max(0, endMs - monotonicMs());
    await this.start();
    if (this.#resumed !== undefined) await this.#resumed.wait(timeoutMs, signal);
    if (this.paused || signal?.aborted) return undefined;
    const signals = [...signalsOf(signal), this.#fetching.signal];
    for (;;) {
      const delivery = await this.#fetch(leftMs(), signals);
      if (delivery === undefined) return undefined;
      if (this.state !== "running") {
        // It came in the very moment of the stop, which releases what is handed out before it.
        await delivery.release();
        return undefined;
      }
      const message = this.#open(delivery.message);
      if (message.jobId !== undefined) {
        this.#deliveries.set(message, delivery);
        return message;
      }
      await this.#dropUnanswerable(delivery);
    }
  }

  deliveryOf(message: IngestControlMessage): DeliveryFacts | undefined {
    return this.#deliveries.get(message);
  }

  /**
   * The message's result is stored: its job is gone for good.
   *
   * @throws SOURCE_DELIVERY_UNKNOWN, and what `Delivery.acknowledge` throws.
   */
  async acknowledge(message: IngestControlMessage): Promise<void> {
    await this.#takeDelivery(message).acknowledge();
  }

  /** The message's job goes back to its old place. @throws SOURCE_DELIVERY_UNKNOWN */
  async release(message: IngestControlMessage): Promise<void> {
    await this.#takeDelivery(message).release();
  }

  /** Hands out nothing until `resume`; a fetch that waits ends, and loses no message. */
  pause(): boolean {
    this.#resumed ??= new Gate();
    this.#fetching.abort();
    return true;
  }

  resume(): boolean {
    if (this.#resumed === undefined) return true;
    this.#fetching = sharedAbortController();
    this.#resumed.open();
    this.#resumed = undefined;
    return true;
  }

  getStats(): MessageBrokerTaskSourceStats {
    return {
      running: this.state === "running",
      paused: this.paused,
      inFlight: this.#deliveries.size,
      ...this.#stats,
      lastMessageAt: this.#lastMessageAtS === undefined ? null : isoTime(this.#lastMessageAtS),
    };
  }

  /** Messages one after the other until the source is stopped; each is still to be acknowledged. */
  async *[Symbol.asyncIterator](): AsyncGenerator<IngestControlMessage, void, void> {
    await this.start();
    while (this.state === "running") {
      const message = await this.getMessage();
      if (message !== undefined) yield message;
      // A broker that is stopping does not hold the question, and must not be asked without a pause.
      else await this.#pause();
    }
  }

  protected override async onStart(): Promise<void> {
    const { client, close } = useClient(this.#config.brokerClient, { logger: this.#logger });
    try {
      await client.ping();
    } catch (error) {
      await close();
      throw error;
    }
    this.#client = client;
    this.#closeClient = close;
    if (!this.paused) this.#fetching = sharedAbortController();
    this.#stats.startTime = isoNow();
  }

  protected override async onStop(): Promise<void> {
    this.#fetching.abort();
    if (this.#resumed !== undefined) {
      // Who waits for the end of the pause is let go; the source stays paused.
      this.#resumed.open();
      this.#resumed = new Gate();
    }
    const deliveries = [...this.#deliveries.values()];
    this.#deliveries.clear();
    await Promise.allSettled(deliveries.map((delivery) => delivery.release()));
    await this.#closeClient();
    this.#client = undefined;
  }

  async #fetch(timeoutMs: number, signal: readonly AbortSignal[]): Promise<Delivery | undefined> {
    const { taskQueue, pollIntervalMs, leaseMs } = this.#config;
    const call = { timeoutMs, pollIntervalMs, leaseMs, signal };
    try {
      return await this.#client?.fetchDelivery(taskQueue, call);
    } catch (error) {
      if (firedIn(signal) !== undefined) return undefined;
      this.#stats.fetchErrorCount++;
      throw error;
    }
  }

  async #pause(): Promise<void> {
    const { signal } = this.#fetching;
    await sleep(this.#config.pollIntervalMs, undefined, { signal }).catch(() => {});
  }

  #open(text: string): IngestControlMessage {
    const { strictSchema } = this.#config;
    const message = openJob(text, {
      sourceName: SOURCE_NAME,
      fetchedAt: epochNanoseconds(),
      strictSchema,
      logger: this.#logger,
    });
    this.#stats.messageCount++;
    this.#lastMessageAtS = epochSeconds();
    if (message.failed) this.#stats.invalidCount++;
    return message;
  }

  /** Without an id there is no queue for an answer; given back, the text would come for ever. */
  async #dropUnanswerable(delivery: Delivery): Promise<void> {
    this.#stats.unanswerableCount++;
    this.#logger.error({ taskQueue: this.#config.taskQueue }, "a job without a job_id was dropped");
    try {
      this.#onUnanswerable(delivery.message);
    } catch (error) {
      this.#logger.error({ error: messageOf(error) }, "onUnanswerable failed");
    }
    await delivery.acknowledge();
  }

  #takeDelivery(message: IngestControlMessage): Delivery {
    const delivery = this.#deliveries.get(message);
    if (delivery === undefined) throw SourceErrors.DELIVERY_UNKNOWN({ jobId: message.jobId });
    this.#deliveries.delete(message);
    return delivery;
  }
}
