/**
 * The connection on which a client hears of what happens: results that are there, jobs that were
 * cancelled. It asks for a sign of life all the time, so a connection that has silently died is found
 * within seconds, and with it all others to the same server.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs, linkSignals, messageOf, newId } from "../../core/index.js";
import { Deadline } from "../retry.js";
import { EPOCH } from "./keys.js";
import type { Line } from "./line.js";
import type { Network } from "./network.js";

const BEAT_MS = 2_000;
const ANSWER_MS = 5_000;
const RETRY_BASE_MS = 50;
const RETRY_MAX_MS = 2_000;

/** All who listen at one channel, and the one function by which the connection knows them. */
interface Channel {
  readonly listeners: Set<Listener>;
  readonly tell: (message: string) => void;
}

export interface Listener {
  readonly onMessage: (message: string) => void;
  /** The connection is new: what was said meanwhile was not heard. */
  readonly onGap: () => void;
}

export class Watch {
  readonly #network: Network;
  readonly #closed: AbortSignal;
  readonly #channels = new Map<string, Channel>();
  #line: Line | undefined;
  #loop: Promise<void> | undefined;
  #opening: Promise<Line> | undefined;
  #epoch: string | undefined;

  constructor(network: Network, closed: AbortSignal) {
    this.#network = network;
    this.#closed = closed;
  }

  /**
   * Resolves when messages on the channel are heard, or when Redis cannot be reached now: then they are
   * heard from the next `onGap` on.
   */
  async listen(channel: string, listener: Listener): Promise<void> {
    const { listeners, tell } = this.#channelOf(channel);
    listeners.add(listener);
    this.#loop ??= this.#run();
    try {
      const line = this.#line ?? (await this.#opening);
      await line?.subscribe(channel, tell);
    } catch (error) {
      this.#network.logger.debug({ error: messageOf(error) }, "a channel is not heard yet");
    }
  }

  /** The listener is told nothing more; others at the same channel are. */
  forget(channel: string, listener: Listener): void {
    const known = this.#channels.get(channel);
    known?.listeners.delete(listener);
    if (known === undefined || known.listeners.size > 0) return;
    this.#channels.delete(channel);
    this.#line?.unsubscribe(channel, known.tell).catch(() => {});
  }

  #channelOf(name: string): Channel {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    const listeners = new Set<Listener>();
    const tell = (message: string) => {
      for (const { onMessage } of listeners) onMessage(message);
    };
    const channel = { listeners, tell };
    this.#channels.set(name, channel);
    return channel;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#closed.aborted; failures++) {
      try {
        this.#opening = this.#open();
        this.#opening.catch(() => {});
        const line = await this.#opening;
        this.#line = line;
        failures = 0;
        await this.#checkEpoch();
        for (const { listeners } of this.#channels.values()) {
          for (const { onGap } of listeners) onGap();
        }
        await this.#stayWith(line);
      } catch (error) {
        if (this.#closed.aborted) return;
        this.#network.logger.debug({ error: messageOf(error) }, "the watching connection failed");
      }
      const line = this.#line;
      this.#line = undefined;
      if (line !== undefined) this.#network.abandon(line.address);
      else this.#network.forget();
      const pauseMs = backoffMs(failures, RETRY_BASE_MS, RETRY_MAX_MS);
      await sleep(pauseMs, undefined, { signal: this.#closed }).catch(() => {});
    }
  }

  /**
   * A Redis that was started anew without what it held, or failed over to one that was behind, does not
   * know the sign that was set before. That is told, not hidden.
   */
  async #checkEpoch(): Promise<void> {
    const bounds = { deadline: new Deadline(ANSWER_MS), signals: [], closed: this.#closed };
    let epoch = await this.#network.command(EPOCH, ["GET", EPOCH], bounds);
    if (typeof epoch !== "string") {
      await this.#network.command(EPOCH, ["SETNX", EPOCH, newId()], bounds);
      epoch = await this.#network.command(EPOCH, ["GET", EPOCH], bounds);
    }
    if (this.#epoch !== undefined && epoch !== this.#epoch) {
      this.#network.logger.error(
        { persistence: "see appendonly and appendfsync of Redis" },
        "Redis has lost what it held: jobs and results that were stored there are gone",
      );
    }
    this.#epoch = String(epoch);
  }

  async #open(): Promise<Line> {
    const line = await this.#network.openLine("millrace");
    try {
      for (const [name, { tell }] of this.#channels) await line.subscribe(name, tell);
      return line;
    } catch (error) {
      line.close();
      throw error;
    }
  }

  async #stayWith(line: Line): Promise<void> {
    const { signal, unlink } = linkSignals(this.#closed, line.ended);
    try {
      for (;;) {
        await sleep(BEAT_MS, undefined, { signal });
        await line.run(["PING"], ANSWER_MS);
      }
    } finally {
      unlink();
    }
  }
}
