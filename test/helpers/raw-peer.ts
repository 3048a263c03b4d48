/**
 * A peer that speaks bytes: sends frames, or anything else, and reads what comes back. It never
 * closes its side by itself, so that every order of closes can be tried.
 */
import { connect, type Socket } from "node:net";
import type { Cleanup } from "./start-broker.js";

export interface Answer {
  /** The body as it came. */
  readonly text: string;
  readonly members: Record<string, unknown>;
  readonly code: unknown;
  readonly reason: unknown;
  readonly response: unknown;
  readonly id: string;
}

export interface RawPeer {
  readonly socket: Socket;
  /** Sends an object, or a JSON text, as one frame in one write. */
  send(json: object | string): void;
  write(bytes: Buffer): void;
  /** The next `count` bytes; fails when the line ends before. */
  bytes(count: number): Promise<Buffer>;
  /** The next frame's body. */
  body(): Promise<Buffer>;
  /** The next frame, read as a response. `sentAhead` bytes of its header were read before. */
  frame(sentAhead?: number): Promise<Answer>;
  /** Sends a request and reads one frame. */
  ask(json: object | string): Promise<Answer>;
  /** Resolves when the other side has closed or reset the line, with the bytes not read before. */
  untilClosed(): Promise<Buffer>;
  /** Ends this side's sending. */
  end(): void;
}

/** Connects to a broker on this machine; the line is destroyed when the test ends. */
export async function connectPeer(t: Cleanup, port: number): Promise<RawPeer> {
  const peer = new Peer(port);
  t.onTestFinished(() => {
    peer.socket.destroy();
  });
  await peer.connected;
  return peer;
}

export function frameOf(json: object | string): Buffer {
  const body = Buffer.from(typeof json === "string" ? json : JSON.stringify(json));
  return Buffer.concat([headerOf(body.length), body]);
}

export function headerOf(bodyBytes: number | bigint): Buffer {
  const header = Buffer.alloc(8);
  header.writeBigUInt64BE(BigInt(bodyBytes));
  return header;
}

class Peer implements RawPeer {
  readonly socket: Socket;
  readonly connected: Promise<void>;
  #chunks: Buffer[] = [];
  #length = 0;
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(port: number) {
    this.socket = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
    this.connected = new Promise((resolve, reject) => {
      this.socket.once("connect", resolve);
      this.socket.once("error", reject);
    });
    this.socket.on("data", (chunk) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.#wake();
    });
    const close = () => {
      this.#isClosed = true;
      this.#wake();
    };
    this.socket.on("end", close);
    this.socket.on("close", close);
    this.socket.on("error", close);
  }

  send(json: object | string): void {
    this.socket.write(frameOf(json));
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  async bytes(count: number): Promise<Buffer> {
    while (this.#length < count) {
      if (this.#isClosed) throw new Error(`the line ended after ${this.#length} of ${count} bytes`);
      await this.#something();
    }
    const all =
      this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    this.#chunks = [all.subarray(count)];
    this.#length -= count;
    return all.subarray(0, count);
  }

  async body(): Promise<Buffer> {
    const header = await this.bytes(8);
    return await this.bytes(Number(header.readBigUInt64BE()));
  }

  async frame(sentAhead = 0): Promise<Answer> {
    const header = Buffer.alloc(8);
    (await this.bytes(8 - sentAhead)).copy(header, sentAhead);
    const text = (await this.bytes(Number(header.readBigUInt64BE()))).toString();
    const members = JSON.parse(text) as Record<string, unknown>;
    const { response_code, response_reason, response, transaction_id } = members;
    const id = String(transaction_id);
    return { text, members, code: response_code, reason: response_reason, response, id };
  }

  ask(json: object | string): Promise<Answer> {
    this.send(json);
    return this.frame();
  }

  async untilClosed(): Promise<Buffer> {
    while (!this.#isClosed) await this.#something();
    const rest = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#length = 0;
    return rest;
  }

  end(): void {
    this.socket.end();
  }

  #something(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/**
 * Lets the broker see everything that was sent to it before: several exchanges on a connection of
 * their own. What it then has not answered, it does not answer without more bytes.
 */
export async function settled(t: Cleanup, port: number): Promise<void> {
  const peer = await connectPeer(t, port);
  for (let i = 0; i < 10; i++) await peer.ask({ command: "PING" });
  peer.end();
  await peer.untilClosed();
}
