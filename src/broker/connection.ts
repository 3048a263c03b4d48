/**
 * One connection to the broker: cuts its bytes into frames for its one dialogue, and keeps every wait
 * for bytes bounded. Asked to, it becomes a carrier of many dialogues: see `channels.ts`.
 *
 * Discarding reads and throws away what still comes, because a close with unread input resets the
 * line, and the peer would never see the answer that was sent before.
 */
import type { Socket } from "node:net";
import { hasCode, messageOf } from "../core/index.js";
import {
  ACK_BYTES_MAX,
  encodeQueueFull,
  encodeRefusal,
  encodeText,
  FrameReader,
  WireErrors,
} from "../wire/index.js";
import type { BrokerState } from "./broker-state.js";
import { CHANNELS_MAX, Channels } from "./channels.js";
import { ConnectionTimer } from "./connection-timer.js";
import { Dialogue, type DialogueCarrier } from "./dialogue.js";

/** How long the rest of a refused peer's bytes is read and thrown away. */
const DISCARD_MS = 30_000;
/**
 * A frame with more than this still to come must bring `PROGRESS_BYTES` within its deadline: its
 * buffer is large, and a peer that drips a byte now and then would hold it for ever.
 */
const PATIENT_BYTES = 64 * 1024;
const PROGRESS_BYTES = 16 * 1024;
/** Bytes a peer may send ahead while its request is held; then it is not read until the hold ends. */
const READ_AHEAD_BYTES = 4 * 1024;
/** The start of a final response's length: see `#freeAckBody`. */
const SEVEN_ZEROS = Buffer.alloc(7);

export class Connection implements DialogueCarrier {
  readonly #socket: Socket;
  readonly #broker: BrokerState;
  readonly #reader: FrameReader;
  readonly #dialogue: Dialogue;
  #channels: Channels | undefined;
  /** Reads and forgets, or is gone. */
  #isOver = false;
  /** The peer sends no more. */
  #hasEnded = false;
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
    this.#reader = new FrameReader({ budget: broker.queues.budget });
    this.#dialogue = new Dialogue(this, broker);
    socket.on("data", (chunk) => this.#onData(chunk));
    socket.on("end", () => this.#onEnd());
    socket.on("close", (hadError) => this.#onClose(hadError));
    // "close" follows, but only after the present turn of the event loop, and who lost an answer by
    // this may repeat its push within that turn.
    socket.on("error", () => this.#doubt());
    this.#waitForRequest();
  }

  /** A transaction or an unfinished request keeps it from being closed at once. */
  get isBusy(): boolean {
    if (this.#channels !== undefined) return this.#channels.isBusy;
    const { isBusy, state } = this.#dialogue;
    return isBusy || (state === "request" && this.#reader.insideFrame);
  }

  /** Begins to close: a held request is told "not ready", an idle connection ends, others go on. */
  drain(): void {
    if (this.#channels !== undefined) this.#channels.drain();
    else if (this.#dialogue.state === "held") this.#dialogue.endOfHold(true);
    else if (!this.isBusy) this.#socket.destroySoon();
  }

  /** Closes without an answer; what is in flight goes back. */
  destroy(): void {
    this.#socket.destroy();
  }

  onReady(): void {
    if (this.#dialogue.state === "request") {
      this.#waitForRequest();
      if (this.#hasEnded) this.#socket.destroySoon();
      else this.#socket.resume();
    } else this.#timer.disarm();
    this.#advance();
  }

  onHoldEnd(): void {
    this.#socket.resume();
  }

  onRefused(): boolean {
    this.#discard(Number.POSITIVE_INFINITY);
    return true;
  }

  onOver(): void {
    this.#discard(this.#reader.missingBytes || Number.POSITIVE_INFINITY);
  }

  cutOff(): void {
    this.#socket.destroy();
  }

  split(): void {
    this.send([encodeText(String(CHANNELS_MAX))]);
    this.#timer.disarm();
    this.#channels = new Channels(this.#socket, this.#broker);
    const rest = this.#reader.takeRest();
    if (rest.length > 0) this.#channels.onData(rest);
  }

  /** One write per frame, less the bytes of it that were sent ahead. */
  send(parts: readonly Buffer[]): void {
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

  #onData(chunk: Buffer): void {
    if (this.#channels !== undefined) {
      this.#channels.onData(chunk);
      return;
    }
    if (this.#isOver) {
      this.#discardBytes -= chunk.length;
      if (this.#discardBytes <= 0) this.#socket.destroySoon();
      return;
    }
    this.#reader.push(chunk);
    this.#advance();
    const isWaiting = !this.#dialogue.isListening && !this.#isOver;
    if (isWaiting && this.#reader.unreadBytes > READ_AHEAD_BYTES) this.#socket.pause();
  }

  /** Takes what the peer sent as far as the present state allows. */
  #advance(): void {
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    try {
      while (this.#dialogue.isListening && !this.#isOver && this.#channels === undefined) {
        const isAck = this.#dialogue.state === "ack";
        if (!isAck && this.#socket.writableNeedDrain) {
          this.#waitForReader();
          break;
        }
        const frame = this.#reader.next(isAck ? ACK_BYTES_MAX : this.#broker.config.maxFrameBytes);
        if (frame === undefined) {
          this.#waitForRest(isAck);
          break;
        }
        this.#timer.disarm();
        if (!isAck && frame.body.length === 0) {
          this.#dialogue.conclude(true);
          this.#discard(Number.POSITIVE_INFINITY);
        } else this.#dialogue.receive(frame);
      }
    } catch (error) {
      this.#onUnreadable(error);
    } finally {
      this.#isAdvancing = false;
    }
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
    if (this.#dialogue.state === "ack") {
      this.#dialogue.refuseAck("lost");
      return;
    }
    this.send([isFull ? encodeQueueFull() : encodeRefusal(messageOf(error))]);
    this.#discard(this.#reader.missingBytes);
  }

  /** Answers must not pile up: until the peer has read what is there, no request is taken. */
  #waitForReader(): void {
    if (this.#timer.of === "reader") return;
    this.#socket.pause();
    const { frameTimeoutMs } = this.#broker.config;
    this.#timer.arm("reader", frameTimeoutMs, () => this.#socket.destroy());
    this.#socket.once("drain", () => {
      if (this.#dialogue.state !== "request" || this.#isOver) return;
      this.#waitForRequest();
      this.#socket.resume();
      this.#advance();
    });
  }

  /** Between requests the idle deadline runs, inside a frame the frame's, before an ACK its own. */
  #waitForRest(isAck: boolean): void {
    const { headerTimeoutMs, frameTimeoutMs } = this.#broker.config;
    if (!this.#reader.insideFrame) return;
    if (isAck) this.#dialogue.stopAckWait();
    const expire = () =>
      isAck ? this.#dialogue.refuseAck("expired") : void this.#socket.destroy();
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

  #waitForRequest(): void {
    if (this.#broker.phase === "stopping") {
      this.#socket.destroySoon();
      return;
    }
    this.#timer.arm("idle", this.#broker.config.idleTimeoutMs, () => this.#discard(0));
  }

  /** Sends no more; reads and forgets up to `bytes` more bytes, for a time. */
  #discard(bytes: number): void {
    this.#isOver = true;
    this.#reader.close();
    this.#discardBytes = bytes;
    this.#socket.end();
    this.#socket.resume();
    this.#timer.arm("discard", DISCARD_MS, () => this.#socket.destroy());
    if (bytes <= 0 || this.#socket.readableEnded) this.#socket.destroySoon();
  }

  /** The peer may not have heard what was said last. */
  #doubt(): void {
    this.#channels?.doubt();
    this.#dialogue.conclude(false);
  }

  #onEnd(): void {
    this.#hasEnded = true;
    // It closed before the final response came, and its system answered that with a reset. The end
    // that it had sent before is read first, and then nothing tells of the reset but this.
    if (this.#socket.remoteAddress === undefined) this.#doubt();
    if (this.#channels !== undefined) {
      this.#channels.finish();
      return;
    }
    const { state, endOfLine } = this.#dialogue;
    // It still gets its final response, and the line ends after that. It may not be there to read
    // it: from now on its push may come again.
    if (state === "settling") {
      this.#dialogue.conclude(false);
      return;
    }
    if (state === "held") this.#dialogue.endOfHold(true);
    else if (state === "ack") this.#dialogue.refuseAck(endOfLine);
    else if (state === "request" && !this.#isOver) this.#discard(0);
    this.#socket.destroySoon();
  }

  #onClose(hadError: boolean): void {
    const isClean = this.#hasEnded && !hadError;
    this.#isOver = true;
    this.#timer.disarm();
    this.#channels?.close(isClean);
    this.#dialogue.close(isClean);
    this.#reader.close();
    this.#broker.onClose(this);
  }
}
