/**
 * All queues of a broker, their limits and the memory they hold. A queue exists while something is
 * in it or somebody waits at it; asking for its size or polling it in vain leaves no trace.
 */
import { ByteBudget } from "../core/index.js";
import type { QueueEntry } from "./entry-list.js";
import type { SimpleMessageBrokerConfig } from "./options.js";
import { MessageQueue, type Waiter } from "./queue.js";

/** What an entry costs besides its body: two objects and a place in a list, rounded up. */
const ENTRY_BYTES = 320;
/** What a queue costs besides its entries and its name. */
const QUEUE_BYTES = 1_024;

/** A place in a queue that is kept for a push until its ACK. Exactly one method ends it. */
export interface Reservation {
  store(): void;
  cancel(): void;
}

/** An entry on loan. The first of the two methods counts, a second call does nothing. */
export interface Loan {
  readonly body: Buffer;
  /** Whether the entry was still on loan; it is gone now. */
  settle(): boolean;
  giveBack(): void;
}

export class Queues {
  readonly #config: SimpleMessageBrokerConfig;
  readonly #queues = new Map<string, MessageQueue>();
  /** Bodies of messages and of frames that are arriving. */
  readonly budget: ByteBudget;

  constructor(config: SimpleMessageBrokerConfig) {
    this.#config = config;
    this.budget = new ByteBudget(config.maxHeldBytes);
  }

  /**
   * Keeps a place and the memory for `body`; undefined when the queue or the memory is full.
   *
   * @param heldBytes what of `body` the budget counts already; ownership passes to the queue, also
   *   when the answer is undefined.
   */
  reserve(queueName: string, body: Buffer, heldBytes: number): Reservation | undefined {
    const entryBytes = Math.max(body.length, heldBytes) + ENTRY_BYTES;
    const { maxQueueSize } = this.#config.brokerParams;
    const known = this.#queues.get(queueName);
    const isFull = maxQueueSize > 0 && known !== undefined && known.placeCount >= maxQueueSize;
    if (isFull || !this.budget.tryTake(entryBytes - heldBytes)) {
      this.budget.giveBack(heldBytes);
      return undefined;
    }
    const queue = known ?? this.#create(queueName);
    if (queue === undefined) {
      this.budget.giveBack(entryBytes);
      return undefined;
    }
    queue.reserve();
    const own = heldBytes > 0 ? body : withoutSlack(body);
    return {
      store: () => queue.append(own, entryBytes),
      cancel: () => {
        queue.cancelReservation();
        this.budget.giveBack(entryBytes);
        this.#dropIfForgettable(queue);
      },
    };
  }

  /** The oldest message, on loan. */
  take(queueName: string): Loan | undefined {
    const queue = this.#queues.get(queueName);
    const entry = queue?.take();
    return queue === undefined || entry === undefined ? undefined : this.#lend(queue, entry);
  }

  /**
   * Waits at an empty queue until `onLoan` is called; undefined when too many wait there already, or
   * there is no memory for another queue.
   * The function returned ends the wait.
   */
  wait(queueName: string, onLoan: (loan: Loan) => void): (() => void) | undefined {
    const queue = this.#queues.get(queueName) ?? this.#create(queueName);
    if (queue === undefined) return undefined;
    if (queue.waiterCount >= this.#config.maxWaitersPerQueue) {
      this.#dropIfForgettable(queue);
      return undefined;
    }
    const waiter: Waiter = (entry) => onLoan(this.#lend(queue, entry));
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

  /** Totals over all queues. */
  count(): { queues: number; ready: number; inFlight: number; waiters: number } {
    const total = { queues: this.#queues.size, ready: 0, inFlight: 0, waiters: 0 };
    for (const queue of this.#queues.values()) {
      total.ready += queue.readyCount;
      total.inFlight += queue.inFlightCount;
      total.waiters += queue.waiterCount;
    }
    return total;
  }

  /** Undefined when there is no memory for it: names of queues are as endless as messages. */
  #create(queueName: string): MessageQueue | undefined {
    if (!this.budget.tryTake(queueBytes(queueName))) return undefined;
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

  #lend(queue: MessageQueue, entry: QueueEntry): Loan {
    return {
      body: entry.body,
      settle: () => {
        if (!queue.settle(entry)) return false;
        this.budget.giveBack(entry.heldBytes);
        this.#dropIfForgettable(queue);
        return true;
      },
      giveBack: () => queue.giveBack(entry),
    };
  }
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
