/**
 * Clients that go on when a broker dies under them, and note what they know: a producer repeats a push
 * whose final response it has not read, with the same bytes; a consumer asks again.
 */
import type { History } from "../history.js";
import { type Body, tagOf } from "./bodies.js";
import type { Broker } from "./broker.js";
import { ackFrame, jobFrame, popFrame, pushFrame } from "./calls.js";
import { LineLost, RawLine } from "./raw-line.js";
import { within } from "./waits.js";

/** Where the clients connect: the broker itself, or something in between. */
export interface Target {
  port(): number;
  /** Resolves when it is worth trying. */
  up(): Promise<void>;
}

/**
 * Called in the middle of handshakes, so that a fault can strike there. `true`: the client does not go
 * on, and waits for the end of its connection.
 */
export interface Moments {
  /** The first response to a push is there. */
  onInitiated?(): boolean;
  /** The acknowledgement of a push is on its way. */
  onPushAcknowledging?(): void;
  /** A message is there and not acknowledged. */
  onDelivered?(): boolean;
}

export interface Scene {
  readonly history: History;
  readonly target: Target;
  readonly moments?: Moments;
}

export const targetOf = (broker: Broker): Target => ({
  port: () => broker.port,
  up: () => broker.up(),
});

/** Counts of what clients went through. */
export interface Counts {
  /** Pushes that were sent again. */
  repeated: number;
  /** Of those, answered with the id of the one before. */
  recognised: number;
}

/** One producer: one push at a time, so that their order is known. */
export class Producer {
  readonly counts: Counts = { repeated: 0, recognised: 0 };
  readonly #scene: Scene;
  #line: RawLine | undefined;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** Resolves with the id when the push is acknowledged, however often it has to be repeated. */
  async push(
    queue: string,
    { tag: body, text }: Body,
    { isJob = false }: { readonly isJob?: boolean } = {},
  ): Promise<string> {
    const { history, target } = this.#scene;
    const frame = (isJob ? jobFrame : pushFrame)(queue, text);
    history.note({ kind: "asked", queue, body });
    let formerId: string | undefined;
    for (;;) {
      try {
        const id = await this.#tryPush(frame, (first) => {
          if (formerId !== undefined) this.counts.repeated++;
          if (formerId === first) this.counts.recognised++;
          formerId = first;
        });
        if (id !== undefined) {
          history.note({ kind: "acknowledged", queue, body, ...(isJob && { jobId: id }) });
          return id;
        }
      } catch (error) {
        if (!(error instanceof LineLost)) throw error;
        this.#line?.drop();
        this.#line = undefined;
      }
      await target.up();
    }
  }

  close(): void {
    this.#line?.drop();
  }

  /** The id; undefined when the broker has no place now. */
  async #tryPush(frame: Buffer, onFirst: (id: string) => void): Promise<string | undefined> {
    const { target, moments } = this.#scene;
    if (this.#line?.isOpen !== true) this.#line = await RawLine.open(target.port());
    const line = this.#line;
    const first = await line.ask(frame);
    if (first.code !== 0) {
      line.drop();
      return undefined;
    }
    const id = String(first.transactionId);
    onFirst(id);
    if (moments?.onInitiated?.() === true) await untilLost(line);
    line.write(ackFrame(id));
    moments?.onPushAcknowledging?.();
    const final = await line.read();
    return final.code === 0 ? id : undefined;
  }
}

/** One consumer: one message at a time. */
export class Consumer {
  readonly #scene: Scene;
  readonly #queue: string;
  #line: RawLine | undefined;
  #isStopped = false;

  constructor(queue: string, scene: Scene) {
    this.#queue = queue;
    this.#scene = scene;
  }

  /** Takes messages until it is stopped. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#takeOne();
      } catch (error) {
        if (!(error instanceof LineLost)) throw error;
        this.#line?.drop();
        this.#line = undefined;
        if (!this.#isStopped) await this.#scene.target.up();
      }
    }
    this.#line?.drop();
  }

  stop(): void {
    this.#isStopped = true;
    this.#line?.drop();
  }

  async #takeOne(): Promise<void> {
    const { history, target, moments } = this.#scene;
    const queue = this.#queue;
    if (this.#line?.isOpen !== true) this.#line = await RawLine.open(target.port());
    const line = this.#line;
    const first = await line.ask(popFrame(queue, 3));
    if (first.code !== 0) {
      if (first.reason !== "Job not ready") throw new Error(`a pop was refused: ${first.reason}`);
      return;
    }
    const body = tagOf(first.response ?? "");
    history.note({ kind: "delivered", queue, body });
    if (moments?.onDelivered?.() === true) await untilLost(line);
    history.note({ kind: "settling", queue, body });
    const final = await line.ask(ackFrame(first.transactionId));
    if (final.code === 0) history.note({ kind: "settled", queue, body });
  }
}

async function untilLost(line: RawLine): Promise<never> {
  await within("the end of a connection whose broker was killed", 60_000, line.lost);
  throw new LineLost("it ended in the middle of a handshake");
}
