/**
 * All queues of a broker, their limits and the memory they hold. A queue exists while something is
 * in it or somebody waits at it; asking for its size or polling it in vain leaves no trace.
 */
import { ByteBudget, hasCode, type Logger, newId } from "../core/index.js";
import type { JobLedger, LeaseEnd, LedgerHost, PushRefusal } from "./job-ledger.js";
import type { BrokerConfig } from "./options.js";
import { type Lease, MessageQueue, type QueuedMessage, type Waiter } from "./queue.js";
import { type Entry, type Mark, type MessageKind, NO_DIGEST } from "./store/entry.js";
import { StoreErrors } from "./store/errors.js";
import type { MessageStore, Recovered } from "./store/message-store.js";

/** What a message costs besides its texts: four objects and places in lists, rounded up. */
const ENTRY_BYTES = 512;
/** What a queue costs besides its entries and its name. */
const QUEUE_BYTES = 1_024;
/** The share of memory that only results may use: they are what empties a broker. */
const URGENT_SHARE = 0.1;

/** A message that somebody wants to store. */
export interface Push {
  readonly queueName: string;
  readonly body: Buffer;
  /** What of `body` the budget counts already; ownership passes to the queues. */
  readonly heldBytes: number;
  readonly isJob: boolean;
  readonly id: string;
  readonly digest: Buffer;
  readonly leaseId?: string | undefined;
  /** Why its job failed; only a result keeps it. */
  readonly failed?: string | undefined;
}

/** A place in a queue that is kept for a push until its ACK. Exactly one method ends it. */
export interface Reservation {
  /** "jobOver": this was to be the result of a job that ended meanwhile, and nothing is stored. */
  store(): { readonly entry: Entry; readonly stored: Promise<void> | undefined } | "jobOver";
  cancel(): void;
}

/** A place and its memory before the message is there. */
interface ReservedPlace {
  readonly queue: MessageQueue;
  readonly entryBytes: number;
  cancel(): void;
}

export interface QueueStats {
  readonly ready: number;
  readonly inFlight: number;
  /** How long the oldest message waits, by the wall clock; undefined when none does. */
  readonly oldestAgeMs: number | undefined;
}

/** A message on loan. The first of `settle` and `giveBack` counts, a second call does nothing. */
export interface Loan {
  readonly message: QueuedMessage;
  readonly lease: Lease;
  /** Whether it is still its holder's: a cancel takes it away. */
  readonly isHeld: boolean;
  /** Settles when the hand-out is written down; undefined when there is nothing to wait for. */
  readonly noted: Promise<void> | undefined;
  /** @throws STORE_DAMAGED, and then the message is gone; STORE_FAILED. */
  body(): Buffer | Promise<Buffer>;
  /** Undefined: the lease was over. Else what to wait for before it may be told. */
  settle(): { readonly kept: Promise<void> | undefined } | undefined;
  giveBack(end: LeaseEnd): void;
}

export interface QueuesParts {
  readonly config: BrokerConfig;
  readonly store: MessageStore;
  readonly ledger: JobLedger | undefined;
  readonly logger: Logger;
  /** The present as milliseconds since 1970. */
  readonly now: () => number;
}

export class Queues implements LedgerHost {
  readonly #config: BrokerConfig;
  readonly #store: MessageStore;
  readonly #ledger: JobLedger | undefined;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #queues = new Map<string, MessageQueue>();
  readonly #ordinaryLimitBytes: number;
  /** Bodies in memory and frames that are arriving. */
  readonly budget: ByteBudget;
  /** Bodies that were read back to be handed out. */
  readonly readBudget: ByteBudget;
  /** Consumers that are cut off by a stop gave nothing up. */
  isStopping = false;

  constructor({ config, store, ledger, logger, now }: QueuesParts) {
    this.#config = config;
    this.#store = store;
    this.#ledger = ledger;
    this.#logger = logger;
    this.#now = now;
    this.budget = new ByteBudget(config.maxHeldBytes);
    this.readBudget = new ByteBudget(config.maxHeldBytes);
    this.#ordinaryLimitBytes = Math.ceil(config.maxHeldBytes * (1 - URGENT_SHARE));
  }

  /** Takes over what a store held. */
  open({ entries, secret }: Recovered): void {
    const messages = entries.map((entry): QueuedMessage => {
      const queue = this.#queues.get(entry.queueName) ?? this.#create(entry.queueName);
      const heldBytes = entryBytesOf(entry);
      this.budget.take(heldBytes);
      return { entry, queue, place: "ready", lease: undefined, goesAlone: false, heldBytes };
    });
    this.#ledger?.open(this, secret, messages);
    for (const message of messages) {
      const { place, queue } = message;
      if (place === "ready") queue.add(message);
      else if (place === "aside") queue.asideCount++;
      else {
        message.place = "aside";
        queue.asideCount++;
        this.remove(message);
      }
    }
  }

  /** The transaction id of a push; of a job one that this broker knows again. */
  newId(isJob: boolean): string {
    return isJob && this.#ledger !== undefined ? this.#ledger.newJobId() : newId();
  }

  /** Keeps a place and the memory for a push, or says why not. */
  reserve(push: Push): Reservation | PushRefusal {
    const { queueName, body, heldBytes, isJob, leaseId } = push;
    const admission = isJob ? "message" : (this.#ledger?.admit(queueName, leaseId) ?? "message");
    const isResult = admission === "result";
    if (!isResult && admission !== "message") {
      this.budget.giveBack(heldBytes);
      return admission;
    }
    const failed = isResult ? push.failed : undefined;
    const entryBytes = Math.max(body.length, heldBytes) + entryBytesOf({ failed });
    if (
      !this.#hasRoom(queueName, body.length, isResult) ||
      !this.#takeMemory(entryBytes - heldBytes, isResult)
    ) {
      this.budget.giveBack(heldBytes);
      if (isResult) this.#ledger?.dismiss(queueName);
      return "full";
    }
    const own = heldBytes > 0 ? body : withoutSlack(body);
    const place = this.#reservePlace(queueName, body.length, entryBytes);
    const cancel = () => {
      place.cancel();
      if (isResult) this.#ledger?.dismiss(queueName);
    };
    const kind = isResult ? "result" : isJob ? "job" : "message";
    return {
      cancel,
      store: () => {
        if (isResult && this.#ledger?.mayAnswer(queueName) === false) {
          cancel();
          return "jobOver";
        }
        return this.#append({ ...push, body: own, failed }, kind, { ...place, cancel });
      },
    };
  }

  /** The first message that may be handed out, on loan. */
  take(queueName: string): Loan | undefined {
    const queue = this.#queues.get(queueName);
    const message = queue?.take() ?? (this.#ledger?.reopen(queueName) ? queue?.take() : undefined);
    return message === undefined ? undefined : this.#lend(message);
  }

  /**
   * Waits at an empty queue until `onLoan` is called; undefined when too many wait there already, or
   * there is no memory for another queue. The function returned ends the wait.
   */
  wait(queueName: string, onLoan: (loan: Loan) => void): (() => void) | undefined {
    const known = this.#queues.get(queueName);
    if (known === undefined && !this.budget.hasRoom(queueBytes(queueName))) return undefined;
    if ((known?.waiterCount ?? 0) >= this.#config.maxWaitersPerQueue) return undefined;
    const queue = known ?? this.#create(queueName);
    const waiter: Waiter = (message) => onLoan(this.#lend(message));
    queue.wait(waiter);
    return () => {
      queue.forget(waiter);
      this.#dropIfForgettable(queue);
    };
  }

  /** Messages that are ready, without those in flight. */
  size(queueName: string): number {
    return this.#queues.get(queueName)?.readyCount ?? 0;
  }

  /** Of one queue; one that does not exist is empty. */
  stats(queueName: string): QueueStats {
    const queue = this.#queues.get(queueName);
    const sinceMs = queue?.oldest?.entry.sinceMs;
    const oldestAgeMs = sinceMs === undefined ? undefined : Math.max(0, this.#now() - sinceMs);
    return { ready: queue?.readyCount ?? 0, inFlight: queue?.leasedCount ?? 0, oldestAgeMs };
  }

  /** Totals over all queues. */
  count(): { queues: number; ready: number; inFlight: number; waiters: number } {
    const total = { queues: this.#queues.size, ready: 0, inFlight: 0, waiters: 0 };
    for (const queue of this.#queues.values()) {
      total.ready += queue.readyCount;
      total.inFlight += queue.leasedCount;
      total.waiters += queue.waiterCount;
    }
    return total;
  }

  restore(message: QueuedMessage): void {
    if (message.place !== "aside") return;
    message.queue.asideCount--;
    message.queue.add(message);
  }

  setAside(message: QueuedMessage): void {
    const { place, queue } = message;
    if (place !== "ready" && place !== "leased") return;
    queue.remove(message);
    message.place = "aside";
    queue.asideCount++;
  }

  revoke(message: QueuedMessage): void {
    const { lease } = message;
    message.lease = undefined;
    lease?.onLost?.();
  }

  remove(message: QueuedMessage): Promise<void> | undefined {
    const { place, queue, heldBytes, entry } = message;
    if (place === "gone") return undefined;
    if (place === "aside") queue.asideCount--;
    else queue.remove(message);
    message.place = "gone";
    message.heldBytes = 0;
    this.budget.giveBack(heldBytes);
    this.#dropIfForgettable(queue);
    return this.#store.remove(entry);
  }

  expire(message: QueuedMessage): void {
    if (message.place === "leased") this.#giveBack(message, "expired");
  }

  mark({ entry }: QueuedMessage, mark: Mark): Promise<void> | undefined {
    return this.#store.mark(entry, mark);
  }

  forgetBody(message: QueuedMessage): boolean {
    this.#store.forgetBody(message.entry);
    const entryBytes = entryBytesOf(message.entry);
    this.budget.giveBack(message.heldBytes - entryBytes);
    message.heldBytes = entryBytes;
    return this.#store.keepsBodies;
  }

  async read(message: QueuedMessage): Promise<Buffer> {
    return this.#body(message);
  }

  async answer(jobId: string, body: Buffer): Promise<void> {
    const entryBytes = body.length + ENTRY_BYTES;
    this.budget.take(entryBytes);
    const place = this.#reservePlace(jobId, body.length, entryBytes);
    const push = { queueName: jobId, body, id: jobId, digest: NO_DIGEST };
    const { entry, stored } = this.#append(push, "result", place);
    await stored;
    // Nobody will push this again.
    this.#store.mark(entry, { kind: "confirmed" });
  }

  /** @param entryBytes taken from the budget already. */
  #reservePlace(queueName: string, bodyBytes: number, entryBytes: number): ReservedPlace {
    const queue = this.#queues.get(queueName) ?? this.#create(queueName);
    queue.reserve(bodyBytes);
    const cancel = () => {
      queue.cancelReservation(bodyBytes);
      this.budget.giveBack(entryBytes);
      this.#dropIfForgettable(queue);
    };
    return { queue, entryBytes, cancel };
  }

  #append(
    push: Pick<Push, "queueName" | "id" | "digest" | "body" | "failed">,
    kind: MessageKind,
    place: ReservedPlace,
  ): { entry: Entry; stored: Promise<void> | undefined } {
    const { queueName, id, digest, body, failed } = push;
    const storedAtMs = this.#now();
    const appended = this.#store.append({ queueName, id, kind, digest, storedAtMs, body, failed });
    const { entry, stored } = appended;
    const show = () => this.#show(entry, place);
    if (stored === undefined) {
      show();
      return appended;
    }
    const shown = stored.then(show, (error: unknown) => {
      place.cancel();
      throw error;
    });
    return { entry, stored: shown };
  }

  /** The message is stored: from now on consumers can have it. */
  #show(entry: Entry, { queue, entryBytes }: ReservedPlace): void {
    queue.cancelReservation(entry.bodyBytes);
    const heldBytes = this.#store.keepsBodies ? entryBytes : entryBytesOf(entry);
    this.budget.giveBack(entryBytes - heldBytes);
    const message: QueuedMessage = {
      entry,
      queue,
      place: "ready",
      lease: undefined,
      goesAlone: false,
      heldBytes,
    };
    if (entry.kind !== "message") this.#ledger?.stored(message);
    queue.add(message);
  }

  #lend(message: QueuedMessage): Loan {
    const lease = message.lease as Lease;
    const { entry } = message;
    const isJob = this.#ledger !== undefined && entry.kind === "job";
    let isOver = false;
    return {
      message,
      lease,
      get isHeld() {
        return message.lease === lease && message.place === "leased";
      },
      noted: isJob ? this.#store.mark(entry, { kind: "handed" }) : undefined,
      body: () => this.#body(message),
      settle: () => {
        if (isOver) return undefined;
        isOver = true;
        return this.#settle(message, lease);
      },
      giveBack: (end) => {
        if (isOver || message.lease !== lease || message.place !== "leased") return;
        isOver = true;
        this.#giveBack(message, end === "lost" && this.isStopping ? "released" : end);
      },
    };
  }

  #body(message: QueuedMessage): Buffer | Promise<Buffer> {
    const body = this.#store.read(message.entry);
    if (Buffer.isBuffer(body)) return body;
    return body.catch((error: unknown) => {
      if (hasCode(error, StoreErrors.DAMAGED.code)) this.#removeDamaged(message);
      throw error;
    });
  }

  #settle(message: QueuedMessage, lease: Lease): ReturnType<Loan["settle"]> {
    if (message.lease !== lease) return undefined;
    // Its job was answered while it was held; aside, it is a dead letter now.
    if (message.place === "gone" || message.place === "aside") return { kept: undefined };
    if (message.place !== "leased") return undefined;
    const isPlain = this.#ledger === undefined || message.entry.kind === "message";
    return { kept: isPlain ? this.remove(message) : this.#ledger?.acknowledged(message) };
  }

  #giveBack(message: QueuedMessage, end: LeaseEnd): void {
    const { entry } = message;
    this.setAside(message);
    message.lease = undefined;
    if (end === "released" && entry.kind === "job") this.#store.mark(entry, { kind: "returned" });
    const isPlain = this.#ledger === undefined || entry.kind === "message";
    const place = isPlain ? "ready" : this.#ledger?.givenBack(message, end);
    if (place === "ready") this.restore(message);
    else if (place === "gone") this.remove(message);
  }

  #removeDamaged(message: QueuedMessage): void {
    const { queueName, kind } = message.entry;
    this.#logger.error({ queueName, kind }, "a stored message is damaged and in quarantine");
    this.remove(message);
    if (kind !== "message") this.#ledger?.damaged(message);
  }

  #hasRoom(queueName: string, bodyBytes: number, isUrgent: boolean): boolean {
    const { maxQueueSize, maxQueueBytes } = this.#config.brokerParams;
    const queue = this.#queues.get(queueName);
    if (queue !== undefined && maxQueueSize > 0 && queue.placeCount >= maxQueueSize) return false;
    if (maxQueueBytes > 0 && (queue?.bytes ?? 0) + bodyBytes > maxQueueBytes) return false;
    return this.#store.hasRoom(bodyBytes, isUrgent);
  }

  #takeMemory(bytes: number, isUrgent: boolean): boolean {
    const limitBytes = isUrgent ? this.budget.limitBytes : this.#ordinaryLimitBytes;
    while (!this.budget.tryTake(bytes, limitBytes)) {
      // Only where bodies are in memory is something won by giving up old results.
      if (!this.#store.keepsBodies || this.#ledger?.relieve() !== true) return false;
    }
    return true;
  }

  #create(queueName: string): MessageQueue {
    this.budget.take(queueBytes(queueName));
    const queue = new MessageQueue(queueName);
    this.#queues.set(queueName, queue);
    return queue;
  }

  #dropIfForgettable(queue: MessageQueue): void {
    if (queue.isForgettable && this.#queues.get(queue.name) === queue) {
      this.#queues.delete(queue.name);
      this.budget.giveBack(queueBytes(queue.name));
    }
  }
}

/** What a message costs besides its body. */
function entryBytesOf({ failed = "" }: Pick<Entry, "failed">): number {
  return ENTRY_BYTES + 2 * failed.length;
}

function queueBytes(queueName: string): number {
  return QUEUE_BYTES + 2 * queueName.length;
}

/**
 * The body in memory of exactly its size. A slice of what a socket received, or of a shared pool,
 * would keep all of that alive, and the budget would count only the slice.
 */
function withoutSlack(body: Buffer): Buffer {
  if (body.buffer.byteLength === body.length) return body;
  const own = Buffer.allocUnsafeSlow(body.length);
  body.copy(own);
  return own;
}
