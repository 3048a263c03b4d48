/**
 * A connection that writes each frame once and never looks into an answer's body: it counts the
 * bytes and keeps the last few, where the transaction id stands. It costs as little as a client can.
 */
import { connect, type Socket } from "node:net";

const HEADER_BYTES = 8;
const TAIL_BYTES = 128;

export function frameOf(json: string): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + Buffer.byteLength(json));
  frame.writeBigUInt64BE(BigInt(frame.length - HEADER_BYTES));
  frame.write(json, HEADER_BYTES);
  return frame;
}

export function pushFrame(queueName: string, message: string): Buffer {
  const [queue, text] = [JSON.stringify(queueName), JSON.stringify(message)];
  return frameOf(`{"command":"PUSH","queue_name":${queue},"message":${text},"timeout":100}`);
}

export function popFrame(queueName: string): Buffer {
  return frameOf(`{"command":"POP","queue_name":${JSON.stringify(queueName)},"timeout":100}`);
}

export class RawLine {
  readonly #socket: Socket;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #missing = 0;
  #tail: Buffer = Buffer.alloc(0);
  #resolve: (tail: Buffer) => void = () => {};
  #reject: (error: Error) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => this.#onData(chunk));
    socket.on("error", (error) => this.#reject(error));
    socket.on("close", () => this.#reject(new Error("the connection is closed")));
  }

  static open(port: number): Promise<RawLine> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RawLine(socket));
      });
    });
  }

  /** Request, first response, ACK, final response. */
  async handshake(request: Buffer): Promise<void> {
    const first = (await this.#ask(request)).toString("latin1");
    const id = /"transaction_id":"([^"]+)"\}$/.exec(first)?.[1];
    if (id === undefined) throw new Error(`no transaction in an answer that ends with ${first}`);
    const final = await this.#ask(frameOf(`{"transaction_id":"${id}","ack":true}`));
    if (!final.includes(id)) throw new Error("the final response has another transaction");
  }

  /** A push that must be refused because the queue is full. */
  async refusal(request: Buffer): Promise<void> {
    const answer = (await this.#ask(request)).toString("latin1");
    if (!answer.includes("Queue is full")) throw new Error(`not refused: ${answer}`);
  }

  close(): void {
    this.#socket.destroy();
  }

  #ask(frame: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#socket.write(frame);
    });
  }

  #onData(chunk: Buffer): void {
    let rest = chunk;
    if (this.#headerBytes < HEADER_BYTES) {
      const taken = rest.copy(this.#header, this.#headerBytes);
      this.#headerBytes += taken;
      rest = rest.subarray(taken);
      if (this.#headerBytes < HEADER_BYTES) return;
      this.#missing = Number(this.#header.readBigUInt64BE());
      // The next chunks of this body count against it; the header is read anew after it.
      this.#tail = Buffer.alloc(0);
      this.#headerBytes = HEADER_BYTES;
    }
    this.#missing -= rest.length;
    const enough = rest.length >= TAIL_BYTES;
    this.#tail = enough ? rest : Buffer.concat([this.#tail.subarray(-TAIL_BYTES), rest]);
    if (this.#missing > 0) return;
    this.#headerBytes = 0;
    this.#resolve(this.#tail.subarray(-TAIL_BYTES));
  }
}
