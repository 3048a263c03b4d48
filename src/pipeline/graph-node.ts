/**
 * A part of the graph at work: takes passages from its inbox, so many at a time, and hands each on
 * when its work is done. It keeps the slot until the next part has taken the passage: so a slow part
 * holds back all before it, and finally the source.
 */

import { Inbox, type InboxBounds } from "./inbox.js";
import type { BatchConfig } from "./stage-options.js";
import type { Passage } from "./trip.js";

export interface GraphNodeParts {
  readonly name: string;
  readonly inbox: InboxBounds;
  /** Passages, or batches of them, in work at a time. */
  readonly concurrency: number;
  /** Hand on in the order of arrival, not as finished. */
  readonly isOrdered: boolean;
  readonly batch?: BatchConfig | undefined;
  /** Works on one passage, or on a batch. Undefined when it is done at once. Must not fail. */
  readonly work: (passages: readonly Passage[]) => Promise<void> | undefined;
  /** Hands a passage on. Undefined when it was taken, else settles when it was. */
  readonly handOn: (passage: Passage) => Promise<void> | undefined;
  /** Whether there is nothing to do for a passage: it need not wait for a slot. */
  readonly passesBy: (passage: Passage) => boolean;
}

/** When one may hand on, in order. */
interface Turn {
  readonly mine: Promise<void>;
  readonly done: () => void;
}

export class GraphNode {
  readonly name: string;
  /** Called whenever there may be room again for another passage. */
  onRoom: () => void = () => {};
  readonly #parts: GraphNodeParts;
  readonly #inbox: Inbox;
  #limit: number;
  #activeCount = 0;
  #isPumping = false;
  #reservedCount = 0;
  #heldBackCount = 0;
  /** The end of the handing on of those before; only when ordered. */
  #turn: Promise<void> = Promise.resolve();
  #batchTimer: NodeJS.Timeout | undefined;
  #isBatchDue = false;
  #isHurried = false;

  constructor(parts: GraphNodeParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#inbox = new Inbox(parts.inbox);
    this.#limit = parts.concurrency;
  }

  get waitingCount(): number {
    return this.#inbox.count;
  }

  get waitingBytes(): number {
    return this.#inbox.bytes;
  }

  /** How often somebody had to wait because the inbox was full. */
  get heldBackCount(): number {
    return this.#heldBackCount;
  }

  get activeCount(): number {
    return this.#activeCount;
  }

  /** How many may be in work at a time. */
  get limit(): number {
    return this.#limit;
  }

  set limit(limit: number) {
    this.#limit = limit;
    this.#pump();
    this.onRoom();
  }

  /** Whether batches go as they are: nothing more is fetched, so others would be waited for in vain. */
  set isHurried(isHurried: boolean) {
    this.#isHurried = isHurried;
    this.#pump();
  }

  /** Undefined when the passage was taken, else settles when it is. */
  offer(passage: Passage): Promise<void> | undefined {
    const { isOrdered, batch, passesBy, handOn } = this.#parts;
    if (!isOrdered && passesBy(passage)) return handOn(passage);
    if (batch === undefined && this.#inbox.count === 0 && this.#activeCount < this.#limit) {
      this.#begin([passage]);
      return undefined;
    }
    const taken = this.#inbox.offer(passage);
    if (taken !== undefined) this.#heldBackCount++;
    this.#pump();
    return taken;
  }

  /** Keeps a place for a passage that is still to be fetched; false when there is none. */
  reserve(): boolean {
    const { maxMessages } = this.#parts.inbox;
    const places = Math.max(0, this.#limit - this.#activeCount) + maxMessages;
    const taken = this.#inbox.count + this.#reservedCount;
    if (taken >= places || (this.#inbox.isFull && this.#activeCount >= this.#limit)) return false;
    this.#reservedCount++;
    return true;
  }

  /** The passage has come, or will not. */
  unreserve(): void {
    this.#reservedCount--;
  }

  /** Not from within itself: what is done at once would begin the next ever deeper in the stack. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#activeCount < this.#limit) {
      const passages = this.#next();
      if (passages.length === 0) break;
      this.#begin(passages);
    }
    this.#isPumping = false;
  }

  #begin(passages: readonly Passage[]): void {
    const { work, handOn, isOrdered } = this.#parts;
    this.#activeCount++;
    const turn = isOrdered ? this.#takeTurn() : undefined;
    const working = work(passages);
    const [only] = passages;
    if (working !== undefined || turn !== undefined || passages.length > 1 || only === undefined) {
      void this.#finish(passages, { working, turn });
      return;
    }
    const taken = handOn(only);
    if (taken === undefined) this.#end();
    else void taken.then(() => this.#end());
  }

  async #finish(
    passages: readonly Passage[],
    { working, turn }: { working: Promise<void> | undefined; turn: Turn | undefined },
  ): Promise<void> {
    await working;
    await turn?.mine;
    for (const passage of passages) {
      const taken = this.#parts.handOn(passage);
      if (taken !== undefined) await taken;
    }
    turn?.done();
    this.#end();
  }

  #end(): void {
    this.#activeCount--;
    this.#pump();
    this.onRoom();
  }

  #takeTurn(): Turn {
    const mine = this.#turn;
    let done = () => {};
    this.#turn = new Promise((resolve) => {
      done = resolve;
    });
    return { mine, done };
  }

  /** What to work on next; empty when nothing waits, or a batch waits for more. */
  #next(): Passage[] {
    const { batch } = this.#parts;
    if (batch !== undefined) return this.#nextBatch(batch);
    const passage = this.#inbox.take();
    return passage === undefined ? [] : [passage];
  }

  #nextBatch({ maxSize, maxBytes, maxWaitMs }: BatchConfig): Passage[] {
    if (this.#inbox.count === 0) return [];
    const isFull = this.#inbox.count >= maxSize || this.#inbox.bytes >= maxBytes;
    if (!isFull && !this.#isBatchDue && !this.#isHurried && maxWaitMs > 0) {
      this.#batchTimer ??= setTimeout(() => {
        this.#batchTimer = undefined;
        this.#isBatchDue = true;
        this.#pump();
      }, maxWaitMs);
      return [];
    }
    clearTimeout(this.#batchTimer);
    this.#batchTimer = undefined;
    this.#isBatchDue = false;
    const passages: Passage[] = [];
    let bytes = 0;
    while (passages.length < maxSize) {
      const { first } = this.#inbox;
      if (first === undefined || (passages.length > 0 && bytes + first.bytes > maxBytes)) break;
      bytes += first.bytes;
      passages.push(this.#inbox.take() as Passage);
    }
    return passages;
  }
}
