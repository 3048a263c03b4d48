/** Processes under test: started, signalled and always ended, each by its own id. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Trial } from "./fault.js";
import { within } from "./waits.js";

const START_MS = 60_000;
const END_MS = 30_000;
/** Of each stream so much is kept, from its end. */
const KEPT_CHARACTERS = 4_000_000;

export const pathOf = (name: string): string =>
  fileURLToPath(new URL(`../${name}`, import.meta.url));
const MILLRACE = pathOf("../dist/cli/main.js");

/** Those that live. What a crash of this process leaves is ended by its exit. */
const living = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node itself. */
  readonly nodeOptions?: readonly string[];
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Proc {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly ended: Promise<Ended>;
  #stderr = "";
  /** Lines on standard output that are JSON, in order. */
  readonly #lines: Record<string, unknown>[] = [];
  readonly #watchers = new Set<() => void>();
  #isOver = false;

  private constructor(trial: Trial, command: readonly string[], options: StartOptions) {
    const { PATH = "", HOME = "" } = process.env;
    const [program, ...args] = command as [string, ...string[]];
    this.#name = args.slice(0, 2).join(" ");
    this.#child = spawn(program, args, {
      env: { PATH, HOME, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    living.add(this.#child);
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT_CHARACTERS);
      for (const look of this.#watchers) look();
    });
    this.#child.stdin?.on("error", () => {});
    if (this.#child.stdout !== null) {
      createInterface({ input: this.#child.stdout }).on("line", (line) => this.#onLine(line));
    }
    this.ended = once(this.#child, "close").then(([code, signal]) => {
      this.#isOver = true;
      living.delete(this.#child);
      for (const look of this.#watchers) look();
      return { code, signal };
    });
    trial.defer(() => (this.#isOver ? undefined : this.kill()));
  }

  /** A command of the project's own command line. */
  static millrace(trial: Trial, args: readonly string[], options: StartOptions = {}): Proc {
    const { nodeOptions = [] } = options;
    return new Proc(trial, [process.execPath, ...nodeOptions, MILLRACE, ...args], options);
  }

  /** A script of `processes/`. */
  static script(
    trial: Trial,
    [name, ...args]: readonly string[],
    options: StartOptions = {},
  ): Proc {
    const { nodeOptions = [] } = options;
    const path = pathOf(`processes/${name}`);
    return new Proc(trial, [process.execPath, ...nodeOptions, path, ...args], options);
  }

  /** Any other program. */
  static program(trial: Trial, command: readonly string[], options: StartOptions = {}): Proc {
    return new Proc(trial, command, options);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** All lines of JSON so far. */
  get lines(): readonly Record<string, unknown>[] {
    return this.#lines;
  }

  /** The first line with this event, from line number `from` on. */
  async event(
    name: string,
    { from = 0, ms = START_MS }: { readonly from?: number; readonly ms?: number } = {},
  ): Promise<Record<string, unknown>> {
    const find = () => this.#lines.slice(from).find(({ event }) => event === name);
    await this.#when(`${this.#name}: "${name}"`, ms, () => find() !== undefined);
    return find() as Record<string, unknown>;
  }

  /** Resolves when the log has something. */
  async logged(pattern: RegExp, ms = START_MS): Promise<void> {
    await this.#when(`${this.#name}: ${pattern}`, ms, () => pattern.test(this.#stderr));
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#isOver) this.#child.kill(signal);
  }

  /** A line for its standard input. */
  tell(line: object): void {
    this.#child.stdin?.write(`${JSON.stringify(line)}\n`);
  }

  /** kill -9, and waits until the system has buried it. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await within(`${this.#name}: the end after kill -9`, END_MS, this.ended);
  }

  /** SIGTERM, and how it ended. */
  async stop(ms = END_MS): Promise<Ended & { readonly ms: number }> {
    const startedAtMs = performance.now();
    this.signal("SIGTERM");
    const ended = await within(`${this.#name}: the end after SIGTERM`, ms, this.ended);
    return { ...ended, ms: performance.now() - startedAtMs };
  }

  #onLine(line: string): void {
    if (!line.startsWith("{")) return;
    this.#lines.push(JSON.parse(line));
    for (const look of this.#watchers) look();
  }

  #when(what: string, ms: number, condition: () => boolean): Promise<void> {
    let look = () => {};
    const happened = new Promise<void>((resolve, reject) => {
      look = () => {
        if (condition()) resolve();
        else if (this.#isOver) reject(new Error(`${what}: it ended.\n${this.#stderr.slice(-800)}`));
      };
      this.#watchers.add(look);
      look();
    });
    return within(what, ms, happened).finally(() => this.#watchers.delete(look));
  }
}
