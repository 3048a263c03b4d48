/**
 * The queues for callers in the broker's own process: what connections do over TCP, as calls. A
 * consumer here lives and dies with the broker, so its leases have no time of their own.
 */
import { clampTimerMs, hasCode, monotonicMs } from "../core/index.js";
import {
  failedReason,
  type HeldMessage,
  type MessageExchange,
  QueueErrors,
  type StoreOptions,
  stampJobId,
} from "../wire/index.js";
import type { BrokerState } from "./broker-state.js";
import type { PushRefusal } from "./job-ledger.js";
import type { Loan } from "./queues.js";
import { NO_DIGEST } from "./store/entry.js";
import { StoreErrors } from "./store/errors.js";

export class LocalExchange implements Pick<MessageExchange, "store" | "take"> {
  readonly #broker: BrokerState;
  readonly #isOpen: () => boolean;
  /** Ends each wait of `take`. */
  readonly #waits = new Set<() => void>();

  /** @param isOpen whether messages can come and go. */
  constructor(broker: BrokerState, isOpen: () => boolean) {
    this.#broker = broker;
    this.#isOpen = isOpen;
  }

  async store(
    queueName: string,
    body: Buffer,
    { stampJobId: isJob, leaseId, failed }: StoreOptions,
  ): Promise<string> {
    const { phase, queues, counters, store } = this.#broker;
    if (!this.#isOpen() || phase === "stopping") throw QueueErrors.UNAVAILABLE({ queueName });
    const id = queues.newId(isJob);
    const stamped = isJob ? stampJobId(body, id) : body;
    counters.pushes++;
    const push = {
      ...{ queueName, body: stamped, heldBytes: 0, isJob, id, digest: NO_DIGEST, leaseId },
      failed: leaseId === undefined || failed === undefined ? undefined : failedReason(failed),
    };
    const reservation = queues.reserve(push);
    if (typeof reservation === "string") {
      counters.pushesRefused++;
      throw refused(reservation, queueName);
    }
    const kept = reservation.store();
    if (kept === "jobOver") throw QueueErrors.JOB_OVER({ queueName });
    if (kept.stored !== undefined) await kept.stored;
    counters.stored++;
    // Who calls has its answer as soon as this returns.
    store.mark(kept.entry, { kind: "confirmed" });
    return id;
  }

  async take(
    queueName: string,
    options: { readonly waitMs: number; readonly signals?: readonly (AbortSignal | undefined)[] },
  ): Promise<HeldMessage | undefined> {
    const { waitMs, signals = [] } = options;
    const endMs = monotonicMs() + waitMs;
    this.#broker.counters.pops++;
    while (this.#isOpen()) {
      const leftMs = Math.max(0, endMs - monotonicMs());
      const loan =
        this.#broker.queues.take(queueName) ?? (await this.#wait(queueName, leftMs, signals));
      if (loan === undefined) return undefined;
      const body = loan.body();
      if (Buffer.isBuffer(body) && loan.noted === undefined) return this.#held(loan, body);
      try {
        // A job may bring this very process down, so its hand-out is written before it begins.
        const [read] = await Promise.all([body, loan.noted]);
        // Else it was taken away meanwhile, by a cancel, say.
        if (loan.isHeld) return this.#held(loan, read);
      } catch (error) {
        loan.giveBack("released");
        if (!hasCode(error, StoreErrors.DAMAGED.code)) throw error;
      }
    }
    return undefined;
  }

  /** Lets go who waits, without a message. */
  endWaits(): void {
    for (const giveUp of [...this.#waits]) giveUp();
  }

  #wait(
    queueName: string,
    waitMs: number,
    signals: readonly (AbortSignal | undefined)[],
  ): Promise<Loan | undefined> {
    const reason = this.#broker.ledger?.expiryOf(queueName);
    if (reason !== undefined) return Promise.reject(QueueErrors.RESULT_EXPIRED({ reason }));
    const isOver = waitMs <= 0 || signals.some((signal) => signal?.aborted);
    if (isOver || this.#broker.phase === "stopping") return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const cancel = this.#broker.queues.wait(queueName, (late) => finish(late));
      if (cancel === undefined) {
        const { maxWaitersPerQueue } = this.#broker.config;
        reject(QueueErrors.WAITERS_FULL({ queueName, maxWaitersPerQueue }));
        return;
      }
      const giveUp = () => {
        cancel();
        finish(undefined);
      };
      const finish = (loan: Loan | undefined) => {
        clearTimeout(timer);
        for (const signal of signals) signal?.removeEventListener("abort", giveUp);
        this.#waits.delete(giveUp);
        resolve(loan);
      };
      const timer = setTimeout(giveUp, clampTimerMs(waitMs));
      for (const signal of signals) signal?.addEventListener("abort", giveUp);
      this.#waits.add(giveUp);
    });
  }

  #held(loan: Loan, body: Buffer): HeldMessage {
    const { lease } = loan;
    return {
      body,
      leaseId: lease.id,
      get onLost() {
        return lease.onLost;
      },
      set onLost(listener: (() => void) | undefined) {
        lease.onLost = listener;
      },
      acknowledge: async () => {
        const settled = loan.settle();
        if (settled === undefined) return false;
        this.#broker.counters.delivered++;
        if (settled.kept !== undefined) await settled.kept;
        return true;
      },
      release: () => loan.giveBack("released"),
    };
  }
}

function refused(refusal: PushRefusal, queueName: string) {
  switch (refusal) {
    case "full":
      return QueueErrors.FULL({ queueName });
    case "unavailable":
      return QueueErrors.UNAVAILABLE({ queueName });
    case "jobOver":
      return QueueErrors.JOB_OVER({ queueName });
    case "leaseOver":
      return QueueErrors.LEASE_OVER({ queueName });
  }
}
