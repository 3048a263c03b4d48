/**
 * Where the consumers of one queue get their messages. The desk is a worker in Redis: it has places,
 * each of them a list of at most one message, and a lease for all of them that it keeps renewing. A
 * message is moved into a place and out of it in single steps, so at any moment it lies in the queue or
 * in one place; who stops renewing loses what lies in its places to the others (`recovery.ts`).
 */
import { hostname } from "node:os";
import {
  afterThisEvent,
  backoffMs,
  isoNow,
  type Logger,
  messageOf,
  monotonicMs,
  newId,
  processId,
  settlesWithin,
} from "../../core/index.js";
import { ClientErrors } from "../errors.js";
import { type CallBounds, Deadline, throwIfEnded } from "../retry.js";
import { Blocker } from "./blocker.js";
import { jobKeys, type QueueKeys, queueKeys } from "./keys.js";
import type { Network } from "./network.js";
import { Places } from "./places.js";
import { recover } from "./recovery.js";
import { type Claim, RedisDelivery } from "./redis-delivery.js";
import { LARGE_BYTES } from "./results.js";
import { CLAIM, GIVE_BACK, REMOVE } from "./scripts/claim.js";
import { BEAT, BEQUEATH } from "./scripts/workers.js";
import { type Scheduler, type SubQueue, subQueueName } from "./sub-queues.js";
import type { Listener, Watch } from "./watch.js";
import type { Worker } from "./worker.js";

/** A worker says that it lives every third of its lease, and at least this often. */
const BEAT_MAX_MS = 5_000;
/** Messages taken at once. */
const BATCH_MAX = 16;
/** Longest list of jobs in work that a worker tells of itself. */
const HOLDS_MAX = 100;
/** How long what blocks for consumers goes on when none of them waits. */
const LET_GO_MS = 20;
/** How long a desk that nobody uses stays open. */
const IDLE_MS = 10_000;
/** How long a close may take. */
const CLOSE_MS = 1_500;
const RETRY_BASE_MS = 50;
const RETRY_MAX_MS = 2_000;
/** The others of a dead worker's finders should not all come at once. */
const RECOVER_SPREAD_MS = 150;

export interface DeskOptions {
  readonly network: Network;
  readonly watch: Watch;
  readonly closed: AbortSignal;
  readonly queueName: string;
  readonly scheduler: Scheduler;
  readonly leaseMs: number;
  readonly maxDeliveries: number;
  /** Ends a job for good: a failed result for its client, a dead letter for us. */
  readonly giveUp: (
    claim: Claim,
    job: { text: string; jobId: string; deaths: number },
  ) => Promise<void>;
  /** The desk is closed, because nobody used it or because its client was closed. */
  readonly onClosed: () => void;
}

interface Waiter {
  readonly resolve: (delivery: RedisDelivery | undefined) => void;
  readonly reject: (error: unknown) => void;
  /** Its time is over; it goes when it was looked once for it. */
  isLate: boolean;
  wasTried: boolean;
}

export class ClaimDesk {
  readonly #options: DeskOptions;
  readonly #logger: Logger;
  readonly #base: QueueKeys;
  readonly #queues: ReadonlyMap<SubQueue, QueueKeys>;
  readonly #waiters = new Set<Waiter>();
  readonly #blockers: readonly Blocker[];
  readonly #givingBack: RedisDelivery[] = [];
  /** Came while nobody waited, and nobody may come any more for very long. */
  readonly #spares: RedisDelivery[] = [];
  #letGoTimer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #worker: Worker | undefined;
  #opening: Promise<Worker> | undefined;
  /** Lost ones that Redis could not be told of yet. */
  readonly #lost = new Set<Worker>();
  #beatTimer: NodeJS.Timeout | undefined;
  #recoverTimer: NodeJS.Timeout | undefined;
  #recovering: Promise<void> | undefined;
  #pumping: Promise<void> | undefined;
  #pumpAgain = false;
  #isClosed = false;
  #usedMs = monotonicMs();

  constructor(options: DeskOptions) {
    this.#options = options;
    const { network, queueName, scheduler } = options;
    this.#logger = network.logger;
    this.#base = queueKeys(queueName);
    this.#queues = new Map(
      scheduler.subQueues.map((name) => [name, queueKeys(subQueueName(queueName, name))]),
    );
    this.#armBeat();
    this.#blockers = [...this.#queues].map(
      ([subQueue, keys]) =>
        new Blocker(network, keys, {
          reserve: () => this.#reserve(),
          hand: (worker, place, message) => this.#hand(worker, { place, subQueue, message }),
          free: (worker, place) => this.#free(worker, place),
          doubt: (worker, place) => this.#doubt(worker, place),
          isWanted: () => this.#waiters.size > 0 && !this.#isClosed,
          distrust: () => this.#distrust(),
          // Long ones are better moved one by one than through a script.
          onTaken: (length) => {
            if (length <= LARGE_BYTES) this.#pump();
          },
        }),
    );
  }

  /**
   * The next message; undefined when none came in time.
   *
   * @throws what `Network.script` throws, and the reason of what ended the call.
   */
  async take(bounds: CallBounds): Promise<RedisDelivery | undefined> {
    throwIfEnded(bounds);
    if (this.#isClosed) throw ClientErrors.CLOSED({});
    this.#usedMs = monotonicMs();
    const spare = this.#spares.shift();
    if (spare !== undefined) return spare;
    return new Promise((resolve, reject) => {
      const ends = [...bounds.signals, bounds.closed];
      const leave = (wasServed: boolean) => {
        this.#waiters.delete(waiter);
        clearTimeout(timer);
        for (const signal of ends) signal.removeEventListener("abort", onEnd);
        if (this.#waiters.size === 0) this.#letGo(wasServed);
      };
      const waiter: Waiter = {
        resolve: (delivery) => {
          leave(delivery !== undefined);
          resolve(delivery);
        },
        reject: (error) => {
          leave(false);
          reject(error);
        },
        isLate: false,
        wasTried: false,
      };
      const onEnd = (event: Event) => waiter.reject((event.target as AbortSignal).reason);
      const timer = setTimeout(() => {
        waiter.isLate = true;
        if (waiter.wasTried) waiter.resolve(undefined);
        else this.#pump();
      }, bounds.deadline.leftMs);
      for (const signal of ends) signal.addEventListener("abort", onEnd);
      this.#waiters.add(waiter);
      // What blocks at every queue, or is about to, hands over the next message by itself.
      if (this.#blockers.every(({ isBlocked }) => isBlocked)) waiter.wasTried = true;
      else if (!this.#blockers.every(({ isRunning }) => isRunning)) this.#pump();
    });
  }

  /** A delivery's result is stored, and with it the delivery has left its place. */
  answered(claim: Claim): void {
    const worker = this.#holderOf(claim);
    worker?.deliveries.get(claim.place)?.answered();
    this.#freeClaim(claim);
  }

  /** Whether a claim's place is another delivery's by now: Redis cannot tell them apart. */
  isReplaced({ workerId, place, sequence }: Claim): boolean {
    if (this.#worker?.id !== workerId) return false;
    const holder = this.#worker.deliveries.get(place);
    return holder !== undefined && holder.claim.sequence !== sequence;
  }

  /** Its job is over, by the word of somebody else: who works on it is told. */
  cancelled(jobId: string): void {
    const worker = this.#worker;
    for (const delivery of worker?.deliveries.values() ?? []) {
      if (!delivery.message.includes(jobId) || delivery.jobId !== jobId) continue;
      // What is being settled already leaves its place with that.
      if (!delivery.lose("its job was cancelled")) continue;
      this.#unlink(delivery).then(
        () => this.#freeClaim(delivery.claim),
        () => this.#doubtClaim(delivery.claim),
      );
    }
  }

  /** Ends all waits; what was not settled goes back to its queue, as far as Redis can be told. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#beatTimer);
    clearTimeout(this.#recoverTimer);
    clearTimeout(this.#letGoTimer);
    this.#spares.length = 0;
    const worker = this.#worker;
    for (const waiter of [...this.#waiters]) waiter.reject(ClientErrors.CLOSED({}));
    for (const delivery of worker?.deliveries.values() ?? [])
      delivery.lose("the client was closed");
    await settlesWithin(this.#leave(worker), CLOSE_MS);
    this.#options.watch.forget(this.#base.channel, this.#listener);
    for (const blocker of this.#blockers) blocker.close();
    this.#options.onClosed();
  }

  /** Whether it takes no more fetches; from then on until `onClosed` it says good-bye to Redis. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether nobody has used it for a while. */
  get isIdle(): boolean {
    const isFree = this.#waiters.size === 0 && (this.#worker?.deliveries.size ?? 0) === 0;
    return isFree && this.#lost.size === 0 && monotonicMs() - this.#usedMs > IDLE_MS;
  }

  async #leave(worker: Worker | undefined): Promise<void> {
    const blocked = this.#blockers.map((blocker) => blocker.stop());
    await Promise.allSettled([this.#pumping, this.#recovering, this.#flushing, ...blocked]);
    if (worker === undefined) return;
    const places = [...worker.places.all()].sort(
      (one, other) => sequenceOf(worker, other) - sequenceOf(worker, one),
    );
    const bounds = this.#bounds(CLOSE_MS);
    const { network } = this.#options;
    await this.#giveBackAll(worker, places);
    // With a blocker that did not end it may still get a message: then its lease must run out.
    if (this.#blockers.some(({ isBlocked }) => isBlocked)) return;
    await network.command(this.#base.workers, ["ZREM", this.#base.workers, worker.id], bounds);
    await network.command(this.#base.workers, ["DEL", this.#base.worker(worker.id)], bounds);
  }

  // Claiming

  #pump(): void {
    if (this.#pumping !== undefined) {
      this.#pumpAgain = true;
      return;
    }
    this.#pumping = this.#claimAll()
      .catch((error: unknown) => this.#refuseAll(error))
      .finally(() => {
        this.#pumping = undefined;
        if (this.#pumpAgain) {
          this.#pumpAgain = false;
          this.#pump();
        }
      });
  }

  /** Takes what there is for those who wait; for what is to come the blockers are set. */
  async #claimAll(): Promise<void> {
    // Fetches that begin in the same event are served together.
    await new Promise<void>(afterThisEvent);
    while (this.#waiters.size > 0 && !this.#isClosed) {
      this.#pumpAgain = false;
      const worker = await this.#openWorker();
      await this.#resolveDoubts(worker);
      const asking = [...this.#waiters];
      const count = Math.min(asking.length, this.#batchMax);
      const places = await this.#reserveMany(worker, count);
      const takenCount = await this.#claim(worker, places);
      if (takenCount === places.length) continue;
      for (const waiter of asking) {
        waiter.wasTried = true;
        if (waiter.isLate) waiter.resolve(undefined);
      }
      for (const blocker of this.#blockers) blocker.start();
      if (!this.#pumpAgain) return;
    }
  }

  get #batchMax(): number {
    return this.#options.scheduler.isBatchable ? BATCH_MAX : 1;
  }

  /** How many of the places got a message. */
  async #claim(worker: Worker, places: readonly number[]): Promise<number> {
    const { scheduler, network } = this.#options;
    const names = scheduler.subQueues;
    const orders = places.map(() => scheduler.order());
    let taken: readonly (readonly [SubQueue, string])[];
    try {
      taken = network.isCluster
        ? await this.#claimEach(worker, places, orders)
        : await this.#claimOnce(worker, places, orders);
    } catch (error) {
      for (const place of places) this.#doubt(worker, place);
      throw error;
    }
    for (const [index, place] of places.entries()) {
      const got = taken[index];
      if (got === undefined) {
        this.#free(worker, place);
        continue;
      }
      const [subQueue, message] = got;
      if (names.length > 1) scheduler.won(subQueue);
      this.#hand(worker, { place, subQueue, message });
    }
    return taken.length;
  }

  async #claimOnce(
    worker: Worker,
    places: readonly number[],
    orders: readonly (readonly SubQueue[])[],
  ): Promise<[SubQueue, string][]> {
    const names = [...this.#queues.keys()];
    const queues = [...this.#queues.values()];
    const keys = [
      ...queues.flatMap(({ queue, last, lastClaim }) => [queue, last, lastClaim]),
      ...places.flatMap((place) => queues.map((each) => each.claim(worker.id, place))),
    ];
    const digits = orders.map((order) => order.map((name) => names.indexOf(name)).join(""));
    const args = [queues.length, places.length, ...digits];
    const answer = (await this.#options.network.script(CLAIM, keys, args, this.#bounds())) as (
      | number
      | string
    )[];
    const taken: [SubQueue, string][] = [];
    for (let index = 0; index < answer.length; index += 2) {
      taken.push([names[answer[index] as number] as SubQueue, answer[index + 1] as string]);
    }
    return taken;
  }

  /** In Cluster the queues lie on different nodes, so each is asked by itself. */
  async #claimEach(
    worker: Worker,
    places: readonly number[],
    orders: readonly (readonly SubQueue[])[],
  ): Promise<[SubQueue, string][]> {
    const taken: [SubQueue, string][] = [];
    const { network } = this.#options;
    for (const [index, place] of places.entries()) {
      let got: [SubQueue, string] | undefined;
      for (const name of orders[index] ?? []) {
        const { queue, last, lastClaim, claim } = this.#queues.get(name) as QueueKeys;
        const keys = [queue, last, lastClaim, claim(worker.id, place)];
        const answer = await network.script(CLAIM, keys, [1, 1, "0"], this.#bounds());
        const [, message] = answer as [number, string] | [];
        if (message === undefined) continue;
        got = [name, message];
        break;
      }
      if (got === undefined) return taken;
      taken.push(got);
    }
    return taken;
  }

  /** To the one who waits longest; back to the queue when nobody waits any more. */
  #hand(
    worker: Worker,
    { place, subQueue, message }: { place: number; subQueue: SubQueue; message: string },
  ): void {
    const keys = this.#queues.get(subQueue) as QueueKeys;
    worker.sequence++;
    const claim = { workerId: worker.id, place, sequence: worker.sequence, queueName: keys.queue };
    const delivery = new RedisDelivery(message, claim, { keys, owner: this.#owner });
    worker.deliveries.set(place, delivery);
    if (worker !== this.#worker) {
      delivery.lose("its lease is over");
      this.#bequeath(worker);
      return;
    }
    const [waiter] = this.#waiters;
    if (waiter !== undefined) waiter.resolve(delivery);
    else if (this.#letGoTimer !== undefined && !this.#isClosed) this.#spares.push(delivery);
    else delivery.release().catch(() => {});
    this.#usedMs = monotonicMs();
  }

  #refuseAll(error: unknown): void {
    for (const waiter of [...this.#waiters]) waiter.reject(error);
  }

  /**
   * Nobody waits any more: what blocks for them ends. A consumer of one message at a time, which has just
   * been served, comes back at once; it would else let go and block again for each message.
   */
  #letGo(wasServed: boolean): void {
    clearTimeout(this.#letGoTimer);
    this.#letGoTimer = undefined;
    if (this.#isClosed) return;
    const letGo = () => {
      this.#letGoTimer = undefined;
      for (const spare of this.#spares.splice(0)) spare.release().catch(() => {});
      if (this.#waiters.size > 0) return;
      for (const blocker of this.#blockers) blocker.stop().catch(() => {});
    };
    if (wasServed) this.#letGoTimer = setTimeout(letGo, LET_GO_MS);
    else setImmediate(letGo);
  }

  // Places

  async #reserveMany(worker: Worker, count: number): Promise<number[]> {
    const places: number[] = [];
    for (let index = 0; index < count; index++) {
      try {
        places.push(worker.places.take() ?? (await this.#grow(worker)));
      } catch (error) {
        for (const place of places) worker.places.free(place);
        throw error;
      }
    }
    return places;
  }

  async #reserve(): Promise<{ worker: Worker; place: number }> {
    const worker = await this.#openWorker();
    await this.#resolveDoubts(worker);
    const [place] = (await this.#reserveMany(worker, 1)) as [number];
    return { worker, place };
  }

  /** Redis must know of places before anything is put there, or nobody would look for it. */
  async #grow(worker: Worker): Promise<number> {
    worker.places.grow();
    await this.#beat(worker);
    return this.#reserveMany(worker, 1).then(([place]) => place as number);
  }

  #free(worker: Worker, place: number): void {
    worker.deliveries.delete(place);
    worker.places.free(place);
    this.#usedMs = monotonicMs();
  }

  #doubt(worker: Worker, place: number): void {
    worker.deliveries.delete(place);
    worker.doubtful.add(place);
    if (worker !== this.#worker) this.#bequeath(worker);
  }

  /** A Redis that came back may have brought back what was taken out of a place before. */
  #distrust(): void {
    for (const place of this.#worker?.places.takeFree() ?? []) this.#worker?.doubtful.add(place);
  }

  /** What lies in places whose content is unknown goes back to its queue. */
  async #resolveDoubts(worker: Worker): Promise<void> {
    if (worker.doubtful.size === 0) return;
    const places = [...worker.doubtful];
    // Those that come to be doubtful meanwhile are the next one's.
    worker.doubtful.clear();
    try {
      await this.#giveBackAll(worker, places);
    } catch (error) {
      for (const place of places) worker.doubtful.add(place);
      throw error;
    }
    for (const place of places) worker.places.free(place);
  }

  async #giveBackAll(worker: Worker, places: readonly number[]): Promise<void> {
    for (const keys of this.#queues.values()) {
      const claims = places.map((place) => keys.claim(worker.id, place));
      await this.#options.network.script(GIVE_BACK, [keys.queue, ...claims], [], this.#bounds());
    }
  }

  // Settling

  readonly #owner = {
    checkOpen: () => {
      if (this.#isClosed) throw ClientErrors.CLOSED({});
    },
    remove: (delivery: RedisDelivery) => this.#remove(delivery),
    giveBack: (delivery: RedisDelivery) => this.#giveBack(delivery),
  };

  async #remove(delivery: RedisDelivery): Promise<void> {
    const { claim } = delivery;
    let wasThere: boolean;
    try {
      wasThere = await this.#unlink(delivery);
    } catch (error) {
      this.#doubtClaim(claim);
      throw ClientErrors.DELIVERY_UNKNOWN({ what: "settled" }, error);
    }
    this.#freeClaim(claim);
    if (wasThere || (await this.#isOver(delivery))) return;
    throw ClientErrors.LEASE_OVER({ reason: "it was over before the acknowledgement" });
  }

  async #unlink({ claim, keys }: RedisDelivery): Promise<boolean> {
    const place = keys.claim(claim.workerId, claim.place);
    return (await this.#options.network.script(REMOVE, [place], [], this.#bounds())) === 1;
  }

  /** Its job was answered, by a client of ours that has taken it out of its place with that. */
  async #isOver({ jobId }: RedisDelivery): Promise<boolean> {
    if (jobId === undefined) return false;
    const { job } = jobKeys(jobId);
    const state = await this.#options.network.command(job, ["HGET", job, "s"], this.#bounds());
    return state === "answered";
  }

  /** Those given back together go back in their order. */
  async #giveBack(delivery: RedisDelivery): Promise<void> {
    this.#givingBack.push(delivery);
    this.#flushing ??= this.#flushAll();
    return this.#flushing;
  }

  /** Those that come while others are on their way are next. */
  async #flushAll(): Promise<void> {
    while (this.#givingBack.length > 0) {
      await new Promise<void>(afterThisEvent);
      await this.#flush();
    }
    // In the same step as the last look: who comes after it begins anew.
    this.#flushing = undefined;
  }

  async #flush(): Promise<void> {
    const deliveries = this.#givingBack
      .splice(0)
      .sort((one, other) => other.claim.sequence - one.claim.sequence);
    for (const { queue } of this.#queues.values()) {
      const group = deliveries.filter(({ keys }) => keys.queue === queue);
      if (group.length === 0) continue;
      const claims = group.map(({ keys, claim }) => keys.claim(claim.workerId, claim.place));
      try {
        await this.#options.network.script(GIVE_BACK, [queue, ...claims], [], this.#bounds());
        for (const { claim } of group) this.#freeClaim(claim);
      } catch (error) {
        this.#logger.warn({ queue, error: messageOf(error) }, "messages could not be given back");
        for (const { claim } of group) this.#doubtClaim(claim);
      }
    }
  }

  #freeClaim(claim: Claim): void {
    const worker = this.#holderOf(claim);
    if (worker !== undefined) this.#free(worker, claim.place);
  }

  #doubtClaim(claim: Claim): void {
    const worker = this.#holderOf(claim);
    if (worker !== undefined) this.#doubt(worker, claim.place);
  }

  /** Undefined when its place is another delivery's by now: freed once more, two would have it. */
  #holderOf({ workerId, place, sequence }: Claim): Worker | undefined {
    const worker = this.#worker?.id === workerId ? this.#worker : undefined;
    return worker?.deliveries.get(place)?.claim.sequence === sequence ? worker : undefined;
  }

  // The lease

  async #openWorker(): Promise<Worker> {
    if (this.#worker !== undefined) return this.#worker;
    this.#opening ??= this.#register().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #register(): Promise<Worker> {
    const worker: Worker = {
      id: newId(),
      places: new Places(),
      deliveries: new Map(),
      doubtful: new Set(),
      seenMs: monotonicMs(),
      sequence: 0,
    };
    await this.#options.watch.listen(this.#base.channel, this.#listener);
    await this.#beat(worker, true);
    this.#worker = worker;
    this.#armBeat();
    return worker;
  }

  readonly #listener: Listener = {
    onMessage: (message) => this.#onEvent(message),
    onGap: () => {
      this.#distrust();
      this.#beatSoon();
    },
  };

  #onEvent(message: string): void {
    const [kind, ...rest] = message.split(" ");
    if (kind === "cancelled") this.cancelled(rest.join(" "));
    else if (this.#waiters.size > 0) this.#pump();
  }

  get #beatMs(): number {
    return Math.min(this.#options.leaseMs / 3, BEAT_MAX_MS);
  }

  #armBeat(): void {
    clearTimeout(this.#beatTimer);
    if (this.#isClosed) return;
    this.#beatTimer = setTimeout(() => this.#beatSoon(), this.#beatMs);
  }

  #beatSoon(): void {
    if (this.#isClosed) return;
    if (this.isIdle) {
      this.close().catch(() => {});
      return;
    }
    for (const lost of this.#lost) this.#bequeath(lost);
    const worker = this.#worker;
    if (worker === undefined) {
      this.#armBeat();
      return;
    }
    this.#beat(worker)
      .catch((error: unknown) => this.#onBeatFailed(worker, error))
      .finally(() => this.#armBeat());
  }

  async #beat(worker: Worker, isNew = false): Promise<void> {
    const { leaseMs, network } = this.#options;
    const sentMs = monotonicMs();
    const about = isNew ? this.#about() : [];
    const { count } = worker.places;
    const args = [
      worker.id,
      leaseMs,
      isNew ? "new" : "again",
      ...about,
      "places",
      count,
      "holds",
      JSON.stringify(this.#holds(worker)),
    ];
    const keys = [this.#base.workers, this.#base.worker(worker.id)];
    // Somebody waits for the first one, and for no other.
    const waitMs = isNew ? undefined : Math.max(1_000, leaseMs / 3);
    const answer = await network.script(BEAT, keys, args, this.#bounds(waitMs));
    const [isAlive, nextMs] = answer as [number, number];
    if (isAlive !== 1) {
      this.#loseWorker(worker, "Redis does not know this worker any more");
      throw ClientErrors.LEASE_OVER({ reason: "its worker's lease is over" });
    }
    worker.seenMs = sentMs;
    worker.places.know(count);
    this.#armRecovery(nextMs);
    if (!isNew) await this.#resolveDoubts(worker);
    if (this.#waiters.size > 0) this.#pump();
  }

  #onBeatFailed(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#logger.warn(
      { queue: this.#base.queue, error: messageOf(error) },
      "Redis could not be told that this worker lives",
    );
    const silentMs = monotonicMs() - worker.seenMs;
    if (silentMs > this.#options.leaseMs) this.#loseWorker(worker, "Redis was not reached in time");
  }

  /** Whatever lies in its places is others' now. */
  #loseWorker(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const lostCount = worker.deliveries.size;
    if (lostCount > 0) {
      this.#logger.warn({ queue: this.#base.queue, lostCount, reason }, "jobs in work are lost");
    }
    for (const delivery of worker.deliveries.values()) delivery.lose(reason);
    this.#bequeath(worker);
    if (this.#waiters.size > 0) this.#pump();
  }

  /**
   * A message may have come to a lost worker after others had looked into its places for the last time
   * and had forgotten it, as when this process stood still: Redis is told of the worker once more.
   */
  #bequeath(worker: Worker): void {
    this.#lost.delete(worker);
    const { network } = this.#options;
    const keys = [this.#base.workers, this.#base.worker(worker.id)];
    const args = [worker.id, worker.places.count];
    network.script(BEQUEATH, keys, args, this.#bounds()).catch((error: unknown) => {
      this.#lost.add(worker);
      this.#logger.debug({ error: messageOf(error) }, "Redis was not told of a lost worker yet");
    });
  }

  #about(): string[] {
    const { queueName, scheduler } = this.#options;
    return [
      ...["host", hostname(), "pid", String(processId), "started", isoNow(), "queue", queueName],
      ...["queues", scheduler.subQueues.join(",")],
    ];
  }

  #holds({ deliveries }: Worker): readonly { job: string | null; forMs: number; queue: string }[] {
    const nowMs = monotonicMs();
    return [...deliveries.values()].slice(0, HOLDS_MAX).map(({ jobId, sinceMs, keys }) => ({
      job: jobId ?? null,
      forMs: Math.round(nowMs - sinceMs),
      queue: keys.queue,
    }));
  }

  // Those who died

  #armRecovery(nextMs: number): void {
    clearTimeout(this.#recoverTimer);
    if (nextMs < 0 || this.#isClosed) return;
    const delayMs = Math.min(nextMs, 60_000) + Math.random() * RECOVER_SPREAD_MS;
    this.#recoverTimer = setTimeout(() => this.#recover(), delayMs);
  }

  #recover(): void {
    const worker = this.#worker;
    if (worker === undefined || this.#isClosed || this.#recovering !== undefined) return;
    const { network, maxDeliveries, giveUp } = this.#options;
    this.#recovering = recover({
      network,
      base: this.#base,
      queues: [...this.#queues.values()],
      worker,
      maxDeliveries,
      giveUp,
      bounds: () => this.#bounds(),
      reserve: () => this.#reserveMany(worker, 1).then(([place]) => place as number),
      free: (place) => this.#free(worker, place),
      doubt: (place) => this.#doubt(worker, place),
    })
      .then((nextMs) => this.#armRecovery(nextMs))
      .catch(async (error: unknown) => {
        this.#logger.warn(
          { error: messageOf(error) },
          "a dead worker's jobs could not be taken over",
        );
        this.#armRecovery(backoffMs(1, RETRY_BASE_MS, RETRY_MAX_MS));
      })
      .finally(() => {
        this.#recovering = undefined;
        if (this.#waiters.size > 0) this.#pump();
      });
  }

  #bounds(timeoutMs = 30_000): CallBounds {
    return { deadline: new Deadline(timeoutMs), signals: [], closed: this.#options.closed };
  }
}

/** Of what lies in a place; nothing that was handed out comes last. */
function sequenceOf({ deliveries }: Worker, place: number): number {
  return deliveries.get(place)?.claim.sequence ?? Number.POSITIVE_INFINITY;
}
