/**
 * One connection to the broker: cuts its bytes into frames, runs one request after the other, and
 * keeps every wait bounded. What the commands do stands in `handlers/`.
 *
 *   request ──handler replies──────────────> request        (idle deadline runs)
 *   request ──hold──> held ──message──> ack  (a POP waits)   held ──time is up──> request
 *   request ──transact──> ack ──good ACK──> settling ──kept──> request     ack ──else──> discarding
 *   any ──protocol error, refusal──> discarding ──input ends──> closed
 *
 * Discarding reads and throws away what still comes, because a close with unread input resets the
 * line, and the peer would never see the answer that was sent before.
 */
import type { Socket } from "node:net";
import { hasCode, messageOf, monotonicMs } from "../core/index.js";
import {
  ACK_BYTES_MAX,
  encodeFinal,
  encodeNoAck,
  encodeQueueFull,
  encodeRefusal,
  type Frame,
  FrameReader,
  readAck,
  WireErrors,
} from "../wire/index.js";
import type { BrokerState } from "./broker-state.js";
import { ConnectionTimer } from "./connection-timer.js";
import { handleRequest } from "./handlers/handle-request.js";
import type { LeaseEnd } from "./job-ledger.js";
import type { Session, Transaction } from "./session.js";

/** How long the rest of a refused peer's bytes is read and thrown away. */
const DISCARD_MS = 30_000;
/**
 * A frame with more than this still to come must bring `PROGRESS_BYTES` within its deadline: its
 * buffer is large, and a peer that drips a byte now and then would hold it for ever.
 */
const PATIENT_BYTES = 64 * 1024;
const PROGRESS_BYTES = 16 * 1024;
/** Bytes a peer may send ahead while its POP is held; then it is not read until the hold ends. */
const READ_AHEAD_BYTES = 4 * 1024;
/** A peer that ends so soon after a message was sent to it has probably not seen it. */
const UNNOTICED_MS = 1_000;
/** The start of a final response's length: see `#freeAckBody`. */
const SEVEN_ZEROS = Buffer.alloc(7);

type State = "request" | "held" | "ack" | "settling" | "discarding" | "closed";
type Wait = Parameters<Session["hold"]>[0];

export class Connection implements Session {
  readonly #socket: Socket;
  readonly #broker: BrokerState;
  readonly #reader: FrameReader;
  #state: State = "request";
  #transaction: Transaction | undefined;
  /** When the first response of the transaction went out. */
  #handedAtMs = 0;
  /** The peer has said that it has the message. */
  #isTaken = false;
  /** Committed, and its peer is not known to have heard of it. */
  #unheard: Transaction | undefined;
  /** The peer sends no more. */
  #hasEnded = false;
  #wait: Wait | undefined;
  readonly #timer = new ConnectionTimer();
  #isAdvancing = false;
  /** Bytes that were missing when the deadline of a body was last set. */
  #missingAtArm = 0;
  /** Bytes of the next frame that the peer has already. */
  #sentAhead = 0;
  #discardBytes = Number.POSITIVE_INFINITY;

  constructor(socket: Socket, broker: BrokerState) {
    this.#socket = socket;
    this.#broker = broker;
    this.#reader = new FrameReader(broker.queues.budget);
    socket.on("data", (chunk) => this.#onData(chunk));
    socket.on("end", () => this.#onEnd());
    socket.on("close", (hadError) => this.#onClose(hadError));
    // "close" follows, but only after the present turn of the event loop, and who lost an answer by
    // this may repeat its push within that turn.
    socket.on("error", () => this.#conclude(false));
    this.#waitForRequest();
  }

  /** A transaction or an unfinished request keeps it from being closed at once. */
  get isBusy(): boolean {
    if (this.#state === "ack" || this.#state === "settling") return true;
    return this.#state === "request" && this.#reader.insideFrame;
  }

  /** Begins to close: a held POP is told "not ready", an idle connection ends, others go on. */
  drain(): void {
    if (this.#state === "held") this.#endOfHold(true);
    else if (!this.isBusy && this.#state !== "closed") this.#socket.destroySoon();
  }

  /** Closes without an answer; what is in flight goes back. */
  destroy(): void {
    this.#socket.destroy();
  }

  reply(frame: Buffer): void {
    this.#send([frame]);
    this.#waitForRequest();
    this.#advance();
  }

  refuse(frame: Buffer): void {
    this.#send([frame]);
    this.#discard(Number.POSITIVE_INFINITY);
  }

  transact(first: readonly Buffer[], transaction: Transaction): void {
    this.#send(first);
    this.#transaction = transaction;
    this.#handedAtMs = monotonicMs();
    this.#isTaken = false;
    this.#state = "ack";
    this.#waitForAck(transaction.ackWaitMs);
    this.#advance();
  }

  hold(wait: Wait): void {
    this.#state = "held";
    this.#wait = wait;
    this.#timer.arm("hold", wait.holdMs, () => this.#endOfHold(false));
  }

  endHold(): void {
    this.#wait = undefined;
    this.#state = "request";
    this.#socket.resume();
  }

  revoke(transactionId: string): void {
    if (this.#state === "ack" && this.#transaction?.id === transactionId) this.#refuseAck("lost");
  }

  #onData(chunk: Buffer): void {
    if (this.#state === "discarding") {
      this.#discardBytes -= chunk.length;
      if (this.#discardBytes <= 0) this.#socket.destroySoon();
      return;
    }
    this.#reader.push(chunk);
    this.#advance();
    const isWaiting = this.#state === "held" || this.#state === "settling";
    if (isWaiting && this.#reader.unreadBytes > READ_AHEAD_BYTES) this.#socket.pause();
  }

  /** Takes what the peer sent as far as the present state allows. */
  #advance(): void {
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    try {
      while (this.#state === "request" || this.#state === "ack") {
        const isAck = this.#state === "ack";
        if (!isAck && this.#socket.writableNeedDrain) {
          this.#waitForReader();
          break;
        }
        const frame = this.#reader.next(isAck ? ACK_BYTES_MAX : this.#broker.config.maxFrameBytes);
        if (frame === undefined) {
          this.#waitForRest(isAck);
          break;
        }
        if (isAck) this.#onAck(frame);
        else this.#onRequest(frame);
      }
    } catch (error) {
      this.#onUnreadable(error);
    } finally {
      this.#isAdvancing = false;
    }
  }

  #onRequest(frame: Frame): void {
    this.#conclude(true);
    if (frame.body.length === 0) {
      this.#discard(Number.POSITIVE_INFINITY);
      return;
    }
    this.#timer.disarm();
    handleRequest(frame, this, this.#broker);
  }

  #waitForAck(ackWaitMs: number): void {
    if (ackWaitMs <= 0) this.#refuseAck("expired");
    else this.#timer.arm("ack", ackWaitMs, () => this.#refuseAck("expired"));
  }

  #onAck({ body, heldBytes }: Frame): void {
    const transaction = this.#transaction as Transaction;
    const ack = readAck(body, transaction.id);
    this.#broker.queues.budget.giveBack(heldBytes);
    if (ack.kind === "acknowledged") this.#commit(transaction);
    else if (ack.kind === "extended" && transaction.maxExtendMs !== undefined) {
      this.#isTaken = true;
      this.#waitForAck(Math.min(ack.extendS * 1000, transaction.maxExtendMs));
    } else this.#refuseAck(ack.kind === "released" ? "released" : "lost");
  }

  #commit(transaction: Transaction): void {
    const committed = transaction.commit();
    if (committed === "refused") {
      this.#sayNoAck(transaction);
      return;
    }
    this.#transaction = undefined;
    this.#unheard = transaction;
    if (committed === undefined) {
      this.#finish(transaction);
      return;
    }
    this.#state = "settling";
    this.#timer.disarm();
    // Nothing is said when it could not be kept: the peer sees the end of the line and repeats.
    committed.then(
      () => this.#finish(transaction),
      () => {
        this.#unheard = undefined;
        this.#socket.destroy();
      },
    );
  }

  #finish(transaction: Transaction): void {
    if (this.#state === "closed") return;
    this.#send([encodeFinal(transaction.finalText, transaction.id)]);
    this.#waitForRequest();
    if (this.#hasEnded) this.#socket.destroySoon();
    else this.#socket.resume();
    this.#advance();
  }

  /** The peer has heard the last final response, or may not have. */
  #conclude(isHeard: boolean): void {
    const transaction = this.#unheard;
    this.#unheard = undefined;
    transaction?.concluded?.(isHeard);
  }

  /** The ACK is missing, late or wrong: nothing happened, and the connection ends. */
  #refuseAck(end: LeaseEnd): void {
    const transaction = this.#transaction as Transaction;
    transaction.abort(end);
    this.#sayNoAck(transaction);
  }

  #sayNoAck({ id }: Transaction): void {
    this.#transaction = undefined;
    this.#broker.counters.acksRefused++;
    this.#send([encodeNoAck(id)]);
    this.#discard(this.#reader.missingBytes || Number.POSITIVE_INFINITY);
  }

  /** A frame too large, or no memory for it: told from its header, before it is read. */
  #onUnreadable(error: unknown): void {
    const isFull = hasCode(error, WireErrors.MEMORY_FULL.code);
    if (!isFull && !hasCode(error, WireErrors.FRAME_TOO_LARGE.code)) {
      this.#broker.logger.error({ error: messageOf(error) }, "a connection failed and is closed");
      this.#socket.destroy();
      return;
    }
    this.#broker.counters.framesRefused++;
    if (this.#state === "ack") {
      this.#refuseAck("lost");
      return;
    }
    this.#send([isFull ? encodeQueueFull() : encodeRefusal(messageOf(error))]);
    this.#discard(this.#reader.missingBytes);
  }

  /** Answers must not pile up: until the peer has read what is there, no request is taken. */
  #waitForReader(): void {
    if (this.#timer.of === "reader") return;
    this.#socket.pause();
    const { frameTimeoutMs } = this.#broker.config;
    this.#timer.arm("reader", frameTimeoutMs, () => this.#socket.destroy());
    this.#socket.once("drain", () => {
      if (this.#state !== "request") return;
      this.#waitForRequest();
      this.#socket.resume();
      this.#advance();
    });
  }

  /** Between requests the idle deadline runs, inside a frame the frame's, before an ACK its own. */
  #waitForRest(isAck: boolean): void {
    const { headerTimeoutMs, frameTimeoutMs } = this.#broker.config;
    if (!this.#reader.insideFrame) return;
    const expire = isAck ? () => this.#refuseAck("expired") : () => this.#socket.destroy();
    if (!this.#reader.insideBody) {
      if (this.#timer.of !== "header") this.#timer.arm("header", headerTimeoutMs, expire);
      return;
    }
    const { missingBytes } = this.#reader;
    if (this.#timer.of !== "body") {
      this.#missingAtArm = missingBytes;
      this.#timer.arm("body", frameTimeoutMs, expire);
    } else if (
      missingBytes < PATIENT_BYTES ||
      this.#missingAtArm - missingBytes >= PROGRESS_BYTES
    ) {
      this.#missingAtArm = missingBytes;
      this.#timer.refresh();
    }
    if (isAck) this.#freeAckBody();
  }

  /**
   * Old clients write an ACK's header and body in two sends, and the body waits in their kernel until
   * something comes back (Nagle against delayed acknowledgement, 40 ms). The first seven bytes of
   * the final response's length are zero whatever it says, so they are sent when the header is here.
   */
  #freeAckBody(): void {
    const { atBodyStart, announcedBytes } = this.#reader;
    const isDue = atBodyStart && announcedBytes > 0 && announcedBytes <= ACK_BYTES_MAX;
    if (!isDue || this.#sentAhead > 0) return;
    this.#socket.write(SEVEN_ZEROS);
    this.#sentAhead = SEVEN_ZEROS.length;
  }

  #endOfHold(isLast: boolean): void {
    const { answer, cancel } = this.#wait as Wait;
    cancel();
    this.endHold();
    if (isLast) this.refuse(answer);
    else this.reply(answer);
  }

  #waitForRequest(): void {
    this.#state = "request";
    if (this.#broker.phase === "stopping") {
      this.#socket.destroySoon();
      return;
    }
    this.#timer.arm("idle", this.#broker.config.idleTimeoutMs, () => this.#discard(0));
  }

  /** Sends no more; reads and forgets up to `bytes` more bytes, for a time. */
  #discard(bytes: number): void {
    this.#state = "discarding";
    this.#reader.close();
    this.#discardBytes = bytes;
    this.#socket.end();
    this.#socket.resume();
    this.#timer.arm("discard", DISCARD_MS, () => this.#socket.destroy());
    if (bytes <= 0 || this.#socket.readableEnded) this.#socket.destroySoon();
  }

  #onEnd(): void {
    this.#hasEnded = true;
    // It closed before the final response came, and its system answered that with a reset. The end
    // that it had sent before is read first, and then nothing tells of the reset but this.
    if (this.#socket.remoteAddress === undefined) this.#conclude(false);
    // It still gets its final response, and the line ends after that. It may not be there to read
    // it: from now on its push may come again.
    if (this.#state === "settling") {
      this.#conclude(false);
      return;
    }
    if (this.#state === "held") this.#endOfHold(true);
    else if (this.#state === "ack") this.#refuseAck(this.#endOfLine);
    else if (this.#state === "request") this.#discard(0);
    this.#socket.destroySoon();
  }

  #onClose(hadError: boolean): void {
    const isClean = this.#hasEnded && !hadError && this.#state !== "settling";
    this.#state = "closed";
    this.#timer.disarm();
    this.#wait?.cancel();
    this.#wait = undefined;
    this.#transaction?.abort(this.#endOfLine);
    this.#transaction = undefined;
    this.#conclude(isClean);
    this.#reader.close();
    this.#broker.onClose(this);
  }

  /**
   * A consumer that closes while its POP waits may be handed a message in that very moment. It has
   * not lost what it never had: that counts only from a sign of life on, or after a while.
   */
  get #endOfLine(): LeaseEnd {
    const wasHeld = this.#isTaken || monotonicMs() - this.#handedAtMs > UNNOTICED_MS;
    return wasHeld ? "lost" : "released";
  }

  /** One write per frame, less the bytes of it that were sent ahead. */
  #send(parts: readonly Buffer[]): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    const [first, ...rest] = parts as [Buffer, ...Buffer[]];
    const unsent = this.#sentAhead > 0 ? first.subarray(this.#sentAhead) : first;
    this.#sentAhead = 0;
    if (rest.length === 0) {
      this.#socket.write(unsent);
      return;
    }
    this.#socket.cork();
    this.#socket.write(unsent);
    for (const part of rest) this.#socket.write(part);
    this.#socket.uncork();
  }
}
