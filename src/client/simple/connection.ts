/**
 * One socket to a broker. It carries one line, as the original's connections do; a broker of ours can
 * be asked to split it into channels, and then each line is a channel of it, and what they send
 * together goes out together.
 */
import { connect, type Socket } from "node:net";
import { afterThisEvent, firedIn, messageOf, onFired, throwIfFired } from "../../core/index.js";
import {
  encodeChannelEnd,
  encodeChannels,
  FrameReader,
  GatheredWrites,
  ResponseCode,
  setChannel,
  WireErrors,
} from "../../wire/index.js";
import { ClientErrors } from "../errors.js";
import { Line, type LineCarrier } from "./line.js";

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly maxFrameBytes: number;
}

/** How long the broker may take to hear what was said last, and to close its side. */
const LAST_WORDS_MS = 1_000;
/** Channels have four bytes for their number. */
const CHANNEL_NUMBER_MAX = 0xffff_ffff;

/** The one line of a connection that is not split has this number. */
const WHOLE = 0;

export class Connection {
  readonly #address: Address;
  readonly #socket: Socket;
  #reader = new FrameReader();
  #writes: GatheredWrites | undefined;
  #maxChannels = 0;
  #lastChannel = WHOLE;
  readonly #lines = new Map<number, Line>();
  readonly #busy = new Set<number>();
  #isProven = false;
  #failure: Error | undefined;
  /** Called once, when it can be used no more. */
  onClose: () => void = () => {};

  private constructor(socket: Socket, address: Address) {
    this.#socket = socket;
    this.#address = address;
    socket.on("data", (chunk) => this.#onData(chunk));
    socket.on("end", () => this.#fail("the broker closed it"));
    socket.on("error", (error) => this.#fail(messageOf(error)));
    socket.on("close", () => this.#fail("it was closed"));
  }

  /** @throws CLIENT_CONNECTION_LOST, or a signal's reason. */
  static open(
    address: Address,
    waitMs: number,
    signals: readonly AbortSignal[],
  ): Promise<Connection> {
    throwIfFired(signals);
    const { host, port } = address;
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true, keepAlive: true });
      const stop = (error: unknown) => {
        settle();
        socket.destroy();
        reject(error);
      };
      const lost = (reason: string) => stop(ClientErrors.CONNECTION_LOST({ host, port, reason }));
      const onError = (error: Error) => lost(messageOf(error));
      const timer = setTimeout(() => lost(`not connected within ${waitMs} ms`), waitMs);
      const settle = () => {
        clearTimeout(timer);
        socket.off("error", onError);
        forget();
      };
      socket.once("error", onError);
      const forget = onFired(signals, () => stop(firedIn(signals)?.reason));
      socket.once("connect", () => {
        settle();
        resolve(new Connection(socket, address));
      });
    });
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /** It is split, and another line may be opened on it. */
  get hasRoom(): boolean {
    const isSplit = this.isOpen && this.#lines.size < this.#maxChannels;
    return isSplit && this.#lastChannel < CHANNEL_NUMBER_MAX;
  }

  /** The line of a whole connection, or another channel of one that is split and has room. */
  openLine(): Line {
    if (this.#writes !== undefined) this.#lastChannel++;
    const channel = this.#lastChannel;
    const line = new Line(this.#carrierOf(channel));
    this.#lines.set(channel, line);
    this.#setIdle(channel, false);
    return line;
  }

  /**
   * Splits a connection whose only line has nothing to hear; that line is used no more.
   *
   * @throws as `Line.ask`, and WIRE_RESPONSE_INVALID when the broker does not do it.
   */
  async split(line: Line, waitMs: number, signals: readonly AbortSignal[]): Promise<void> {
    const { code, response, reason } = await line.ask(encodeChannels(), waitMs, signals);
    const maxChannels = Number(response);
    if (code !== ResponseCode.SUCCESS || !(maxChannels > 0)) {
      throw WireErrors.RESPONSE_INVALID({ reason: `CHANNELS was not done: ${reason}` });
    }
    this.#lines.delete(WHOLE);
    this.#setIdle(WHOLE, true);
    this.#maxChannels = maxChannels;
    this.#reader = new FrameReader({ hasChannels: true });
    // What is sent by all who were woken by the same answers.
    this.#writes = new GatheredWrites(this.#socket, afterThisEvent);
    this.#isProven = false;
  }

  /** Ends every line, and then itself. */
  close(): void {
    if (this.#writes === undefined) {
      this.#fail("it was closed");
      return;
    }
    // Calls that are given up have lost nothing, which the broker is to hear.
    for (const line of [...this.#lines.values()]) if (line.isAsking) line.close();
    this.#writes.flush();
    // What still comes is read: a socket that is closed over unread bytes takes its last words back.
    this.#fail("it was closed", () => {
      this.#socket.ref();
      this.#socket.end();
      const timer = setTimeout(() => this.#socket.destroy(), LAST_WORDS_MS);
      this.#socket.once("close", () => clearTimeout(timer));
    });
  }

  #carrierOf(channel: number): LineCarrier {
    const connection = this;
    const { host, port } = this.#address;
    return {
      host,
      port,
      isChannel: channel !== WHOLE,
      get isCongested() {
        return connection.#socket.writableNeedDrain;
      },
      get isProven() {
        return connection.#isProven;
      },
      get bytesRead() {
        // Of channels, bytes say nothing: they may be another one's.
        return connection.#writes === undefined ? connection.#socket.bytesRead : 0;
      },
      send: (frame) => this.#send(channel, frame),
      leave: (isUnheard) => this.#leave(channel, isUnheard),
      setIdle: (isIdle) => this.#setIdle(channel, isIdle),
    };
  }

  #send(channel: number, frame: Buffer): void {
    if (this.#writes === undefined) {
      this.#socket.write(frame);
      return;
    }
    setChannel(frame, channel);
    this.#writes.add([frame]);
  }

  #leave(channel: number, isUnheard: boolean): void {
    this.#lines.delete(channel);
    if (!this.isOpen) return;
    if (channel !== WHOLE) {
      this.#send(channel, encodeChannelEnd());
      this.#setIdle(channel, true);
      return;
    }
    this.#fail("it was closed", () => {
      if (isUnheard) this.#socket.resetAndDestroy();
      else this.#socket.destroy();
    });
  }

  #setIdle(channel: number, isIdle: boolean): void {
    const wasBusy = this.#busy.size > 0;
    if (isIdle) this.#busy.delete(channel);
    else this.#busy.add(channel);
    const isBusy = this.#busy.size > 0;
    if (isBusy === wasBusy) return;
    if (isBusy) this.#socket.ref();
    else this.#socket.unref();
  }

  #onData(chunk: Buffer): void {
    if (!this.isOpen) return;
    try {
      this.#reader.push(chunk);
      for (;;) {
        const frame = this.#reader.next(this.#address.maxFrameBytes);
        if (frame === undefined) break;
        this.#receive(frame.channel, frame.body);
        if (!this.isOpen) return;
      }
      this.#onPart();
    } catch (error) {
      // Too large to be taken in: its line hears that, for the others the connection is lost.
      this.#lines.get(this.#reader.channel)?.end(error);
      this.#fail(messageOf(error));
    }
  }

  #receive(channel: number, body: Buffer): void {
    const line = this.#lines.get(channel);
    this.#isProven = true;
    if (line !== undefined) line.receive(body);
    // A channel that was left may be spoken to until the broker has heard of that.
    else if (channel === WHOLE || channel > this.#lastChannel) {
      this.#fail("the broker said something unasked");
    }
  }

  /** A frame has begun to arrive. */
  #onPart(): void {
    if (!this.#reader.insideFrame) return;
    const line = this.#lines.get(this.#reader.channel);
    if (line?.isAsking) line.refresh();
    // The rest would be taken for the answer to the next request.
    else if (this.#writes === undefined) line?.fail("the broker said something unasked");
  }

  #fail(reason: string, end = () => void this.#socket.destroy()): void {
    if (!this.isOpen) return;
    const { host, port } = this.#address;
    this.#failure = ClientErrors.CONNECTION_LOST({ host, port, reason });
    end();
    this.#writes?.drop();
    for (const line of [...this.#lines.values()]) line.end(this.#failure);
    this.onClose();
  }
}
