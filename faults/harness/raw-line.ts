/**
 * A connection to a broker on which a fault sends what it wants: whole frames, parts of them, or
 * nothing. Every wait has a bound.
 */
import { connect, type Socket } from "node:net";
import { FrameReader, parseResponse, type Response } from "millrace/wire";
import { within } from "./waits.js";

const ANSWER_MS = 30_000;
const FRAME_BYTES_MAX = 480 * 1024 * 1024;

/** The connection ended, or never was. */
export class LineLost extends Error {}

export class RawLine {
  readonly socket: Socket;
  /** The other side has ended the connection, in whatever way. */
  readonly lost: Promise<void>;
  readonly closed: Promise<void>;
  readonly #reader = new FrameReader();
  readonly #answers: Response[] = [];
  #failure: Error | undefined;
  #wake: () => void = () => {};
  #lose: () => void = () => {};
  #receivedBytes = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => this.#onData(chunk));
    socket.on("end", () => this.#fail("the broker closed it"));
    socket.on("error", (error) => this.#fail(error.message));
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#fail("it is closed");
        resolve();
      });
    });
  }

  static async open(port: number, ms = ANSWER_MS): Promise<RawLine> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
    const connected = new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", (error) => reject(new LineLost(error.message)));
    });
    const line = new RawLine(socket);
    try {
      await within("a connection", ms, connected);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return line;
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /** Bytes that came, read or not. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** The next answer. @throws LineLost when the line ends before */
  async read(ms = ANSWER_MS): Promise<Response> {
    const arrived = async () => {
      while (this.#answers.length === 0) {
        if (this.#failure !== undefined) throw this.#failure;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      return this.#answers.shift() as Response;
    };
    return within("an answer", ms, arrived());
  }

  ask(frame: Buffer, ms?: number): Promise<Response> {
    this.write(frame);
    return this.read(ms);
  }

  /** As a crash of the process would: the system closes it. */
  drop(): void {
    this.socket.destroy();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Ends in good order, and waits until the other side has, too. */
  async end(ms = ANSWER_MS): Promise<void> {
    this.socket.end();
    await within("the end of a connection", ms, this.closed).catch(() => this.drop());
  }

  #onData(chunk: Buffer): void {
    this.#receivedBytes += chunk.length;
    try {
      this.#reader.push(chunk);
      for (;;) {
        const frame = this.#reader.next(FRAME_BYTES_MAX);
        if (frame === undefined) break;
        this.#answers.push(parseResponse(frame.body));
      }
      this.#wake();
    } catch (error) {
      this.#fail(`not the protocol: ${error}`);
    }
  }

  #fail(reason: string): void {
    this.#failure ??= new LineLost(reason);
    this.#lose();
    this.#wake();
  }
}
