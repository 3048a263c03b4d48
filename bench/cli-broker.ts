/** `millrace broker` of the command line in a process of its own, and the directories it stores in. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statfsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Processes, pathOf } from "./remote.js";

const START_MS = 120_000;
/** What Linux calls a file system in memory: there a flush costs nothing and proves nothing. */
const TMPFS = 0x01021994;

export type Durability = "fsync" | "os" | "memory";

/** A new directory on a disk; it is removed when the measurement is over. */
export class DataDirectory {
  readonly path: string;

  /** @throws when temporary files lie in memory. */
  constructor(processes: Processes) {
    if (statfsSync(tmpdir()).type === TMPFS) {
      throw new Error(`${tmpdir()} is in memory; name a folder on a disk with TMPDIR`);
    }
    this.path = mkdtempSync(join(tmpdir(), "millrace-bench-"));
    processes.onEnd(() => rmSync(this.path, { recursive: true, force: true }));
  }

  /** Bytes of the files directly in it. */
  get bytes(): number {
    const sizes = readdirSync(this.path).map(
      (name) => statSync(join(this.path, name), { throwIfNoEntry: false })?.size ?? 0,
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  }
}

export interface CliBroker {
  readonly port: number;
  readonly pid: number;
  /** From the start of the process to its line that it listens, in milliseconds. */
  readonly startMs: number;
  /** Ends it as kill -9 does. */
  kill(): Promise<void>;
}

export interface CliBrokerOptions {
  readonly durability: Durability;
  /** A new one unless given. */
  readonly directory?: DataDirectory;
  /** More flags of the command line. */
  readonly flags?: readonly string[];
}

export async function startCliBroker(
  processes: Processes,
  { durability, directory, flags = [] }: CliBrokerOptions,
): Promise<CliBroker> {
  const { path } = directory ?? new DataDirectory(processes);
  const main = pathOf("../dist/cli/main.js");
  const where = ["--port", "0", "--durability", durability, "--data-dir", path];
  const args = [main, "broker", "--json", "--log-level", "error", ...where, ...flags];
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  processes.adopt(child);
  const line = await firstLine(child);
  const startMs = performance.now() - startedAtMs;
  const { url } = JSON.parse(line) as { url: string };
  return {
    port: Number(new URL(url).port),
    pid: child.pid as number,
    startMs,
    async kill() {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error("it said nothing")), START_MS);
  child.once("exit", (code) => limit.abort(new Error(`it ended with ${code}`)));
  try {
    const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
    const [line] = await once(lines, "line", { signal: limit.signal });
    return line as string;
  } catch {
    throw new Error(`millrace broker did not start: ${limit.signal.reason}`);
  } finally {
    clearTimeout(timer);
  }
}
