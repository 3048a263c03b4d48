/**
 * Pushes that are stored while their senders may not know it: the final response was lost, so the
 * old client will send the same bytes again. Such a repetition gets the first push's id and is not
 * stored. A push whose sender is known to have heard is never in here, so that honest equal jobs
 * stay two.
 */
import { createHash, hash } from "node:crypto";
import type { Entry } from "./store/entry.js";
import { CONFIRM_MS } from "./store/message-store.js";

/** More are forgotten, oldest first: each stands for a broken connection of the last two minutes. */
const DOUBTS_MAX = 100_000;
const DIGEST_BYTES = 16;
/** Up to so many bytes, copying to hash them in one call costs less than an object that hashes. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024);

export interface Doubt {
  readonly key: string;
  /** Transaction id of the first push. */
  readonly id: string;
  readonly entry: Entry;
  /** Still on its way to the disk; its repetition waits for the same. */
  readonly stored: Promise<void> | undefined;
  readonly untilMs: number;
  /** How many connections repeat it just now. */
  repetitions: number;
}

/** What pushes of the same bytes by the same command to the same queue have in common. */
export function digestOf(command: string, queueName: string, message: Buffer): Buffer {
  const head = `${command} ${Buffer.byteLength(queueName)} ${queueName}`;
  // A character has three bytes at most.
  if (head.length * 3 + message.length > scratch.length) {
    const digest = createHash("sha256").update(head).update(message).digest();
    return digest.subarray(0, DIGEST_BYTES);
  }
  const headBytes = scratch.write(head);
  const bytes = headBytes + message.copy(scratch, headBytes);
  return hash("sha256", scratch.subarray(0, bytes), "buffer").subarray(0, DIGEST_BYTES);
}

export class PushDoubts {
  /** In the order in which they end. */
  readonly #doubts = new Set<Doubt>();
  /** Equal pushes can be lost at the same time, and then each is repeated. Oldest first. */
  readonly #byKey = new Map<string, Doubt[]>();
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

  /** What a push of this key repeats: the oldest that no other connection repeats, if there is one. */
  find(key: string): Doubt | undefined {
    if (this.#doubts.size === 0) return undefined;
    this.#expire();
    const doubts = this.#byKey.get(key) ?? [];
    return doubts.find(({ repetitions }) => repetitions === 0) ?? doubts[0];
  }

  /** Its sender may not have heard. @param leftMs how long it may still come again. */
  add(push: Omit<Doubt, "untilMs" | "repetitions">, leftMs = CONFIRM_MS): void {
    this.#expire();
    const { key } = push;
    const doubt = { ...push, untilMs: this.#nowMs() + leftMs, repetitions: 0 };
    this.#doubts.add(doubt);
    const equal = this.#byKey.get(key);
    if (equal === undefined) this.#byKey.set(key, [doubt]);
    else equal.push(doubt);
    // What could not be stored after all is a new push when it comes again.
    push.stored?.catch(() => this.#forget(doubt));
    if (this.#doubts.size <= DOUBTS_MAX) return;
    const [oldest] = this.#doubts;
    if (oldest !== undefined) this.#end(oldest);
  }

  /** The sender of the repetition has heard, so that of the first has. */
  resolve(doubt: Doubt): void {
    this.#end(doubt);
  }

  #expire(): void {
    const nowMs = this.#nowMs();
    for (const doubt of this.#doubts) {
      if (doubt.untilMs > nowMs) break;
      this.#end(doubt);
    }
  }

  #end(doubt: Doubt): void {
    if (this.#forget(doubt)) this.#onOver(doubt.entry);
  }

  /** Whether it was there. */
  #forget(doubt: Doubt): boolean {
    if (!this.#doubts.delete(doubt)) return false;
    const others = (this.#byKey.get(doubt.key) ?? []).filter((other) => other !== doubt);
    if (others.length > 0) this.#byKey.set(doubt.key, others);
    else this.#byKey.delete(doubt.key);
    return true;
  }
}
