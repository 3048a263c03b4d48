/**
 * Frames: `[N: 8 bytes, unsigned, big-endian][N bytes of UTF-8 JSON]`, the same in both directions. On
 * a connection that was split into channels the first four of the eight bytes name the channel. Knows
 * nothing of what the body says.
 *
 * Source: docs/protocol.md, "Frames" and "Channels".
 */
import { type ByteBudget, KiB } from "../core/index.js";
import { WireErrors } from "./errors.js";

export const HEADER_BYTES = 8;
/** Longest body that a request on a channel may have: longer ones would keep the others waiting. */
export const CHANNEL_BODY_BYTES_MAX = 64 * KiB;

/**
 * A body that arrives in pieces gets a buffer of four times what has arrived, at least this and at
 * most its length, so most frames up to 256 KiB are copied once and leave no smaller buffers behind.
 */
const FIRST_BUFFER_BYTES = 16 * KiB;
const GROWTH = 4;
/**
 * Frames up to this length are not counted: requests without a message, and ACKs, must get through
 * when the memory is full, for they are what empties it.
 */
const UNCOUNTED_BYTES = 4 * KiB;
const NOTHING = Buffer.alloc(0);

/** One complete frame. */
export interface Frame {
  /** A view on the received chunk when `heldBytes` is 0: copy what must live on. Else its own. */
  readonly body: Buffer;
  /** Bytes taken from the reader's budget for `body`, or 0; the receiver gives them back. */
  readonly heldBytes: number;
  /** 0 where there are none. */
  readonly channel: number;
}

/** Header and body in one buffer, so that one write sends the frame. */
export function encodeFrame(json: string): Buffer {
  const bodyBytes = Buffer.byteLength(json);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + bodyBytes);
  writeHeader(frame, bodyBytes);
  frame.write(json, HEADER_BYTES);
  return frame;
}

/** Names the channel of an encoded frame, in its header. */
export function setChannel(frame: Buffer, channel: number): void {
  frame.writeUInt32BE(channel, 0);
}

/** Writes the length `bodyBytes` into the first eight bytes of `frame`. */
export function writeHeader(frame: Buffer, bodyBytes: number): void {
  frame.writeUInt32BE(Math.floor(bodyBytes / 0x1_0000_0000), 0);
  frame.writeUInt32BE(bodyBytes % 0x1_0000_0000, 4);
}

/**
 * Cuts a stream of chunks into frames.
 *
 * Memory for a body is taken only as its bytes arrive: a header that lies about its length costs its
 * sender, not the reader. What is unread stays visible, so "ended inside a frame" can be told.
 */
export class FrameReader {
  readonly #budget: ByteBudget | undefined;
  readonly #hasChannels: boolean;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #bodyBytes = 0;
  #channel = 0;
  #body: Buffer | undefined;
  #filledBytes = 0;
  #rest: Buffer = NOTHING;
  /** What of `#rest` was read; moving it costs less than cutting a new view for each frame. */
  #offset = 0;

  /** @param options.budget bounds what frames may take that are longer than 4 KiB and than their chunk. */
  constructor(options: { readonly budget?: ByteBudget; readonly hasChannels?: boolean } = {}) {
    this.#budget = options.budget;
    this.#hasChannels = options.hasChannels ?? false;
  }

  /** Adds what arrived; `next` then gives the frames. */
  push(chunk: Buffer): void {
    const rest = this.takeRest();
    this.#rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
  }

  /** Whether a frame has begun and is not complete. */
  get insideFrame(): boolean {
    return this.#headerBytes > 0 || this.unreadBytes > 0;
  }

  /** Whether the header is complete and the body is not. */
  get insideBody(): boolean {
    return this.#headerBytes === HEADER_BYTES;
  }

  /** Whether all of a header and nothing of its body has arrived. */
  get atBodyStart(): boolean {
    return this.insideBody && this.#filledBytes === 0 && this.unreadBytes === 0;
  }

  /** Of the last header. */
  get channel(): number {
    return this.#channel;
  }

  /** The announced length; meaningful while `insideBody`. */
  get announcedBytes(): number {
    return this.#bodyBytes;
  }

  /** Announced body bytes that have not arrived; 0 outside a body. */
  get missingBytes(): number {
    if (!this.insideBody) return 0;
    return Math.max(0, this.#bodyBytes - this.#filledBytes - this.unreadBytes);
  }

  /** Bytes that arrived and belong to no returned frame and no growing body yet. */
  get unreadBytes(): number {
    return this.#rest.length - this.#offset;
  }

  /**
   * The next complete frame, or undefined when more bytes are needed.
   *
   * @throws WIRE_FRAME_TOO_LARGE from the header alone, before any byte of the body is kept.
   * @throws WIRE_MEMORY_FULL when the budget has no room for bytes that arrived.
   */
  next(maxFrameBytes: number): Frame | undefined {
    if (!this.insideBody && !this.#readHeader()) return undefined;
    if (this.#bodyBytes > maxFrameBytes) {
      throw WireErrors.FRAME_TOO_LARGE({ bytes: this.#bodyBytes, maxFrameBytes });
    }
    if (this.#body === undefined && this.unreadBytes >= this.#bodyBytes) {
      const body = this.#rest.subarray(this.#offset, this.#offset + this.#bodyBytes);
      this.#skip(this.#bodyBytes);
      this.#headerBytes = 0;
      return { body, heldBytes: 0, channel: this.#channel };
    }
    return this.#fill();
  }

  /** What of the next frame is here already, when another reader goes on; it must have begun none. */
  takeRest(): Buffer {
    const rest = this.#offset === 0 ? this.#rest : this.#rest.subarray(this.#offset);
    this.#skip(rest.length);
    return rest;
  }

  /** Gives the memory of an unfinished frame back; the reader is not used after it. */
  close(): void {
    if (this.#body !== undefined) this.#bodyBudget?.giveBack(this.#body.length);
    this.#body = undefined;
    this.#skip(this.unreadBytes);
  }

  get #isCounted(): boolean {
    return this.#bodyBytes > UNCOUNTED_BYTES;
  }

  get #bodyBudget(): ByteBudget | undefined {
    return this.#isCounted ? this.#budget : undefined;
  }

  #readHeader(): boolean {
    const take = Math.min(HEADER_BYTES - this.#headerBytes, this.unreadBytes);
    this.#rest.copy(this.#header, this.#headerBytes, this.#offset, this.#offset + take);
    this.#skip(take);
    this.#headerBytes += take;
    if (this.#headerBytes < HEADER_BYTES) return false;
    const [high, low] = [this.#header.readUInt32BE(0), this.#header.readUInt32BE(4)];
    if (this.#hasChannels) this.#channel = high;
    // Beyond 2^53 the number is inexact, and far above any limit all the same.
    this.#bodyBytes = this.#hasChannels ? low : high * 0x1_0000_0000 + low;
    this.#filledBytes = 0;
    return true;
  }

  #skip(bytes: number): void {
    this.#offset += bytes;
    if (this.#offset < this.#rest.length) return;
    this.#rest = NOTHING;
    this.#offset = 0;
  }

  #fill(): Frame | undefined {
    const arrived = Math.min(this.unreadBytes, this.#bodyBytes - this.#filledBytes);
    if (arrived === 0) return undefined;
    const body = this.#roomFor(this.#filledBytes + arrived);
    this.#rest.copy(body, this.#filledBytes, this.#offset, this.#offset + arrived);
    this.#skip(arrived);
    this.#filledBytes += arrived;
    if (this.#filledBytes < this.#bodyBytes) return undefined;
    this.#body = undefined;
    this.#headerBytes = 0;
    return { body, heldBytes: this.#isCounted ? body.length : 0, channel: this.#channel };
  }

  #roomFor(neededBytes: number): Buffer {
    const old = this.#body;
    if (old !== undefined && old.length >= neededBytes) return old;
    const wanted = Math.max(FIRST_BUFFER_BYTES, (old?.length ?? neededBytes) * GROWTH);
    const bytes = Math.min(Math.max(wanted, neededBytes), this.#bodyBytes);
    const budget = this.#bodyBudget;
    if (budget !== undefined && !budget.tryTake(bytes)) {
      const { limitBytes } = budget;
      throw WireErrors.MEMORY_FULL({ bytes: this.#bodyBytes, limitBytes });
    }
    const grown = Buffer.allocUnsafeSlow(bytes);
    if (old !== undefined) {
      old.copy(grown, 0, 0, this.#filledBytes);
      budget?.giveBack(old.length);
    }
    this.#body = grown;
    return grown;
  }
}
