/**
 * One connection to one Redis. It is used until it fails and never connects again by itself: what
 * becomes of a command whose answer was lost is for its caller to decide.
 */
import { createClient } from "@redis/client";
import {
  clampTimerMs,
  hasCode,
  messageOf,
  monotonicMs,
  sharedAbortController,
} from "../../core/index.js";
import { ClientErrors } from "../errors.js";
import type { Address, Login } from "./address.js";
import { translateReply } from "./replies.js";
import { type Argument, outgoing } from "./text-bytes.js";

/** How often it is looked whether an answer is overdue. */
const GUARD_MS = 250;

export interface LineOptions extends Login {
  readonly connectMs: number;
}

export class Line {
  readonly address: Address;
  readonly #client;
  readonly #waits = new Set<{ readonly endMs: number; readonly answerMs: number }>();
  #guard: NodeJS.Timeout | undefined;
  #failure: Error | undefined;
  readonly #ending = sharedAbortController();

  private constructor(address: Address, client: ReturnType<typeof newClient>) {
    this.address = address;
    this.#client = client;
    client.on("error", (error: Error) => this.#fail(error));
    client.on("terminated", (error: Error) => this.#fail(error));
    client.on("end", () => this.#fail(new Error("it was closed")));
  }

  /** @throws CLIENT_BROKER_UNAVAILABLE, CLIENT_NOT_A_BROKER, and what Redis refuses at the login. */
  static async open(address: Address, options: LineOptions): Promise<Line> {
    const client = newClient(address, options);
    const line = new Line(address, client);
    // It bounds the connecting itself, but not the wait for an answer to the login.
    const late = new Error(`nothing for ${options.connectMs} ms`);
    const timer = setTimeout(() => line.#fail(late), clampTimerMs(options.connectMs));
    try {
      await client.connect();
      return line;
    } catch (error) {
      const cause = line.#failure ?? error;
      line.close();
      throw translateReply(error, "connecting", address) ?? unavailable(address, cause);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Fires when the line fails or is closed. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /**
   * Sends a command and waits for its answer, at most `answerMs`; then the line is taken for dead.
   *
   * @throws CLIENT_CONNECTION_LOST, CLIENT_SILENCE: whether Redis did it is unknown. What Redis itself
   *   refuses: see `translateReply`.
   */
  async run(args: readonly Argument[], answerMs: number): Promise<unknown> {
    if (this.#failure !== undefined) throw this.#lost(this.#failure);
    const wait = { endMs: monotonicMs() + answerMs, answerMs };
    this.#waits.add(wait);
    this.#guard ??= setInterval(() => this.#checkSilence(), GUARD_MS);
    const sent = outgoing(args);
    try {
      const reply = await this.#client.sendCommand(sent.args);
      sent.free();
      return reply;
    } catch (error) {
      const refusal = translateReply(error, String(args[0]), this.address);
      if (refusal !== undefined) throw refusal;
      if (hasCode(this.#failure, ClientErrors.SILENCE.code)) throw this.#failure;
      throw this.#lost(this.#failure ?? error);
    } finally {
      this.#waits.delete(wait);
      if (this.#waits.size === 0) this.#rest();
    }
  }

  /**
   * Commands that Redis runs as one step, without taking long ones into a script, which costs it more
   * than everything else. Their answers. Errors as with `run`; then none of them was run, unless one
   * failed in the middle.
   */
  async transaction(
    commands: readonly (readonly Argument[])[],
    answerMs: number,
  ): Promise<readonly unknown[]> {
    const all = [["MULTI"], ...commands, ["EXEC"]];
    // Sent in one event, nothing of others comes between.
    const replies = await Promise.allSettled(all.map((args) => this.run(args, answerMs)));
    for (const reply of replies) if (reply.status === "rejected") throw reply.reason;
    const answers = (replies.at(-1) as PromiseFulfilledResult<unknown>).value as unknown[];
    for (const answer of answers) {
      const refusal = translateReply(answer, "EXEC", this.address);
      if (refusal !== undefined) throw refusal;
    }
    return answers;
  }

  /** Calls `listener` for each message on the channel, for as long as the line lasts. */
  async subscribe(channel: string, listener: (message: string) => void): Promise<void> {
    if (this.#failure !== undefined) throw this.#lost(this.#failure);
    try {
      await this.#client.subscribe(channel, listener);
    } catch (error) {
      throw this.#lost(error);
    }
  }

  async unsubscribe(channel: string, listener: (message: string) => void): Promise<void> {
    if (this.#failure === undefined) await this.#client.unsubscribe(channel, listener);
  }

  close(): void {
    this.#fail(new Error("it was closed"));
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#rest();
    // What is on its way is rejected by that.
    if (this.#client.isOpen) this.#client.destroy();
    this.#ending.abort(error);
  }

  /** One timer for all that is awaited: commands are many, and nearly all are answered at once. */
  #checkSilence(): void {
    const nowMs = monotonicMs();
    for (const { endMs, answerMs } of this.#waits) {
      if (endMs > nowMs) continue;
      this.#fail(ClientErrors.SILENCE({ ...this.address, silenceMs: answerMs }));
      return;
    }
  }

  #rest(): void {
    clearInterval(this.#guard);
    this.#guard = undefined;
  }

  #lost(cause: unknown): Error {
    return ClientErrors.CONNECTION_LOST({ ...this.address, reason: messageOf(cause) }, cause);
  }
}

function newClient(
  { host, port }: Address,
  { tls, username, password, db, connectMs }: LineOptions,
) {
  const socket = { host, port, connectTimeout: connectMs, reconnectStrategy: false as const };
  return createClient({
    socket: tls === undefined ? socket : { ...socket, ...tls, tls: true as const },
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(db > 0 && { database: db }),
    RESP: 3,
    disableOfflineQueue: true,
    // Its own time limit costs a signal for each command, and leaves the connection in use.
    commandOptions: { timeout: 0 },
    maintNotifications: "disabled",
  });
}

function unavailable({ host, port }: Address, cause: unknown): Error {
  return ClientErrors.BROKER_UNAVAILABLE({ host, port, reason: messageOf(cause) }, cause);
}
