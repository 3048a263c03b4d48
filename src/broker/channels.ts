/**
 * The channels of one connection: many dialogues side by side over one socket, so that a client with
 * many calls in flight costs few reads and writes. A channel begins with its first frame, ends with a
 * frame without a body, and behaves in between like a connection of its own.
 */
import type { Socket } from "node:net";
import { hasCode, messageOf } from "../core/index.js";
import {
  CHANNEL_BODY_BYTES_MAX,
  encodeRefusal,
  type Frame,
  FrameReader,
  GatheredWrites,
  setChannel,
  WireErrors,
} from "../wire/index.js";
import type { BrokerState } from "./broker-state.js";
import { ConnectionTimer } from "./connection-timer.js";
import { Dialogue, type DialogueCarrier } from "./dialogue.js";

/** Channels of a connection at a time; each may hold a message and a place to wait. */
export const CHANNELS_MAX = 1_024;

export class Channels {
  readonly #socket: Socket;
  readonly #broker: BrokerState;
  readonly #reader = new FrameReader({ hasChannels: true });
  readonly #writes: GatheredWrites;
  readonly #dialogues = new Map<number, Dialogue>();
  /** Of a frame that has begun to arrive, or of the peer that does not read. */
  readonly #frameTimer = new ConnectionTimer();
  readonly #idleTimer = new ConnectionTimer();
  /** Something came since the idle time began. */
  #wasActive = false;
  #isAdvancing = false;
  #isOver = false;

  constructor(socket: Socket, broker: BrokerState) {
    this.#socket = socket;
    this.#broker = broker;
    // What comes on other connections in the same turn of the event loop may bring more answers.
    this.#writes = new GatheredWrites(socket, setImmediate);
    this.#waitIdle();
  }

  /** A transaction or an unfinished frame keeps the connection from being closed at once. */
  get isBusy(): boolean {
    if (this.#reader.insideFrame) return true;
    for (const dialogue of this.#dialogues.values()) if (dialogue.isBusy) return true;
    return false;
  }

  onData(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#wasActive = true;
    this.#reader.push(chunk);
    this.#advance();
  }

  /** The peer may not have heard what was said last. */
  doubt(): void {
    for (const dialogue of this.#dialogues.values()) dialogue.conclude(false);
  }

  /** Begins to close: held requests are told that there is nothing, transactions go on. */
  drain(): void {
    for (const dialogue of [...this.#dialogues.values()]) {
      if (dialogue.state === "held") dialogue.endOfHold();
    }
    this.#endIfStopping();
  }

  /** The connection is gone. @param isClean its end came in good order. */
  close(isClean: boolean): void {
    this.#end();
    const dialogues = [...this.#dialogues.values()];
    // Those that wait first: else they would be handed what the others give back.
    const waiting = dialogues.filter(({ state }) => state === "held");
    for (const dialogue of waiting) dialogue.close(isClean);
    // Who only gives a call up ends its channel. This was the end of a consumer, or of its network.
    for (const dialogue of dialogues) dialogue.close(isClean, "lost");
    this.#dialogues.clear();
    this.#writes.drop();
    this.#reader.close();
  }

  #advance(): void {
    if (this.#isAdvancing || this.#isOver) return;
    this.#isAdvancing = true;
    try {
      while (!this.#isOver) {
        if (this.#socket.writableNeedDrain) {
          this.#waitForReader();
          break;
        }
        const frame = this.#reader.next(CHANNEL_BODY_BYTES_MAX);
        if (frame === undefined) {
          this.#waitForRest();
          break;
        }
        if (this.#frameTimer.of !== "") this.#frameTimer.disarm();
        this.#receive(frame);
      }
    } catch (error) {
      const isTooLarge = hasCode(error, WireErrors.FRAME_TOO_LARGE.code);
      if (isTooLarge) this.#broker.counters.framesRefused++;
      const limit = `a frame on a channel may have ${CHANNEL_BODY_BYTES_MAX} bytes at most`;
      this.#fault(this.#reader.channel, isTooLarge ? limit : messageOf(error));
    } finally {
      this.#isAdvancing = false;
    }
  }

  #receive(frame: Frame): void {
    const { channel, body } = frame;
    const dialogue = this.#dialogues.get(channel) ?? this.#open(channel);
    if (dialogue === undefined) return;
    if (body.length === 0) {
      this.#dialogues.delete(channel);
      // Who gives a channel up waits for no answer on it: the last one may not have been heard.
      dialogue.close(false);
      this.#endIfStopping();
    } else if (dialogue.state === "request" && body.length > this.#broker.config.maxFrameBytes) {
      this.#refuseLarge(channel, body.length);
    } else if (dialogue.isListening) dialogue.receive(frame);
    else if (dialogue.state !== "over") {
      this.#fault(channel, "a request came before the last one was answered");
    }
  }

  /** It came whole, so unlike on a connection of its own nothing need be thrown away. */
  #refuseLarge(channel: number, bytes: number): void {
    const { maxFrameBytes } = this.#broker.config;
    this.#broker.counters.framesRefused++;
    const refusal = WireErrors.FRAME_TOO_LARGE({ bytes, maxFrameBytes });
    this.#send(channel, [encodeRefusal(messageOf(refusal))]);
  }

  #open(channel: number): Dialogue | undefined {
    if (channel === 0) {
      this.#fault(channel, "channel 0 is none: the connection was split into channels");
      return undefined;
    }
    if (this.#dialogues.size >= CHANNELS_MAX) {
      this.#fault(channel, `more than ${CHANNELS_MAX} channels`);
      return undefined;
    }
    const dialogue = new Dialogue(this.#carrierOf(channel), this.#broker);
    this.#dialogues.set(channel, dialogue);
    return dialogue;
  }

  #carrierOf(channel: number): DialogueCarrier {
    return {
      send: (parts) => this.#send(channel, parts),
      onReady: () => this.#endIfStopping(),
      onHoldEnd: () => {},
      onRefused: () => {
        this.#endIfStopping();
        return false;
      },
      // Frames may have crossed with the last answer; the peer's end of the channel follows them.
      onOver: () => this.#endIfStopping(),
      cutOff: () => this.#socket.destroy(),
      split: () => this.#fault(channel, "the connection is split into channels already"),
    };
  }

  #send(channel: number, parts: readonly Buffer[]): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    setChannel(parts[0] as Buffer, channel);
    this.#writes.add(parts);
  }

  /** What cannot be answered in good order: the peer is told, and the connection ends. */
  #fault(channel: number, reason: string): void {
    this.#broker.counters.requestsRefused++;
    const refusal = WireErrors.REQUEST_INVALID({ reason });
    this.#send(channel, [encodeRefusal(messageOf(refusal))]);
    this.finish();
  }

  #endIfStopping(): void {
    if (this.#broker.phase === "stopping" && !this.#isWaitedOn) this.finish();
  }

  /** Nothing is taken in any more; what was said is still sent. */
  finish(): void {
    if (this.#isOver) return;
    this.#end();
    this.#writes.flush();
    this.#socket.destroySoon();
  }

  #end(): void {
    this.#isOver = true;
    this.#frameTimer.disarm();
    this.#idleTimer.disarm();
  }

  /** Answers must not pile up: until the peer has read what is there, no request is taken. */
  #waitForReader(): void {
    this.#socket.pause();
    const { frameTimeoutMs } = this.#broker.config;
    this.#frameTimer.arm("reader", frameTimeoutMs, () => this.#socket.destroy());
    this.#socket.once("drain", () => {
      this.#frameTimer.disarm();
      this.#socket.resume();
      this.#advance();
    });
  }

  #waitForRest(): void {
    if (!this.#reader.insideFrame) return;
    const { frameTimeoutMs } = this.#broker.config;
    this.#frameTimer.arm("frame", frameTimeoutMs, () => this.#socket.destroy());
  }

  #waitIdle(): void {
    this.#idleTimer.arm("idle", this.#broker.config.idleTimeoutMs, () => {
      const isIdle = !this.#wasActive && !this.#isWaitedOn;
      this.#wasActive = false;
      if (isIdle) this.finish();
      else this.#waitIdle();
    });
  }

  get #isWaitedOn(): boolean {
    if (this.isBusy) return true;
    for (const { state } of this.#dialogues.values()) if (state === "held") return true;
    return false;
  }
}
