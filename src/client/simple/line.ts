/** One conversation with a broker: sends a frame, waits for the one that answers. */
import { clampTimerMs, firedIn, onFired, quote } from "../../core/index.js";
import { parseResponse, type Response, ResponseCode } from "../../wire/index.js";
import { ClientErrors } from "../errors.js";

/** What carries a line: a connection of its own, or a channel of one that others share. */
export interface LineCarrier {
  readonly host: string;
  readonly port: number;
  /** A channel: its end and that of its connection are told apart. */
  readonly isChannel: boolean;
  /** The broker does not read what was sent before. */
  readonly isCongested: boolean;
  /** Has brought answers before, so the broker may have closed it meanwhile. */
  readonly isProven: boolean;
  /** Grows while something of an answer arrives. */
  readonly bytesRead: number;
  send(frame: Buffer): void;
  /** The line is used no more. @param isUnheard the broker is to see that its answer was not heard. */
  leave(isUnheard: boolean): void;
  /** What nobody uses does not keep the process alive. */
  setIdle(isIdle: boolean): void;
}

interface Pending {
  readonly resolve: (response: Response) => void;
  readonly reject: (error: unknown) => void;
  /** Listens to the caller's signals no more. */
  readonly forget: () => void;
}

export class Line {
  readonly #carrier: LineCarrier;
  #pending: Pending | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failure: unknown;
  /** Called once, when the line can be used no more, with the reason. */
  onFail: (failure: unknown) => void = () => {};
  /** Called once, then. Its owner's; `onFail` is its user's. */
  onClose: () => void = () => {};
  /**
   * Given up while it waits for an answer, the broker is to see that the answer was not heard.
   * Elsewhere an end says enough.
   */
  mustHear = false;
  /** Whether it was proven before the present request. */
  wasKept: boolean;

  constructor(carrier: LineCarrier) {
    this.#carrier = carrier;
    this.wasKept = carrier.isProven;
  }

  get isChannel(): boolean {
    return this.#carrier.isChannel;
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /** An answer is awaited. */
  get isAsking(): boolean {
    return this.#pending !== undefined;
  }

  /**
   * Sends a frame and resolves with its answer. One at a time. When it rejects, the line is closed.
   *
   * @param silenceMs how long the broker may say nothing.
   * @throws CLIENT_CONNECTION_LOST, CLIENT_SILENCE, WIRE_RESPONSE_INVALID, or a signal's reason.
   */
  ask(frame: Buffer, silenceMs: number, signals: readonly AbortSignal[] = []): Promise<Response> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      const fired = firedIn(signals);
      if (fired !== undefined) {
        this.close();
        reject(fired.reason);
        return;
      }
      const forget = onFired(signals, () => this.end(firedIn(signals)?.reason));
      this.#pending = { resolve, reject, forget };
      const { host, port } = this.#carrier;
      const asked = this.#pending;
      // What came while this process was busy is read before its silence is held against the broker.
      const onSilence = () => {
        const { bytesRead } = this.#carrier;
        setImmediate(() => {
          if (this.#pending !== asked || this.#carrier.bytesRead > bytesRead) return;
          this.end(ClientErrors.SILENCE({ host, port, silenceMs }));
        });
      };
      this.#timer = setTimeout(onSilence, clampTimerMs(silenceMs));
      this.#carrier.send(frame);
    });
  }

  /** Sends a frame that is not answered. */
  tell(frame: Buffer): void {
    if (this.isOpen) this.#carrier.send(frame);
  }

  /** The same for one that others will follow: nothing while the broker does not even read. */
  mention(frame: Buffer): void {
    if (!this.#carrier.isCongested) this.tell(frame);
  }

  close(): void {
    this.fail("it was closed");
  }

  setIdle(isIdle: boolean): void {
    this.#carrier.setIdle(isIdle);
    if (!isIdle) this.wasKept = this.#carrier.isProven;
  }

  /** For its carrier: an answer has begun to arrive. */
  refresh(): void {
    this.#timer?.refresh();
  }

  /** For its carrier: a frame has come. */
  receive(body: Buffer): void {
    try {
      const response = parseResponse(body);
      const pending = this.#settle();
      if (pending !== undefined) pending.resolve(response);
      else this.fail(`the broker said something unasked${refusalIn(response)}`);
    } catch (error) {
      this.end(error);
    }
  }

  fail(reason: string): void {
    const { host, port } = this.#carrier;
    this.end(ClientErrors.CONNECTION_LOST({ host, port, reason }));
  }

  /** It can be used no more, and this is why. */
  end(failure: unknown): void {
    if (!this.isOpen) return;
    this.#failure = failure;
    const pending = this.#settle();
    pending?.reject(failure);
    this.#carrier.leave(pending !== undefined && this.mustHear);
    this.onFail(failure);
    this.onClose();
  }

  #settle(): Pending | undefined {
    clearTimeout(this.#timer);
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.forget();
    return pending;
  }
}

/** Why the broker ends the line, if it says so. */
function refusalIn({ code, reason }: Response): string {
  return code === ResponseCode.SUCCESS ? "" : `: ${quote(reason)}`;
}
