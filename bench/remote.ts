/**
 * The processes of a run: started, asked, ended by their own ids. Node children speak over IPC,
 * Python children in lines of JSON; both get `{id, method, params}` and answer `{id, result}` or
 * `{id, error}`.
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  type BrokerHandle,
  type SimpleMessageBrokerOptions,
  startSimpleMessageBroker,
} from "millrace";

const CALL_MS = 60_000;
const END_MS = 3_000;

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** A child that answers calls. */
export class Remote {
  readonly #child: ChildProcess;
  readonly #file: string;
  readonly #send: (call: object) => void;
  readonly #pending = new Map<
    number,
    { resolve(value: unknown): void; reject(error: Error): void }
  >();
  readonly #exited: Promise<void>;
  #nextId = 1;

  constructor(child: ChildProcess, file: string, send: (call: object) => void) {
    this.#child = child;
    this.#file = file;
    this.#send = send;
    this.#exited = new Promise((resolve) => {
      child.once("error", () => resolve());
      child.once("exit", () => resolve());
    });
    this.#exited.then(() => {
      for (const { reject } of this.#pending.values()) reject(new Error(`${file} ended`));
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  onReply({ id, result, error }: Reply): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) pending?.resolve(result);
    else pending?.reject(new Error(`${this.#file}: ${error}`));
  }

  call<T>(method: string, params: object = {}, timeoutMs = CALL_MS): Promise<T> {
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new Error(`${this.#file}: ${method} did not end within ${timeoutMs} ms`));
      }, timeoutMs);
      const settled =
        <V>(settle: (value: V) => void) =>
        (value: V) => {
          clearTimeout(timer);
          settle(value);
        };
      const taken = settled<unknown>((value) => resolve(value as T));
      this.#pending.set(id, { resolve: taken, reject: settled(reject) });
      this.#send({ id, method, params });
    });
  }

  /** Asks it to end, and after a while makes it. */
  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), END_MS);
    await this.#exited;
    clearTimeout(timer);
  }
}

/** All children of one measurement. */
export class Processes {
  readonly #open = new Set<{ end(): Promise<void> }>();
  readonly #cleanups: (() => void)[] = [];

  /** @param file name in `bench/`, such as `processes/pipeline.ts`; `.mjs` needs no loader. */
  async node(file: string): Promise<Remote> {
    const loader = file.endsWith(".mjs") ? [] : ["--import", "tsx"];
    const child = fork(pathOf(file), [], {
      execArgv: [...loader, "--max-old-space-size=8192"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const remote = new Remote(child, file, (call) => {
      if (child.connected) child.send(call);
    });
    child.on("message", (reply) => remote.onReply(reply as Reply));
    return this.#keep(remote);
  }

  async python(executable: string, file: string): Promise<Remote> {
    const child = spawn(executable, ["-u", pathOf(file)], { stdio: ["pipe", "pipe", "inherit"] });
    const remote = new Remote(child, file, (call) => {
      child.stdin.write(`${JSON.stringify(call)}\n`);
    });
    child.stdin.on("error", () => {});
    createInterface({ input: child.stdout }).on("line", (line) => remote.onReply(JSON.parse(line)));
    return this.#keep(remote);
  }

  /**
   * Our broker in a process of its own, on a free port, with its messages in memory and without a
   * limit of them per queue.
   */
  async broker(options: SimpleMessageBrokerOptions = {}): Promise<BrokerHandle> {
    const broker = await startSimpleMessageBroker({
      port: 0,
      durability: "memory",
      brokerParams: { maxQueueSize: 0 },
      ...options,
    });
    this.#open.add({ end: () => broker.stop() });
    return broker;
  }

  /** A child that answers no calls, to be ended with the others. */
  adopt(child: ChildProcess): void {
    this.#open.add({
      end: async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, "exit");
        child.kill("SIGKILL");
        await exited;
      },
    });
  }

  /** Done when the processes of the measurement have ended. */
  onEnd(cleanup: () => void): void {
    this.#cleanups.push(cleanup);
  }

  async endAll(): Promise<void> {
    const open = [...this.#open].reverse();
    this.#open.clear();
    await Promise.allSettled(open.map((each) => each.end()));
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
  }

  async #keep(remote: Remote): Promise<Remote> {
    this.#open.add(remote);
    await remote.call("ready", {}, 30_000);
    return remote;
  }
}

export function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
