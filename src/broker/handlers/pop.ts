import { hasCode } from "../../core/index.js";
import {
  encodeMessage,
  encodeNotReady,
  encodeRefusal,
  type PopRequest,
  Text,
  type TimeoutS,
} from "../../wire/index.js";
import type { BrokerState } from "../broker-state.js";
import type { Loan } from "../queues.js";
import type { Session } from "../session.js";
import { StoreErrors } from "../store/errors.js";
import { ackWaitMs, DEFAULT_ACK_WAIT_MS, refuseTimeout } from "./ack-wait.js";

/** How long a body may take to be read from the disk. */
const READ_MS = 30_000;

/**
 * POP: the oldest message, on loan until the ACK. On an empty queue the request is held, so that a
 * client gets its result when it is there and not at its next poll.
 */
export function handlePop(request: PopRequest, session: Session, broker: BrokerState): void {
  broker.counters.pops++;
  const { timeoutS } = request;
  if (timeoutS !== null && !(timeoutS >= 0)) refuseTimeout(timeoutS);
  if (broker.phase === "stopping") session.refuse(encodeNotReady());
  else new Pop(request, session, broker).run();
}

class Pop {
  readonly #request: PopRequest;
  readonly #session: Session;
  readonly #broker: BrokerState;

  constructor(request: PopRequest, session: Session, broker: BrokerState) {
    this.#request = request;
    this.#session = session;
    this.#broker = broker;
  }

  run(): void {
    const { queues, ledger } = this.#broker;
    const { queueName } = this.#request;
    const loan = queues.take(queueName);
    if (loan !== undefined) {
      this.#fetchBody(loan);
      return;
    }
    const expiry = ledger?.expiryOf(queueName);
    if (expiry === undefined) this.#wait();
    else this.#session.reply(encodeRefusal(expiry));
  }

  #wait(): void {
    const { config, queues } = this.#broker;
    const { queueName, timeoutS } = this.#request;
    const holdMs = Math.min(holdTimeMs(timeoutS), config.maxHoldMs);
    const onLoan = (loan: Loan) => {
      this.#session.endHold();
      this.#fetchBody(loan);
    };
    const cancel = holdMs <= 0 ? undefined : queues.wait(queueName, onLoan);
    if (cancel === undefined) this.#session.reply(encodeNotReady());
    else this.#session.hold({ holdMs, answer: encodeNotReady(), cancel });
  }

  /** Hands out a body that is in memory; one on the disk is read while the request is held. */
  #fetchBody(loan: Loan): void {
    const { readBudget } = this.#broker.queues;
    const { bodyBytes } = loan.message.entry;
    const isFirst = readBudget.heldBytes === 0;
    const body = loan.body();
    if (Buffer.isBuffer(body)) {
      this.#handOut(loan, body, 0);
      return;
    }
    // The first one may be read whatever its size, or it would never be.
    if (isFirst) readBudget.take(bodyBytes);
    else if (!readBudget.tryTake(bodyBytes)) {
      body.catch(() => {});
      loan.giveBack("released");
      this.#session.reply(encodeNotReady());
      return;
    }
    let isCancelled = false;
    const cancel = () => {
      isCancelled = true;
      readBudget.giveBack(bodyBytes);
      loan.giveBack("released");
    };
    this.#session.hold({ holdMs: READ_MS, answer: encodeNotReady(), cancel });
    body.then(
      (read) => {
        if (isCancelled) return;
        this.#session.endHold();
        if (loan.isHeld) {
          this.#handOut(loan, read, bodyBytes);
          return;
        }
        // Taken away while it was read, by a cancel, say: there may be another.
        readBudget.giveBack(bodyBytes);
        this.run();
      },
      (error: unknown) => {
        if (isCancelled) return;
        this.#session.endHold();
        readBudget.giveBack(bodyBytes);
        loan.giveBack("released");
        // What is damaged is out of the way, and the next message may be sound.
        if (hasCode(error, StoreErrors.DAMAGED.code)) this.run();
        else this.#session.refuse(encodeNotReady());
      },
    );
  }

  /** @param heldBytes what the body counts against the memory until the handshake is over. */
  #handOut(loan: Loan, body: Buffer, heldBytes: number): void {
    const { config, counters, queues } = this.#broker;
    const { timeoutS } = this.#request;
    const { id } = loan.lease;
    const waitMs = timeoutS === 0 ? DEFAULT_ACK_WAIT_MS : ackWaitMs(timeoutS, config.maxAckWaitMs);
    loan.lease.onLost = () => this.#session.revoke(id);
    this.#session.transact(encodeMessage(body, id), {
      id,
      ackWaitMs: waitMs,
      maxExtendMs: config.maxAckWaitMs,
      finalText: Text.PROCESSED,
      commit: () => {
        queues.readBudget.giveBack(heldBytes);
        const settled = loan.settle();
        if (settled === undefined) return "refused";
        counters.delivered++;
        return settled.kept;
      },
      abort: (end) => {
        queues.readBudget.giveBack(heldBytes);
        loan.giveBack(end);
      },
    });
  }
}

/**
 * How long a POP with this timeout may be held, in milliseconds. Old clients sleep 1 s after "not
 * ready" before they look at their own clock, so that second is left to them.
 */
function holdTimeMs(timeoutS: TimeoutS): number {
  if (timeoutS === null) return Number.POSITIVE_INFINITY;
  return timeoutS <= 2 ? timeoutS * 500 : (timeoutS - 1) * 1000;
}
