/** One connection to a broker: sends a frame, waits for the one that answers. */
import { connect, type Socket } from "node:net";
import { clampTimerMs, messageOf, quote } from "../../core/index.js";
import { FrameReader, parseResponse, type Response, ResponseCode } from "../../wire/index.js";
import { ClientErrors } from "../errors.js";

export interface LineAddress {
  readonly host: string;
  readonly port: number;
  readonly maxFrameBytes: number;
}

interface Pending {
  resolve(response: Response): void;
  reject(error: unknown): void;
}

export class Line {
  readonly #address: LineAddress;
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  #pending: Pending | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failure: unknown;
  /** Called once, when the connection is gone. */
  onClose: () => void = () => {};
  /** Called once, when the line can be used no more, with the reason. */
  onFail: (failure: unknown) => void = () => {};
  /** It was kept from an earlier request, so the broker may have closed it meanwhile. */
  wasKept = false;
  /**
   * Given up while it waits for an answer, the line is reset instead of closed: the broker is to see
   * that the answer was not heard. Elsewhere a close says enough.
   */
  mustHear = false;

  private constructor(socket: Socket, address: LineAddress) {
    this.#socket = socket;
    this.#address = address;
    socket.on("data", (chunk) => this.#onData(chunk));
    socket.on("end", () => this.#fail("the broker closed it"));
    socket.on("error", (error) => this.#fail(messageOf(error)));
    socket.on("close", () => {
      this.#fail("it was closed");
      this.onClose();
    });
  }

  /** @throws CLIENT_CONNECTION_LOST, or the signal's reason. */
  static open(address: LineAddress, waitMs: number, signal?: AbortSignal): Promise<Line> {
    signal?.throwIfAborted();
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
      const onAbort = () => stop(signal?.reason);
      const timer = setTimeout(() => lost(`not connected within ${waitMs} ms`), waitMs);
      const settle = () => {
        clearTimeout(timer);
        socket.off("error", onError);
        signal?.removeEventListener("abort", onAbort);
      };
      socket.once("error", onError);
      signal?.addEventListener("abort", onAbort);
      socket.once("connect", () => {
        settle();
        resolve(new Line(socket, address));
      });
    });
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /**
   * Sends a frame and resolves with its answer. One at a time. When it rejects, the line is closed.
   *
   * @param silenceMs how long the broker may say nothing.
   * @throws CLIENT_CONNECTION_LOST, CLIENT_SILENCE, WIRE_RESPONSE_INVALID, or the signal's reason.
   */
  ask(frame: Buffer, silenceMs: number, signal?: AbortSignal): Promise<Response> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      if (signal?.aborted) {
        this.close();
        reject(signal.reason);
        return;
      }
      const onAbort = () => this.#end(signal?.reason);
      signal?.addEventListener("abort", onAbort);
      const forget = () => signal?.removeEventListener("abort", onAbort);
      this.#pending = {
        resolve: (response) => {
          forget();
          resolve(response);
        },
        reject: (error) => {
          forget();
          reject(error);
        },
      };
      const { host, port } = this.#address;
      const asked = this.#pending;
      // What came while this process was busy is read before its silence is held against the broker.
      const onSilence = () => {
        const { bytesRead } = this.#socket;
        setImmediate(() => {
          if (this.#pending !== asked || this.#socket.bytesRead > bytesRead) return;
          this.#end(ClientErrors.SILENCE({ host, port, silenceMs }));
        });
      };
      this.#timer = setTimeout(onSilence, clampTimerMs(silenceMs));
      this.#socket.write(frame);
    });
  }

  /** Sends a frame that is not answered; nothing while the broker does not even read. */
  tell(frame: Buffer): void {
    if (this.isOpen && !this.#socket.writableNeedDrain) this.#socket.write(frame);
  }

  close(): void {
    this.#fail("it was closed");
  }

  /** An open line that nobody uses does not keep the process alive. */
  setIdle(isIdle: boolean): void {
    if (isIdle) this.#socket.unref();
    else this.#socket.ref();
  }

  #onData(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
      const frame = this.#reader.next(this.#address.maxFrameBytes);
      if (frame === undefined) {
        this.#timer?.refresh();
        return;
      }
      const response = parseResponse(frame.body);
      const pending = this.#settle();
      pending?.resolve(response);
      // The rest would be taken for the answer to the next request.
      const isUnasked = pending === undefined || this.#reader.insideFrame;
      if (isUnasked) this.#fail(`the broker said something unasked${refusalIn(response)}`);
    } catch (error) {
      this.#end(error);
    }
  }

  #fail(reason: string): void {
    const { host, port } = this.#address;
    this.#end(ClientErrors.CONNECTION_LOST({ host, port, reason }));
  }

  #end(failure: unknown): void {
    const isFirst = this.isOpen;
    this.#failure ??= failure;
    const pending = this.#settle();
    pending?.reject(failure);
    if (pending !== undefined && this.mustHear) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
    if (isFirst) this.onFail(failure);
  }

  #settle(): Pending | undefined {
    clearTimeout(this.#timer);
    const pending = this.#pending;
    this.#pending = undefined;
    return pending;
  }
}

/** Why the broker ends the line, if it says so. */
function refusalIn({ code, reason }: Response): string {
  return code === ResponseCode.SUCCESS ? "" : `: ${quote(reason)}`;
}
