/** The connections of a client: shared ones for commands, and single ones for those who block. */
import {
  backoffMs,
  firedIn,
  hasCode,
  type Logger,
  type MillraceError,
  onFired,
} from "../../core/index.js";
import { ClientErrors } from "../errors.js";
import { answerMs, type CallBounds, pause, throwIfEnded } from "../retry.js";
import type { Address, Login } from "./address.js";
import type { Directory } from "./directory.js";
import { Line } from "./line.js";
import { isMoved, isUnknownScript } from "./replies.js";
import type { Script } from "./scripts/script.js";
import { type Argument, lengthOf } from "./text-bytes.js";

/** How long a Redis may say nothing at first; repeated commands get twice as long each time. */
const SILENCE_MS = 5_000;
/** How much of a long command a line carries at least, in characters per ms. */
const PACE = 2_000;
const RETRY_BASE_MS = 25;

export interface NetworkOptions {
  readonly directory: Directory;
  readonly login: () => Promise<Login>;
  readonly maxRetries: number;
  readonly maxBackoffMs: number;
  readonly connectionTimeoutMs: number;
  readonly logger: Logger;
}

export class Network {
  readonly #options: NetworkOptions;
  readonly #shared = new Map<string, Promise<Line>>();
  readonly #lines = new Set<Line>();
  #isClosed = false;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  get isCluster(): boolean {
    return this.#options.directory.isCluster;
  }

  get logger(): Logger {
    return this.#options.logger;
  }

  /**
   * Runs a command at the server of a key. When the connection fails, or the server refuses for a
   * reason that passes, it is repeated, so it must do no harm twice.
   *
   * @throws CLIENT_BROKER_UNAVAILABLE after `maxRetries` repetitions, CLIENT_REFUSED,
   *   CLIENT_LOGIN_REFUSED, QUEUE_FULL, the reason of what ended the call.
   */
  command(key: string, args: readonly Argument[], bounds: CallBounds): Promise<unknown> {
    return this.#retried(key, bounds, (line, waitMs) => line.run(args, waitMs), lengthOfAll(args));
  }

  /**
   * Runs a script; `keys` must lie on one server. Errors and repetitions as with `command`.
   *
   * @param before commands that are sent right before it, each time that it is sent.
   */
  script(
    { text, sha1 }: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
    bounds: CallBounds,
    before: readonly (readonly Argument[])[] = [],
  ): Promise<unknown> {
    const tail = tailOf(keys, args);
    const run = async (line: Line, waitMs: number) => {
      const done = before.map((command) => line.run(command, waitMs));
      const ran = line.run(["EVALSHA", sha1, ...tail], waitMs);
      // The first that fails says why.
      await Promise.all(done).catch(async (error: unknown) => {
        await ran.catch(() => {});
        throw error;
      });
      try {
        return await ran;
      } catch (error) {
        if (!isUnknownScript(error)) throw error;
        return line.run(["EVAL", text, ...tail], waitMs);
      }
    };
    const length = before.reduce((sum, command) => sum + lengthOfAll(command), lengthOfAll(tail));
    return this.#retried(keys[0] as string, bounds, run, length);
  }

  /**
   * A command and a script as one step; the script's answer. The script may take back what the command
   * did. Errors and repetitions as with `command`.
   */
  async commandAndScript(
    command: readonly Argument[],
    { text }: Script,
    {
      keys,
      args,
    }: { readonly keys: readonly string[]; readonly args: readonly (string | number)[] },
    bounds: CallBounds,
  ): Promise<unknown> {
    // By its text: a hash that Redis does not know would be found out when the command is done.
    const commands = [command, ["EVAL", text, ...tailOf(keys, args)]];
    const run = async (line: Line, waitMs: number) =>
      (await line.transaction(commands, waitMs)).at(-1);
    return this.#retried(keys[0] as string, bounds, run, lengthOfAll(command));
  }

  /** A connection of one's own to the server of a key; whoever opens it closes it. */
  async openLine(key: string): Promise<Line> {
    const address = await this.#options.directory.addressOf(key);
    return this.#open(address);
  }

  /** The server of a key may be another one by now. */
  forget(): void {
    this.#options.directory.forget();
  }

  /** Ends every connection. */
  close(): void {
    this.#isClosed = true;
    for (const line of this.#lines) line.close();
  }

  /** Ends the connections to a server that no longer answers on one of them. */
  abandon({ host, port }: Address): void {
    for (const line of this.#lines) {
      if (line.address.host === host && line.address.port === port) line.close();
    }
    this.forget();
  }

  async #retried(
    key: string,
    bounds: CallBounds,
    run: (line: Line, waitMs: number) => Promise<unknown>,
    length: number,
  ): Promise<unknown> {
    const { maxRetries, maxBackoffMs, connectionTimeoutMs } = this.#options;
    for (let attempt = 0; ; attempt++) {
      throwIfEnded(bounds);
      try {
        // A call is asked once, also when its time is over: an answer gets a second at least.
        const maxMs = Math.min(connectionTimeoutMs, SILENCE_MS * 2 ** attempt + length / PACE);
        const line = await unlessEnded(this.#sharedLine(key), bounds);
        return await unlessEnded(run(line, answerMs(bounds, maxMs)), bounds);
      } catch (error) {
        throwIfEnded(bounds);
        if (!isPassing(error)) throw error;
        this.forget();
        const isLast = !isMoved(error) && (attempt >= maxRetries || bounds.deadline.leftMs === 0);
        if (isLast || attempt >= maxRetries + 2) throw lasting(error as MillraceError);
        if (!isMoved(error)) await pause(backoffMs(attempt, RETRY_BASE_MS, maxBackoffMs), bounds);
      }
    }
  }

  async #sharedLine(key: string): Promise<Line> {
    const address = await this.#options.directory.addressOf(key);
    const name = `${address.host}:${address.port}`;
    const known = this.#shared.get(name);
    if (known !== undefined) return known;
    const opening = this.#open(address);
    this.#shared.set(name, opening);
    const forget = () => {
      if (this.#shared.get(name) === opening) this.#shared.delete(name);
    };
    opening.then((line) => {
      line.ended.addEventListener("abort", forget);
      if (!line.isOpen) forget();
    }, forget);
    return opening;
  }

  async #open(address: Address): Promise<Line> {
    const connectMs = Math.min(this.#options.connectionTimeoutMs, SILENCE_MS);
    const line = await Line.open(address, { ...(await this.#options.login()), connectMs });
    if (this.#isClosed) {
      line.close();
      throw ClientErrors.CLOSED({});
    }
    this.#lines.add(line);
    line.ended.addEventListener("abort", () => this.#lines.delete(line));
    if (!line.isOpen) this.#lines.delete(line);
    return line;
  }
}

/** A call ends with its signals, whatever the server does; connections bound their own waits. */
async function unlessEnded<T>(work: Promise<T>, { signals, closed }: CallBounds): Promise<T> {
  if (signals.length === 0) return work;
  work.catch(() => {});
  const ends = [...signals, closed];
  let forget = () => {};
  const end = new Promise<never>((_, reject) => {
    forget = onFired(ends, () => reject(firedIn(ends)?.reason));
  });
  try {
    return await Promise.race([work, end]);
  } finally {
    forget();
  }
}

const PASSING = [
  ClientErrors.BROKER_UNAVAILABLE,
  ClientErrors.CONNECTION_LOST,
  ClientErrors.SILENCE,
  // A password may just be changing.
  ClientErrors.LOGIN_REFUSED,
].map(({ code }) => code);

/** Whether another attempt, with another connection, may go better. */
function isPassing(error: unknown): boolean {
  return PASSING.some((code) => hasCode(error, code));
}

/** What is said when nothing helped: for the caller there is no broker. */
function lasting(error: MillraceError): Error {
  if (
    !hasCode(error, ClientErrors.CONNECTION_LOST.code) &&
    !hasCode(error, ClientErrors.SILENCE.code)
  ) {
    return error;
  }
  const { host = "Redis", port = 0 } = error.details as Partial<Address>;
  return ClientErrors.BROKER_UNAVAILABLE({ host, port, reason: error.message }, error);
}

function tailOf(keys: readonly string[], args: readonly (string | number)[]): string[] {
  return [String(keys.length), ...keys, ...args.map(String)];
}

function lengthOfAll(args: readonly Argument[]): number {
  return args.reduce((sum, argument) => sum + lengthOf(argument), 0);
}
