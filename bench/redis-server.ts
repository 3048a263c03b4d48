/** A Redis of one's own: on a free port, with its data in memory only, ended with the measurement. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Processes } from "./remote.js";

const PROGRAM = "redis-server";
const START_MS = 10_000;
const READY = /Ready to accept connections/;

/** The version of the `redis-server` on the PATH; undefined when there is none. */
export function redisVersion(): string | undefined {
  try {
    const text = execFileSync(PROGRAM, ["--version"], { encoding: "utf8", stdio: "pipe" });
    return /\bv=(\S+)/.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

/** Starts it without snapshots and without a log of commands; its port. */
export async function startRedis(processes: Processes): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "millrace-bench-redis-"));
  processes.onEnd(() => rmSync(directory, { recursive: true, force: true }));
  const port = await freePort();
  const where = ["--bind", "127.0.0.1", "--port", String(port), "--dir", directory];
  const inMemory = ["--save", "", "--appendonly", "no"];
  const args = [...where, ...inMemory, "--daemonize", "no"];
  const child = spawn(PROGRAM, args, { stdio: ["ignore", "pipe", "inherit"] });
  processes.adopt(child);
  await untilReady(child);
  return port;
}

/** Redis cannot choose one itself. Should another program be faster, the start fails and says so. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

async function untilReady(child: ChildProcess): Promise<void> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error("it did not get ready")), START_MS);
  child.once("error", (error) => limit.abort(error));
  child.once("exit", (code) => limit.abort(new Error(`it ended with ${code}`)));
  const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
  try {
    for (;;) {
      const [line] = (await once(lines, "line", { signal: limit.signal })) as [string];
      if (READY.test(line)) return;
    }
  } catch {
    throw new Error(`${PROGRAM} did not start: ${limit.signal.reason}`);
  } finally {
    clearTimeout(timer);
    // What else it says is of no interest, and must not fill its pipe.
    child.stdout?.resume();
  }
}
