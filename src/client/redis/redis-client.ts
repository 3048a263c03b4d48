/**
 * A client of Redis with nv-ingest's keys and documents, which is the broker at the same time: what
 * the broker of `millrace broker` does in its process, clients do here in steps that Redis runs as one.
 */
import {
  hasCode,
  isRetryable,
  type Logger,
  messageOf,
  newId,
  parseOptions,
  type Signals,
  sharedAbortController,
  signalsOf,
  silentLogger,
  throwIfFired,
} from "../../core/index.js";
import { encodeResult, failedResult } from "../../message/index.js";
import { type CancelOutcome, failedReason, QueueErrors, WireErrors } from "../../wire/index.js";
import type { CallOptions } from "../call-options.js";
import { checkText } from "../check-text.js";
import { RedisClientConfig } from "../config.js";
import type { DeadLetters } from "../dead-letters.js";
import { ClientErrors } from "../errors.js";
import {
  checkTimes,
  type Delivery,
  type DeliveryOptions,
  type FetchOptions,
  type MessageBrokerClient,
  type Receipt,
  type SubmitOptions,
} from "../message-broker-client.js";
import { MessageObjects } from "../objects/message-objects.js";
import { openObjectStore } from "../objects/objects-config.js";
import { looksLikeReference } from "../objects/reference.js";
import { type CallBounds, Deadline, whileFull } from "../retry.js";
import { cancelJob } from "./cancel.js";
import { openDirectory, readLogin } from "./connect.js";
import { redisDeadLetters, trimDeadLetters } from "./dead-letters.js";
import { ClaimDesk } from "./desk.js";
import { fragmentCountOf, isComplete, joinFragments, splitResult } from "./fragments.js";
import { stampJob } from "./job-text.js";
import { DEAD_INDEX, jobKeys, queueKeys } from "./keys.js";
import { Network } from "./network.js";
import { type Claim, parseLease, type RedisDelivery } from "./redis-delivery.js";
import { LARGE_BYTES, Results } from "./results.js";
import { ANSWER } from "./scripts/answer.js";
import { REMOVE } from "./scripts/claim.js";
import { CONFIRM_PUSH, KNOW, PUSH } from "./scripts/push.js";
import { describeServer, type ServerFacts } from "./server-facts.js";
import { createScheduler, routed, type Strategy, SUB_QUEUES, subQueueName } from "./sub-queues.js";
import { lengthOf } from "./text-bytes.js";
import { Watch } from "./watch.js";
import { listWorkers, type WorkerFacts } from "./worker-facts.js";

/** Lease of a message that is fetched and acknowledged at once. */
const FETCH_LEASE_MS = 15_000;
const LEASE_MS = 300_000;
/** How long a push is remembered that is repeated because its answer was lost. */
const PUSHED_MS = 120_000;

/** What was pushed for a result that is never stored goes by itself. */
const STAGED_MS = 120_000;

export interface RedisClientDependencies {
  readonly logger?: Logger | undefined;
}

/** What becomes of a job with its result. */
interface Answer {
  readonly jobId: string;
  readonly fragments: readonly string[];
  readonly state: "answered" | "cancelled";
  readonly claim?: Claim | undefined;
  /** Makes the job a dead letter. */
  readonly dead?: {
    readonly cause: string;
    readonly reason: string;
    readonly deaths: number;
    readonly bytes: number;
    readonly queueName: string;
    readonly text?: string;
  };
  readonly onlyKnown?: boolean;
}

export class RedisClient implements MessageBrokerClient {
  readonly #config: ReturnType<typeof RedisClientConfig.parse>;
  readonly #network: Network;
  readonly #closing = sharedAbortController();
  readonly #watch: Watch;
  readonly #results: Results;
  readonly #desks = new Map<string, ClaimDesk>();
  readonly #objects: MessageObjects | undefined;
  readonly deadLetters: DeadLetters;
  #isClosed = false;

  /** Connects to nothing yet. @throws OPTIONS_INVALID, OBJECT_ACCESS_KEYS_MISSING */
  constructor(config: RedisClientConfig, dependencies: RedisClientDependencies = {}) {
    const { logger = silentLogger } = dependencies;
    this.#config = parseOptions(RedisClientConfig, config, "RedisClientConfig");
    const { maxRetries, maxBackoffMs, connectionTimeoutMs, brokerParams } = this.#config;
    const login = () => readLogin(this.#config);
    this.#network = new Network({
      directory: openDirectory(this.#config, login),
      login,
      maxRetries,
      maxBackoffMs,
      connectionTimeoutMs,
      logger,
    });
    this.#watch = new Watch(this.#network, this.#closing.signal);
    this.#results = new Results(this.#network, {
      watch: this.#watch,
      closed: this.#closing.signal,
      clientId: newId(),
      keptMs: brokerParams.fetchedResultMs,
    });
    const { jobTimeoutMs, objects } = brokerParams;
    if (objects.url !== undefined) {
      const store = openObjectStore({ ...objects, url: objects.url });
      this.#objects = new MessageObjects(store, { minBytes: objects.minBytes });
    }
    this.deadLetters = redisDeadLetters(this.#network, {
      jobTimeoutMs,
      bounds: (options) => this.#boundsOf(options),
      load: (text) => this.#load(text),
    });
  }

  async submitMessage(
    queueName: string,
    message: string,
    options: SubmitOptions = {},
  ): Promise<Receipt> {
    const bounds = this.#boundsOf(options);
    checkText("PUSH", "queue_name", queueName);
    checkText("PUSH", "message", message);
    const transactionId = newId();
    if (options.forNvIngest) {
      const { pieces, queueHint } = stamped(message, transactionId);
      const { strategy } = this.#config.brokerParams;
      const queue = strategy === "simple" ? queueName : routed(queueName, queueHint);
      await this.#push(queue, { pieces, pushId: transactionId, isJob: true }, bounds);
    } else {
      await this.#submit(queueName, { ...options, message, transactionId }, bounds);
    }
    return { transactionId };
  }

  async fetchMessage(queueName: string, options: FetchOptions = {}): Promise<string | undefined> {
    const bounds = this.#boundsOf(options);
    checkText("POP", "queue_name", queueName);
    const found = await this.#results.fetch(queueName, bounds);
    if (found.kind === "result") return this.#load(found.text);
    if (found.kind === "nothing") return undefined;
    const desk = this.#desk(queueName, { strategy: "simple", leaseMs: FETCH_LEASE_MS });
    const delivery = await desk.take(bounds);
    if (delivery === undefined) return undefined;
    const text = await this.#withFragments(delivery, bounds);
    try {
      await delivery.acknowledge();
    } catch (error) {
      // Redis may have dropped it: thrown away here, the message would be nowhere.
      if (!hasCode(error, ClientErrors.DELIVERY_UNKNOWN.code)) throw error;
    }
    return this.#load(text);
  }

  async fetchDelivery(
    queueName: string,
    options: DeliveryOptions = {},
  ): Promise<Delivery | undefined> {
    const bounds = this.#boundsOf(options);
    checkText("POP", "queue_name", queueName);
    const { strategy } = this.#config.brokerParams;
    const { leaseMs = LEASE_MS } = options;
    const delivery = await this.#desk(queueName, { strategy, leaseMs }).take(bounds);
    if (delivery !== undefined) await this.#loadDelivery(delivery);
    return delivery;
  }

  async ping(options: CallOptions = {}): Promise<void> {
    await this.#network.command("millrace", ["PING"], this.#boundsOf(options));
  }

  /** Messages that are ready, in the queue and in its sub-queues. */
  async size(queueName: string, options: CallOptions = {}): Promise<number> {
    const bounds = this.#boundsOf(options);
    checkText("SIZE", "queue_name", queueName);
    const { strategy } = this.#config.brokerParams;
    const names = strategy === "simple" ? (["default"] as const) : SUB_QUEUES;
    const lists = names.flatMap((name) => {
      const { queue, last } = queueKeys(subQueueName(queueName, name));
      return [queue, last];
    });
    const sizes = lists.map((key) => this.#network.command(key, ["LLEN", key], bounds));
    return (await Promise.all(sizes)).reduce<number>((sum, size) => sum + Number(size), 0);
  }

  async cancel(jobId: string, options: CallOptions = {}): Promise<CancelOutcome> {
    const bounds = this.#boundsOf(options);
    checkText("CANCEL", "job_id", jobId);
    const text = encodeResult(
      failedResult({
        cause: "cancelled",
        description: "The job was cancelled.",
        stage: "cancelled",
      }),
    );
    return cancelJob(this.#network, jobId, {
      bounds,
      end: () =>
        this.#answer({ jobId, fragments: [text], state: "cancelled", onlyKnown: true }, bounds),
    });
  }

  /** Who works at a queue, and what each holds. */
  async workers(queueName: string, options: CallOptions = {}): Promise<WorkerFacts[]> {
    const bounds = this.#boundsOf(options);
    checkText("WORKERS", "queue_name", queueName);
    return listWorkers(this.#network, queueName, bounds);
  }

  /** What the server is, and what it keeps across a crash. */
  async server(options: CallOptions = {}): Promise<ServerFacts> {
    return describeServer(this.#network, this.#boundsOf(options));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const desks = [...this.#desks.values()].map((desk) => desk.close());
    await Promise.allSettled(desks);
    this.#closing.abort(ClientErrors.CLOSED({}));
    this.#network.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #boundsOf(options: DeliveryOptions): CallBounds {
    const timeoutMs = checkTimes(options);
    const signals = signalsOf(options.signal);
    throwIfFired(signals);
    if (this.#isClosed) throw ClientErrors.CLOSED({});
    return { deadline: new Deadline(timeoutMs), signals, closed: this.#closing.signal };
  }

  #desk(
    queueName: string,
    { strategy, leaseMs }: { strategy: Strategy; leaseMs: number },
  ): ClaimDesk {
    // A close may have come while the call was on its way to here.
    if (this.#isClosed) throw ClientErrors.CLOSED({});
    const name = `${leaseMs} ${strategy} ${queueName}`;
    const known = this.#desks.get(name);
    if (known !== undefined && !known.isClosed) return known;
    const desk: ClaimDesk = new ClaimDesk({
      network: this.#network,
      watch: this.#watch,
      closed: this.#closing.signal,
      queueName,
      scheduler: createScheduler(strategy),
      leaseMs,
      maxDeliveries: this.#config.brokerParams.maxDeliveries,
      giveUp: (claim, job) => this.#giveUp(claim, job),
      onClosed: () => {
        if (this.#desks.get(name) === desk) this.#desks.delete(name);
      },
    });
    this.#desks.set(name, desk);
    return desk;
  }

  // Messages in

  async #push(
    queue: string,
    { pieces, pushId, isJob }: { pieces: readonly string[]; pushId: string; isJob: boolean },
    bounds: CallBounds,
  ): Promise<void> {
    const { jobTimeoutMs, maxQueueSize } = this.#config.brokerParams;
    const keys = queueKeys(queue);
    const jobId = isJob ? pushId : undefined;
    const { stored, isReference } = await this.#offloaded(pieces, { jobId, ...bounds });
    const { job } = jobKeys(pushId);
    const isApart = this.#network.isCluster || !isJob;
    const channel = isJob ? await this.#results.expect(pushId) : "";
    if (isJob && isApart) {
      const facts = [jobTimeoutMs, queue, isReference, channel];
      await this.#network.script(KNOW, [job], facts, bounds);
    }
    const once = isApart ? keys.pushed(pushId) : job;
    const [worker, claim] = [keys.worker(""), keys.claim("", 0).slice(0, -2)];
    const knownMs = isApart ? PUSHED_MS : jobTimeoutMs;
    const isLarge = lengthOf(stored) > LARGE_BYTES;
    const told = isApart ? "" : channel;
    const facts = [knownMs, maxQueueSize, worker, claim, queue, isReference, told];
    const pushKeys = [keys.queue, once, keys.workers];
    const attempt = async () => {
      const outcome = isLarge
        ? await this.#network.commandAndScript(
            ["RPUSH", keys.queue, stored],
            CONFIRM_PUSH,
            { keys: pushKeys, args: ["", ...facts] },
            bounds,
          )
        : await this.#network.script(PUSH, pushKeys, [stored.join(""), ...facts], bounds);
      if (outcome === "full") throw QueueErrors.FULL({ queueName: queue });
    };
    await whileFull(attempt, bounds);
  }

  /** What is pushed: the text itself, or its reference where it is large. */
  async #offloaded(
    pieces: readonly string[],
    { jobId, signals }: { readonly jobId: string | undefined; readonly signals: Signals },
  ): Promise<{ stored: readonly string[]; isReference: "" | "1" }> {
    if (this.#objects === undefined) return { stored: pieces, isReference: "" };
    const text = pieces.join("");
    const stored = await this.#objects.offload(text, { jobId, signal: signals });
    return { stored: [stored], isReference: stored === text ? "" : "1" };
  }

  /** A result, or a message that nobody looks into. */
  async #submit(
    queueName: string,
    submission: SubmitOptions & { readonly message: string; readonly transactionId: string },
    bounds: CallBounds,
  ): Promise<void> {
    const { message, transactionId, leaseId, failed } = submission;
    const claim = leaseId === undefined ? undefined : parseLease(leaseId);
    const isOver =
      claim === undefined || [...this.#desks.values()].some((desk) => desk.isReplaced(claim));
    if (leaseId !== undefined && isOver) throw QueueErrors.LEASE_OVER({ queueName });
    const fragments = await this.#fragmentsOf(queueName, message, bounds);
    const dead =
      failed === undefined || claim === undefined
        ? undefined
        : {
            cause: "failed",
            reason: failedReason(failed),
            deaths: 1,
            bytes: 0,
            queueName: claim.queueName,
          };
    const answer = { jobId: queueName, fragments, claim, state: "answered" as const };
    const outcome = await whileFull(
      () =>
        this.#answer({ ...answer, ...(dead && { dead }), onlyKnown: claim === undefined }, bounds),
      bounds,
    );
    if (outcome === "over") throw QueueErrors.JOB_OVER({ queueName });
    if (outcome === "lost") throw QueueErrors.LEASE_OVER({ queueName });
    if (outcome === "unknown") {
      await this.#push(
        queueName,
        { pieces: [message], pushId: transactionId, isJob: false },
        bounds,
      );
    }
  }

  // Results

  /** Who sent a job by reference reads a result by reference; others get fragments. */
  async #fragmentsOf(jobId: string, text: string, bounds: CallBounds): Promise<string[]> {
    const { objects, maxFragmentBytes } = this.#config.brokerParams;
    if (this.#objects !== undefined && text.length * 3 >= objects.minBytes) {
      const { job } = jobKeys(jobId);
      const isReference = await this.#network.command(job, ["HGET", job, "ref"], bounds);
      if (isReference === "1") {
        return [await this.#objects.offload(text, { jobId, signal: bounds.signals })];
      }
    }
    return splitResult(text, maxFragmentBytes);
  }

  async #load(text: string): Promise<string> {
    return (await this.#objects?.load(text)) ?? text;
  }

  /**
   * A job whose text is gone for good stays what it is: it is no valid job, and is answered as failed.
   * While the store cannot be reached, the job goes back.
   */
  async #loadDelivery(delivery: RedisDelivery): Promise<void> {
    if (!looksLikeReference(delivery.message)) return;
    try {
      delivery.message = await this.#load(delivery.message);
    } catch (error) {
      if (isRetryable(error)) {
        await delivery.release();
        throw error;
      }
      const { jobId } = delivery;
      this.#network.logger.error({ jobId, error: messageOf(error) }, "a job's text is lost");
    }
  }

  async #answer(answer: Answer, bounds: CallBounds): Promise<string> {
    const { jobId, fragments, state, claim, dead, onlyKnown = false } = answer;
    const keys = jobKeys(jobId);
    const { resultMs } = this.#config.brokerParams;
    const isApart = this.#network.isCluster && claim !== undefined;
    const owner = claim && queueKeys(claim.queueName);
    const place = claim && owner?.claim(claim.workerId, claim.place);
    let text = dead?.text ?? "";
    if (isApart && place !== undefined) {
      const held = await this.#network.command(place, ["LINDEX", place, "0"], bounds);
      if (typeof held !== "string" && (await this.#stateOf(jobId, bounds)) === "open")
        return "lost";
      if (typeof held === "string" && dead !== undefined) text = held;
    }
    const together = place !== undefined && owner !== undefined && !isApart;
    const beside = together ? [place, owner.deliveries, DEAD_INDEX] : [];
    const token = newId();
    const bytes = fragments.reduce((sum, each) => sum + each.length, 0);
    const staged = bytes > LARGE_BYTES ? keys.staged(token) : "";
    const args = [
      token,
      resultMs,
      state,
      claim === undefined ? "" : "claim",
      jobId,
      dead?.cause ?? "",
      dead?.reason ?? "",
      dead?.queueName ?? "",
      dead?.bytes ?? 0,
      dead?.deaths ?? 0,
      text,
      onlyKnown ? "known" : "",
      staged,
      bytes,
      ...(staged === "" ? fragments : []),
    ];
    // Pushed where nobody looks and renamed by the script, they need not go through it.
    const before =
      staged === ""
        ? []
        : [
            ["UNLINK", staged],
            ["RPUSH", staged, ...fragments],
            ["PEXPIRE", staged, String(STAGED_MS)],
          ];
    const { result, job, letter, deadText } = keys;
    const all = [result, job, letter, deadText, ...beside];
    const outcome = (await this.#network.script(ANSWER, all, args, bounds, before)) as string;
    if (outcome !== "stored") return outcome;
    if (isApart && place !== undefined && owner !== undefined) {
      await this.#network.script(REMOVE, [place], [], bounds);
      await this.#network.command(place, ["HDEL", owner.deliveries, jobId], bounds);
    }
    if (dead !== undefined) await this.#indexDead(jobId, { isApart }, bounds);
    if (claim !== undefined) for (const desk of this.#desks.values()) desk.answered(claim);
    return outcome;
  }

  async #indexDead(
    jobId: string,
    { isApart }: { readonly isApart: boolean },
    bounds: CallBounds,
  ): Promise<void> {
    if (isApart) {
      const args = ["ZADD", DEAD_INDEX, String(Date.now()), jobId];
      await this.#network.command(DEAD_INDEX, args, bounds);
    }
    const { maxDeadLetters } = this.#config.brokerParams;
    await trimDeadLetters(this.#network, maxDeadLetters, bounds);
  }

  async #stateOf(jobId: string, bounds: CallBounds): Promise<unknown> {
    const { job } = jobKeys(jobId);
    return (await this.#network.command(job, ["HGET", job, "s"], bounds)) ?? "open";
  }

  async #giveUp(
    claim: Claim,
    { text, jobId, deaths }: { text: string; jobId: string; deaths: number },
  ): Promise<void> {
    const reason = `its consumer was lost ${deaths} times`;
    const result = failedResult({
      cause: reason,
      description: `The job was given up: ${reason}.`,
      stage: "message_broker",
    });
    const dead = {
      cause: "deliveries",
      reason,
      // Where Redis counts them beside the job, it adds its own count.
      deaths: this.#network.isCluster ? deaths : 0,
      bytes: Buffer.byteLength(text),
      queueName: claim.queueName,
    };
    const fragments = [encodeResult(result)];
    const bounds = this.#boundsOf({});
    await this.#answer({ jobId, fragments, state: "answered", claim, dead }, bounds);
    this.#network.logger.error({ jobId, deaths }, "a job was given up");
  }

  /** The whole result that a message is the first fragment of, which another maker's sink pushed. */
  async #withFragments(delivery: RedisDelivery, bounds: CallBounds): Promise<string> {
    const { message, keys } = delivery;
    const count = fragmentCountOf(message);
    if (count === 1) return message;
    const { queue } = keys;
    const desk = this.#desk(queue, { strategy: "simple", leaseMs: FETCH_LEASE_MS });
    const others: RedisDelivery[] = [];
    const texts = () => [message, ...others.map((other) => other.message)];
    try {
      // Some may be there twice, so that more are needed than there are fragments.
      while (others.length < count - 1 || !isComplete(texts())) {
        const next = await desk.take(bounds);
        if (next === undefined) {
          const reason = `some of ${count} are missing among ${texts().length}`;
          throw ClientErrors.FRAGMENTS_INVALID({ reason });
        }
        others.push(next);
      }
      const joined = joinFragments(texts());
      await Promise.all(others.map((other) => other.acknowledge()));
      return joined;
    } catch (error) {
      await Promise.allSettled([delivery, ...others].map((each) => each.release()));
      throw error;
    }
  }
}

function stamped(message: string, jobId: string): ReturnType<typeof stampJob> {
  try {
    return stampJob(message, jobId);
  } catch (error) {
    if (!hasCode(error, WireErrors.MESSAGE_INVALID.code)) throw error;
    throw ClientErrors.REFUSED({ command: "PUSH", reason: messageOf(error) }, error);
  }
}
