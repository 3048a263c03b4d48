/** A broker of the command line with a data directory, killed and started again at will. */
import { readFileSync } from "node:fs";
import type { Trial } from "./fault.js";
import { Proc, type StartOptions } from "./processes.js";
import { sleep, within } from "./waits.js";

/** What a broker may take to be there again. */
const UP_MS = 60_000;

export interface BrokerSettings extends StartOptions {
  /** Undefined: messages in memory. */
  readonly dataDir?: string;
  /** 0: the system picks one at each start. */
  readonly port?: number;
  readonly args?: readonly string[];
  /** Another command that is a broker, too. */
  readonly command?: "broker" | "serve";
}

/** Where clients find a broker that comes and goes. */
export class Broker {
  readonly #trial: Trial;
  readonly #settings: BrokerSettings;
  #proc: Proc | undefined;
  #port = 0;
  #isUp = false;
  #wakers: (() => void)[] = [];
  /** Log lines of lives that are over, and of this one. */
  #pastLogs = "";
  starts = 0;
  /** Rejects when it ends and nobody asked it to. */
  readonly died: Promise<never>;
  #die: (error: Error) => void = () => {};

  constructor(trial: Trial, settings: BrokerSettings = {}) {
    this.#trial = trial;
    this.#settings = settings;
    this.died = new Promise((_, reject) => {
      this.#die = reject;
    });
    this.died.catch(() => {});
  }

  static async start(trial: Trial, settings: BrokerSettings = {}): Promise<Broker> {
    const broker = new Broker(trial, settings);
    await broker.start();
    return broker;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.proc.pid;
  }

  get proc(): Proc {
    if (this.#proc === undefined) throw new Error("the broker was not started");
    return this.#proc;
  }

  /** Everything that it and its former lives logged, as far as it is kept. */
  get log(): string {
    return this.#pastLogs + (this.#proc?.stderr ?? "");
  }

  async start(): Promise<void> {
    const { dataDir, port = 0, args = [], command = "broker", ...options } = this.#settings;
    const kept =
      dataDir === undefined
        ? ["--durability", "memory"]
        : args.includes("--durability")
          ? ["--data-dir", dataDir]
          : ["--durability", "fsync", "--data-dir", dataDir];
    const all = [command, "--port", `${port}`, "--json", ...kept, ...args];
    this.#proc = Proc.millrace(this.#trial, all, options);
    this.starts++;
    const { url } = await this.#proc.event("listening");
    this.#port = Number(new URL(String(url)).port);
    this.#isUp = true;
    this.#proc.ended.then(({ code }) => {
      if (!this.#isUp) return;
      this.#die(new Error(`the broker ended by itself, code ${code}: ${this.log.slice(-1_500)}`));
    });
    for (const wake of this.#wakers.splice(0)) wake();
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#isUp = false;
    await this.proc.kill();
    this.#pastLogs += this.proc.stderr;
  }

  /** SIGTERM. */
  async stop(ms?: number): ReturnType<Proc["stop"]> {
    this.#isUp = false;
    const ended = await this.proc.stop(ms);
    this.#pastLogs += this.proc.stderr;
    return ended;
  }

  /** Resolves when the broker can be asked; at once when it is up as far as is known. */
  async up(): Promise<void> {
    if (this.#isUp) {
      // It may have been killed just now, and the killer will say so in a moment.
      await sleep(1);
      if (this.#isUp) return;
    }
    await within("the broker's return", UP_MS, new Promise<void>((r) => this.#wakers.push(r)));
  }

  /** Resident memory in bytes, now or at its peak since the last `resetPeak`. */
  memory(which: "now" | "peak" = "now"): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    const name = which === "now" ? "VmRSS" : "VmHWM";
    return Number(new RegExp(`^${name}:\\s*(\\d+) kB`, "m").exec(status)?.[1]) * 1024;
  }
}
