/**
 * Pushes that are stored while their senders may not know it: the final response was lost, so the
 * old client will send the same bytes again. Such a repetition gets the first push's id and is not
 * stored. A push whose sender is known to have heard is never in here, so that honest equal jobs
 * stay two.
 */
import { createHash } from "node:crypto";
import type { Entry } from "./store/entry.js";
import { CONFIRM_MS } from "./store/message-store.js";

/** More are forgotten, oldest first: each stands for a broken connection of the last two minutes. */
const DOUBTS_MAX = 100_000;
const DIGEST_BYTES = 16;

export interface Doubt {
  readonly key: string;
  /** Transaction id of the first push. */
  readonly id: string;
  readonly entry: Entry;
  /** Still on its way to the disk; its repetition waits for the same. */
  readonly stored: Promise<void> | undefined;
  readonly untilMs: number;
}

/** What pushes of the same bytes by the same command to the same queue have in common. */
export function digestOf(command: string, queueName: string, message: Buffer): Buffer {
  const hash = createHash("sha256").update(`${command} ${Buffer.byteLength(queueName)} `);
  return hash.update(queueName).update(message).digest().subarray(0, DIGEST_BYTES);
}

export class PushDoubts {
  /** In the order in which they end. */
  readonly #doubts = new Map<string, Doubt>();
  /** Stored pushes whose senders have their answer on the way, by key. */
  readonly #open = new Map<string, number>();
  readonly #nowMs: () => number;
  readonly #onOver: (entry: Entry) => void;

  /** @param onOver called when nobody will repeat the push of this entry any more. */
  constructor(nowMs: () => number, onOver: (entry: Entry) => void) {
    this.#nowMs = nowMs;
    this.#onOver = onOver;
  }

  get count(): number {
    return this.#doubts.size;
  }

  /** A push was stored, and its connection still stands. */
  open(key: string): void {
    this.#open.set(key, (this.#open.get(key) ?? 0) + 1);
  }

  /** Its fate is known: `confirm` or `add` follows. */
  close(key: string): void {
    const count = (this.#open.get(key) ?? 0) - 1;
    if (count > 0) this.#open.set(key, count);
    else this.#open.delete(key);
  }

  /** An equal push may just have lost its connection, and nobody has looked yet. */
  isOpen(key: string): boolean {
    return this.#open.has(key);
  }

  find(key: string): Doubt | undefined {
    this.#expire();
    return this.#doubts.get(key);
  }

  /** Its sender may not have heard. @param leftMs how long it may still come again. */
  add(push: Omit<Doubt, "untilMs">, leftMs = CONFIRM_MS): void {
    this.#expire();
    const { key } = push;
    const former = this.#doubts.get(key);
    this.#doubts.delete(key);
    if (former !== undefined && former.entry !== push.entry) this.#onOver(former.entry);
    this.#doubts.set(key, { ...push, untilMs: this.#nowMs() + leftMs });
    if (this.#doubts.size <= DOUBTS_MAX) return;
    const [oldest] = this.#doubts.values();
    if (oldest !== undefined) this.#end(oldest);
  }

  /** It was never stored after all, so its repetition is a push like any other. */
  withdraw(key: string, id: string): void {
    if (this.#doubts.get(key)?.id === id) this.#doubts.delete(key);
  }

  /** The sender of the repetition has heard, so that of the first has. */
  resolve(doubt: Doubt): void {
    if (this.#doubts.get(doubt.key) === doubt) this.#end(doubt);
  }

  #expire(): void {
    const nowMs = this.#nowMs();
    for (const doubt of this.#doubts.values()) {
      if (doubt.untilMs > nowMs) break;
      this.#end(doubt);
    }
  }

  #end(doubt: Doubt): void {
    this.#doubts.delete(doubt.key);
    this.#onOver(doubt.entry);
  }
}
