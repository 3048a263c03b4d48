/** A Redis of one's own: on a free port, ended with the measurement. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { on, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { DataDirectory } from "./cli-broker.js";
import type { Processes } from "./remote.js";

const PROGRAM = "redis-server";
const START_MS = 10_000;
const READY = /Ready to accept connections/;
const REWRITE_MS = 60_000;

/** When its log of commands is flushed; "none": it writes none. */
export type AppendFsync = "everysec" | "always" | "none";

/** The version of the `redis-server` on the PATH; undefined when there is none. */
export function redisVersion(): string | undefined {
  try {
    const text = execFileSync(PROGRAM, ["--version"], { encoding: "utf8", stdio: "pipe" });
    return /\bv=(\S+)/.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

/** Starts it without snapshots and, unless asked for, without a log of commands; its port. */
export async function startRedis(
  processes: Processes,
  appendFsync: AppendFsync = "none",
): Promise<number> {
  const directory = directoryFor(processes, appendFsync);
  const port = await freePort();
  const where = ["--bind", "127.0.0.1", "--port", String(port), "--dir", directory];
  // A log is rewritten when `shortenLog` asks for it, not in the middle of a load.
  const log = ["--appendfsync", appendFsync, "--auto-aof-rewrite-percentage", "0"];
  const stored = appendFsync === "none" ? ["--appendonly", "no"] : ["--appendonly", "yes", ...log];
  const args = [...where, "--save", "", ...stored, "--daemonize", "no"];
  const child = spawn(PROGRAM, args, { stdio: ["ignore", "pipe", "inherit"] });
  processes.adopt(child);
  await untilReady(child);
  return port;
}

/** Rewrites its log of commands to what it holds, and waits for that. */
export async function shortenLog(redis: Redis): Promise<void> {
  await redis.bgrewriteaof();
  const endMs = performance.now() + REWRITE_MS;
  while (/aof_rewrite_(in_progress|scheduled):1/.test(await redis.info("persistence"))) {
    if (performance.now() > endMs) throw new Error("the log of Redis was not rewritten in time");
    await sleep(50);
  }
}

/** A log must lie on a disk, or its flushes would cost nothing. */
function directoryFor(processes: Processes, appendFsync: AppendFsync): string {
  if (appendFsync !== "none") return new DataDirectory(processes).path;
  const directory = mkdtempSync(join(tmpdir(), "millrace-bench-redis-"));
  processes.onEnd(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
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
    // Several lines come in one event, so each must be heard.
    for await (const [line] of on(lines, "line", { signal: limit.signal })) {
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
