/**
 * Replays a recorded exchange ("vector") against a real broker over TCP and holds its answers against
 * the recorded ones. The form of a vector is told in `test/wire/own-vectors/README.md`.
 */
import { expect } from "vitest";
import type { SimpleMessageBroker } from "../../src/runtime/index.js";
import { until } from "../../src/testing/index.js";
import { type Answer, connectPeer, frameOf, type RawPeer } from "./raw-peer.js";
import { type Cleanup, preload, startBroker, takeAll } from "./start-broker.js";

export interface Exchange {
  readonly conn: number;
  readonly dir: "c2s" | "s2c";
  readonly headerHex?: string;
  readonly payload?: string | null;
  readonly payloadHex?: string;
  readonly close?: "fin" | "rst" | "relay-write-failed";
  readonly partialHex?: string;
}

export interface Vector {
  readonly name: string;
  readonly about: string;
  readonly broker: { readonly maxQueueSize: number };
  readonly preload?: Readonly<Record<string, readonly string[]>>;
  readonly exchanges: readonly Exchange[];
  readonly finalQueues: Readonly<Record<string, { readonly ready: readonly string[] }>>;
}

/** An answer as it must be: a reason that is left out may be any text. */
export interface ExpectedAnswer {
  readonly code: number;
  readonly reason?: string;
  readonly response?: string | null;
  readonly hasId: boolean;
}

/** What is another here than in the recording, and why that is allowed. */
export interface Deviation {
  readonly why: string;
  /** By the answer's place among all recorded answers, from 0; null: it is not sent. */
  readonly answers?: Readonly<Record<number, ExpectedAnswer | null>>;
  /** By the frame's place among all recorded frames of the client, from 0: it is not sent. */
  readonly unsent?: readonly number[];
  /** Answers on connection 1 after all that was recorded. */
  readonly more?: readonly ExpectedAnswer[];
  /** Stored before, where the recording does not tell it. */
  readonly preload?: Readonly<Record<string, readonly string[]>>;
  /** What is ready in the end. */
  readonly ready?: Readonly<Record<string, readonly string[]>>;
}

const MEMBERS = ["response_code", "response_reason", "response", "trace_id", "transaction_id"];
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** The texts of the protocol that clients compare; all others are prose. */
const FIXED_REASONS: ReadonlySet<unknown> = new Set([
  "OK",
  "ACK not received.",
  "Queue is full",
  "Queue is not available",
  "Job not ready",
  "Invalid JSON message",
  "No command specified",
  "Unknown command",
]);

/** Runs one vector; `byteByByte` writes each byte of the client alone. */
export async function replay(
  t: Cleanup,
  vector: Vector,
  options: { readonly deviation?: Deviation | undefined; readonly byteByByte?: boolean },
): Promise<void> {
  const { maxQueueSize } = vector.broker;
  // Recorded POPs on empty queues were answered at once; holding them has tests of its own.
  const broker = await startBroker(t, { maxHoldMs: 0, brokerParams: { maxQueueSize } });
  const { deviation, byteByByte = false } = options;
  const stored = deviation?.preload ?? vector.preload ?? {};
  for (const [name, texts] of Object.entries(stored)) await preload(broker, name, ...texts);
  const run = new Replay(t, broker, { vector, deviation: deviation ?? { why: "" }, byteByByte });
  await run.exchanges();
  await run.end();
  await run.checkQueues();
}

class Replay {
  readonly #t: Cleanup;
  readonly #broker: SimpleMessageBroker;
  readonly #vector: Vector;
  readonly #deviation: Deviation;
  readonly #byteByByte: boolean;
  readonly #peers = new Map<number, RawPeer>();
  /** Connections that this side has reset: nothing more can be read there. */
  readonly #reset = new Set<number>();
  /** Recorded ids to those of this run. */
  readonly #ids = new Map<string, string>();
  #sentCount = 0;
  #answerCount = 0;

  constructor(
    t: Cleanup,
    broker: SimpleMessageBroker,
    run: { vector: Vector; deviation: Deviation; byteByByte: boolean },
  ) {
    this.#t = t;
    this.#broker = broker;
    this.#vector = run.vector;
    this.#deviation = run.deviation;
    this.#byteByByte = run.byteByByte;
  }

  async exchanges(): Promise<void> {
    for (const exchange of this.#vector.exchanges) {
      const { conn, dir, close, payload } = exchange;
      const peer = this.#peers.get(conn) ?? (await this.#connect(conn));
      if (close !== undefined) {
        if (dir === "c2s") await this.#close(peer, exchange);
        else if (this.#isUnanswered(conn)) expect(await peer.untilClosed()).toHaveLength(0);
      } else if (dir === "c2s") await this.#send(peer, exchange);
      else if (!this.#reset.has(conn)) await this.#receive(peer, payload as string);
    }
  }

  /** Nothing may come but what is expected, and the broker lets all connections go. */
  async end(): Promise<void> {
    for (const peer of this.#peers.values()) peer.end();
    const first = this.#peers.get(1) as RawPeer;
    for (const expected of this.#deviation.more ?? []) checkAnswer(await first.frame(), expected);
    for (const peer of this.#peers.values()) expect(await peer.untilClosed()).toHaveLength(0);
    await until("all connections are closed", () => this.#broker.getStats().connections === 0);
  }

  /** Empty queues are not there; those that hold something hold the same. */
  async checkQueues(): Promise<void> {
    const recorded = Object.entries(this.#vector.finalQueues).map(
      ([name, { ready }]) => [name, ready] as const,
    );
    const expected = this.#deviation.ready ?? Object.fromEntries(recorded);
    const { queues, inFlight } = this.#broker.getStats();
    expect(inFlight).toBe(0);
    expect(queues).toBe(Object.values(expected).filter((ready) => ready.length > 0).length);
    for (const [name, ready] of Object.entries(expected)) {
      const texts = await takeAll(this.#broker, name);
      expect(texts.map(canonical)).toEqual(ready.map((text) => canonical(this.#translate(text))));
    }
    // What was popped of a job is remembered until its result is there; its body is not.
    const { heldBytes, jobs } = this.#broker.getStats();
    expect(heldBytes).toBeLessThanOrEqual((jobs?.openJobs ?? 0) * 4_096);
  }

  async #connect(conn: number): Promise<RawPeer> {
    const peer = await connectPeer(this.#t, this.#broker.port);
    this.#peers.set(conn, peer);
    const own = this.#vector.exchanges.filter((exchange) => exchange.conn === conn);
    // Bytes of an unfinished frame stand at the close, though they were sent before the answer.
    const partial = own.find(({ partialHex }) => partialHex !== undefined)?.partialHex;
    if (partial !== undefined) await this.#write(peer, Buffer.from(partial, "hex"));
    return peer;
  }

  async #send(peer: RawPeer, { headerHex, payload, payloadHex }: Exchange): Promise<void> {
    if (this.#deviation.unsent?.includes(this.#sentCount++)) return;
    const isText = payloadHex === undefined;
    const body = isText ? this.#translate(payload ?? "") : Buffer.from(payloadHex, "hex");
    const frame = isText
      ? frameOf(body as string)
      : Buffer.concat([Buffer.alloc(8), body as Buffer]);
    if (headerHex !== undefined) Buffer.from(headerHex, "hex").copy(frame);
    await this.#write(peer, frame);
  }

  async #write(peer: RawPeer, bytes: Buffer): Promise<void> {
    if (!this.#byteByByte) peer.write(bytes);
    else {
      for (const byte of bytes) {
        peer.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
    }
  }

  async #receive(peer: RawPeer, recorded: string): Promise<void> {
    const { answers = {} } = this.#deviation;
    const place = this.#answerCount++;
    if (answers[place] === null) return;
    const members = JSON.parse(recorded) as Record<string, unknown>;
    const { response_code, response_reason, response, transaction_id } = members;
    const answer = await peer.frame();
    if (typeof transaction_id === "string" && answer.members.transaction_id !== null) {
      this.#ids.set(transaction_id, this.#ids.get(transaction_id) ?? answer.id);
      expect(answer.id).toBe(this.#ids.get(transaction_id));
    }
    const reason = FIXED_REASONS.has(response_reason) ? { reason: response_reason as string } : {};
    checkAnswer(
      answer,
      answers[place] ?? {
        code: response_code as number,
        ...reason,
        response: response as string | null,
        hasId: transaction_id !== null,
      },
    );
  }

  async #close(peer: RawPeer, { conn, close }: Exchange): Promise<void> {
    const before = this.#broker.getStats().connections;
    if (close === "rst") {
      this.#reset.add(conn);
      peer.socket.resetAndDestroy();
    } else peer.end();
    // The next exchange of the recording came after the server had seen the close.
    await until("the close was seen", () => this.#broker.getStats().connections < before);
  }

  /** The recording has no answer at all on this connection. */
  #isUnanswered(conn: number): boolean {
    return this.#vector.exchanges.every(
      (exchange) =>
        exchange.conn !== conn || exchange.dir === "c2s" || exchange.close !== undefined,
    );
  }

  /** The recorded text with the ids of this run. */
  #translate(text: string): string {
    let translated = text;
    for (const [recorded, own] of this.#ids) translated = translated.replaceAll(recorded, own);
    return translated;
  }
}

function checkAnswer(answer: Answer, expected: ExpectedAnswer): void {
  const { code, reason, response, hasId } = expected;
  expect(Object.keys(answer.members)).toEqual(MEMBERS);
  expect(answer.code).toBe(code);
  if (reason !== undefined) expect(answer.reason).toBe(reason);
  else expect(answer.reason).toMatch(/./);
  if (response !== undefined) expect(answer.response).toBe(response);
  expect(answer.members.trace_id).toBeNull();
  if (hasId) expect(answer.id).toMatch(UUID_V4);
  else expect(answer.members.transaction_id).toBeNull();
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[A-Za-z]+|[[\]{}:,]|\s+/gy;

/** A JSON text without blanks, its strings unescaped, its numbers as exact decimals; else itself. */
function canonical(text: string): string {
  const tokens = text.match(TOKEN);
  if (!text.startsWith("{") || tokens?.join("") !== text) return text;
  return tokens
    .filter((token) => token.trim() !== "")
    .map((token) => {
      if (token.startsWith('"')) return JSON.stringify(JSON.parse(token));
      return /^-?\d/.test(token) ? decimal(token) : token;
    })
    .join("");
}

/** A number as digits without trailing zeros and an exponent. */
function decimal(token: string): string {
  const [mantissa = "", exponent = "0"] = token.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  const digits = BigInt(whole + fraction);
  if (digits === 0n) return "0";
  const significant = digits.toString().replace(/0+$/, "");
  const zeros = digits.toString().length - significant.length;
  return `${significant}e${Number(exponent) - fraction.length + zeros}`;
}
