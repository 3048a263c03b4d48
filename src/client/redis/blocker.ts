/**
 * Waits at one empty queue for those who wait at the desk: Redis moves the next message into a place as
 * soon as there is one. It has a connection of its own, because that is blocked meanwhile.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs, messageOf, settlesWithin } from "../../core/index.js";
import { Deadline } from "../retry.js";
import type { QueueKeys } from "./keys.js";
import type { Line } from "./line.js";
import type { Network } from "./network.js";
import type { Worker } from "./worker.js";

/** So long Redis may block; a worker that died can get messages for as long. */
export const BLOCK_MS = 3_000;
const ANSWER_MS = 3_000;
const STOP_MS = 1_000;
const RETRY_BASE_MS = 50;
const RETRY_MAX_MS = 2_000;

interface Desk {
  reserve(): Promise<{ readonly worker: Worker; readonly place: number }>;
  hand(worker: Worker, place: number, message: string): void;
  free(worker: Worker, place: number): void;
  doubt(worker: Worker, place: number): void;
  isWanted(): boolean;
  /** Redis may have lost its last writes, as after a crash. */
  distrust(): void;
  /** There may be more where that came from, which was a text of this length. */
  onTaken(length: number): void;
}

export class Blocker {
  readonly #network: Network;
  readonly #keys: QueueKeys;
  readonly #desk: Desk;
  #line: Line | undefined;
  #connectionId: string | undefined;
  #isBlocked = false;
  #running: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(network: Network, keys: QueueKeys, desk: Desk) {
    this.#network = network;
    this.#keys = keys;
    this.#desk = desk;
  }

  /** Whether Redis hands over the next message of this queue by itself, into a place. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Whether it takes the next message of this queue, now or as soon as it can. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Waits as long as it is wanted. */
  start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Redis is asked to let go; resolves when it has, or a second later. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    if (this.#isBlocked && this.#connectionId !== undefined) {
      const args = ["CLIENT", "UNBLOCK", this.#connectionId];
      const bounds = {
        deadline: new Deadline(STOP_MS),
        signals: [],
        closed: this.#closing.signal,
      };
      await this.#network.command(this.#keys.queue, args, bounds).catch(() => {});
    }
    await settlesWithin(running, STOP_MS);
  }

  close(): void {
    this.#closing.abort(new Error("closed"));
    this.#line?.close();
  }

  async #run(): Promise<void> {
    for (let failures = 0; this.#desk.isWanted() && !this.#closing.signal.aborted; ) {
      try {
        await this.#waitOnce();
        failures = 0;
      } catch (error) {
        this.#network.logger.debug({ error: messageOf(error) }, "a wait at a queue failed");
        this.#line?.close();
        this.#line = undefined;
        this.#network.forget();
        this.#desk.distrust();
        failures++;
        const pauseMs = backoffMs(failures, RETRY_BASE_MS, RETRY_MAX_MS);
        await sleep(pauseMs, undefined, { signal: this.#closing.signal }).catch(() => {});
      }
    }
  }

  async #waitOnce(): Promise<void> {
    const line = await this.#openLine();
    const { worker, place } = await this.#desk.reserve();
    if (!this.#desk.isWanted()) {
      this.#desk.free(worker, place);
      return;
    }
    const claim = this.#keys.claim(worker.id, place);
    const args = ["BLMOVE", this.#keys.queue, claim, "LEFT", "LEFT", String(BLOCK_MS / 1000)];
    let message: unknown;
    try {
      this.#isBlocked = true;
      message = await line.run(args, BLOCK_MS + ANSWER_MS);
    } catch (error) {
      this.#desk.doubt(worker, place);
      throw error;
    } finally {
      this.#isBlocked = false;
    }
    if (typeof message !== "string") {
      this.#desk.free(worker, place);
      return;
    }
    this.#desk.hand(worker, place, message);
    if (this.#desk.isWanted()) this.#desk.onTaken(message.length);
  }

  async #openLine(): Promise<Line> {
    if (this.#line?.isOpen) return this.#line;
    const line = await this.#network.openLine(this.#keys.queue);
    this.#connectionId = String(await line.run(["CLIENT", "ID"], ANSWER_MS));
    this.#line = line;
    return line;
  }
}
