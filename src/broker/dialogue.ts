/**
 * One request after the other, each with its answers: what a connection is made of, or one channel of
 * it. Knows no bytes and no sockets; what the commands do stands in `handlers/`.
 *
 *   request ──handler replies──────────────> request
 *   request ──hold──> held ──message──> ack  (a POP waits)   held ──time is up──> request
 *   request ──transact──> ack ──good ACK──> settling ──kept──> request     ack ──else──> over
 *   request ──transact directly──> settling  (the ACK came with the request)
 *   request ──refuse──> over, or request where the carrier goes on
 */
import { monotonicMs } from "../core/index.js";
import { encodeFinal, encodeNoAck, type Frame, readAck } from "../wire/index.js";
import type { BrokerState } from "./broker-state.js";
import { ConnectionTimer } from "./connection-timer.js";
import { handleRequest } from "./handlers/handle-request.js";
import type { LeaseEnd } from "./job-ledger.js";
import type { Session, Transaction } from "./session.js";

/** A peer that ends so soon after a message was sent to it has probably not seen it. */
const UNNOTICED_MS = 1_000;

type State = "request" | "held" | "ack" | "settling" | "over";
type Wait = Parameters<Session["hold"]>[0];

/** What a dialogue needs of the connection that carries it. */
export interface DialogueCarrier {
  /** Sends one frame, in parts. */
  send(parts: readonly Buffer[]): void;
  /** An answer is out, and the peer's next frame may come: a request, or an ACK. */
  onReady(): void;
  /** The wait is over, and an answer follows. */
  onHoldEnd(): void;
  /** A request was refused for good. Whether this ends the dialogue. */
  onRefused(): boolean;
  /** Its last answer is out: the ACK was missing, late or wrong. */
  onOver(): void;
  /** What was agreed could not be kept: nothing is said, so that the peer repeats. */
  cutOff(): void;
  /** Says how many channels there may be, and becomes a carrier of them. */
  split(): void;
}

export class Dialogue implements Session {
  readonly #carrier: DialogueCarrier;
  readonly #broker: BrokerState;
  #state: State = "request";
  #transaction: Transaction | undefined;
  /** When the first response of the transaction went out. */
  #handedAtMs = 0;
  /** The peer has said that it has the message. */
  #isTaken = false;
  /** Committed, and its peer is not known to have heard of it. */
  #unheard: Transaction | undefined;
  #wait: Wait | undefined;
  readonly #timer = new ConnectionTimer();

  constructor(carrier: DialogueCarrier, broker: BrokerState) {
    this.#carrier = carrier;
    this.#broker = broker;
  }

  get state(): State {
    return this.#state;
  }

  /** A frame may come now. */
  get isListening(): boolean {
    return this.#state === "request" || this.#state === "ack";
  }

  /** A transaction that is not to be cut off. */
  get isBusy(): boolean {
    return this.#state === "ack" || this.#state === "settling";
  }

  /** Takes a request, or an ACK. Only while it listens. */
  receive(frame: Frame): void {
    if (this.#state === "ack") this.#onAck(frame);
    else {
      this.conclude(true);
      handleRequest(frame, this, this.#broker);
    }
  }

  reply(frame: Buffer): void {
    this.#carrier.send([frame]);
    this.#becomeReady();
  }

  refuse(frame: Buffer): void {
    this.#carrier.send([frame]);
    if (this.#carrier.onRefused()) this.#end();
    else this.#becomeReady();
  }

  split(): void {
    this.#carrier.split();
  }

  transact(first: readonly Buffer[] | undefined, transaction: Transaction): void {
    this.#transaction = transaction;
    if (first === undefined) {
      this.#commit(transaction, false);
      return;
    }
    this.#carrier.send(first);
    this.#handedAtMs = monotonicMs();
    this.#isTaken = false;
    this.#state = "ack";
    this.#waitForAck(transaction.ackWaitMs);
    if (this.#state === "ack") this.#carrier.onReady();
  }

  hold(wait: Wait): void {
    this.#state = "held";
    this.#wait = wait;
    this.#timer.arm("hold", wait.holdMs, () => this.endOfHold());
  }

  endHold(): void {
    this.#timer.disarm();
    this.#wait = undefined;
    this.#state = "request";
    this.#carrier.onHoldEnd();
  }

  revoke(transactionId: string): void {
    if (this.#state === "ack" && this.#transaction?.id === transactionId) this.refuseAck("lost");
  }

  /** The ACK has begun to arrive: how long it may take for that is not this dialogue's business. */
  stopAckWait(): void {
    this.#timer.disarm();
  }

  /** The ACK is missing, late or wrong: nothing happened, and the dialogue ends. */
  refuseAck(end: LeaseEnd): void {
    const transaction = this.#transaction as Transaction;
    transaction.abort(end);
    this.#sayNoAck(transaction);
  }

  /** Nobody waits any more: the held request is answered. @param isLast and no other may follow. */
  endOfHold(isLast = false): void {
    const { answer, cancel } = this.#wait as Wait;
    cancel();
    this.endHold();
    if (isLast) this.refuse(answer);
    else this.reply(answer);
  }

  /** The peer has heard the last final response, or may not have. */
  conclude(isHeard: boolean): void {
    const transaction = this.#unheard;
    this.#unheard = undefined;
    transaction?.concluded?.(isHeard);
  }

  /**
   * The peer is gone: what is in flight goes back.
   *
   * @param isHeard whether it went in good order.
   * @param end how it lost what it had.
   */
  close(isHeard: boolean, end = this.endOfLine): void {
    const isSettled = this.#state !== "settling";
    this.#end();
    this.#wait?.cancel();
    this.#wait = undefined;
    this.#transaction?.abort(end);
    this.#transaction = undefined;
    this.conclude(isHeard && isSettled);
  }

  /**
   * A consumer that closes while its POP waits may be handed a message in that very moment. It has
   * not lost what it never had: that counts only from a sign of life on, or after a while.
   */
  get endOfLine(): LeaseEnd {
    const wasHeld = this.#isTaken || monotonicMs() - this.#handedAtMs > UNNOTICED_MS;
    return wasHeld ? "lost" : "released";
  }

  #becomeReady(): void {
    this.#state = "request";
    this.#carrier.onReady();
  }

  #end(): void {
    this.#state = "over";
    this.#timer.disarm();
  }

  #waitForAck(ackWaitMs: number): void {
    if (ackWaitMs <= 0) this.refuseAck("expired");
    else this.#timer.arm("ack", ackWaitMs, () => this.refuseAck("expired"));
  }

  #onAck({ body, heldBytes }: Frame): void {
    const transaction = this.#transaction as Transaction;
    const ack = readAck(body, transaction.id);
    this.#broker.queues.budget.giveBack(heldBytes);
    if (ack.kind === "acknowledged") {
      this.#timer.disarm();
      this.#commit(transaction, ack.isQuiet);
    } else if (ack.kind === "extended" && transaction.maxExtendMs !== undefined) {
      this.#isTaken = true;
      this.#waitForAck(Math.min(ack.extendS * 1000, transaction.maxExtendMs));
    } else this.refuseAck(ack.kind === "released" ? "released" : "lost");
  }

  /** @param isQuiet who hears no final response does not wait for it either. */
  #commit(transaction: Transaction, isQuiet: boolean): void {
    const committed = transaction.commit();
    if (committed === "refused") {
      this.#sayNoAck(transaction);
      return;
    }
    this.#transaction = undefined;
    this.#unheard = transaction;
    // Nothing is said when it could not be kept: the peer sees the end of the line and repeats.
    const fail = () => {
      this.#unheard = undefined;
      this.#carrier.cutOff();
    };
    if (isQuiet) {
      committed?.catch(fail);
      this.#becomeReady();
    } else if (committed === undefined) this.#finish(transaction);
    else {
      this.#state = "settling";
      committed.then(() => this.#finish(transaction), fail);
    }
  }

  #finish({ finalText, id }: Transaction): void {
    if (this.#state === "over") return;
    this.#carrier.send([encodeFinal(finalText, id)]);
    this.#becomeReady();
  }

  #sayNoAck({ id }: Transaction): void {
    this.#transaction = undefined;
    this.#end();
    this.#broker.counters.acksRefused++;
    this.#carrier.send([encodeNoAck(id)]);
    this.#carrier.onOver();
  }
}
