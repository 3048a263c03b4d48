/** One redis-server process with the lines that it logs, which never outlives who started it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** How long a line may be waited for: far more than a Redis ever takes, less than a test has. */
const LINE_MS = 20_000;

/** Stands between, so that Redis ends with this process also when that is killed. */
const GUARD = fileURLToPath(new URL("redis-guard.sh", import.meta.url));

export interface RedisProcess {
  readonly pid: number;
  /** The nth line that fits, the first unless told; lines that were there before count. */
  line(pattern: RegExp, nth?: number): Promise<RegExpExecArray>;
  /** Kills it and removes its folder, unless it has ended. */
  end(): Promise<void>;
  readonly ended: Promise<void>;
  readonly hasEnded: () => boolean;
}

/** Starts `redis-server <args>`; ready when it logs a line that fits. */
export async function startRedisProcess(
  args: readonly string[],
  folder: string,
  ready: RegExp,
): Promise<RedisProcess> {
  const child = spawn("sh", [GUARD, folder, "redis-server", ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines: string[] = [];
  const watchers = new Set<() => void>();
  const look = () => {
    for (const watcher of watchers) watcher();
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    look();
  });
  // A guard that has ended closed its end of the pipe, which is nothing to fail of.
  child.stdin.on("error", () => {});
  let isOver = false;
  const ended = once(child, "close").then(() => {
    isOver = true;
    look();
  });
  const log = () => lines.join("\n");

  const line = (pattern: RegExp, nth = 1) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const settle = (then: () => void) => {
        clearTimeout(timer);
        watchers.delete(watcher);
        then();
      };
      const refuse = (why: string) =>
        settle(() => reject(new Error(`redis-server ${why} before ${pattern}:\n${log()}`)));
      const watcher = () => {
        const found = lines.map((each) => pattern.exec(each)).filter((each) => each !== null);
        const wanted = found[nth - 1];
        if (wanted !== undefined) settle(() => resolve(wanted));
        else if (isOver) refuse("ended");
      };
      const timer = setTimeout(() => refuse(`logged nothing for ${LINE_MS} ms`), LINE_MS);
      watchers.add(watcher);
      watcher();
    });
  const end = () => {
    child.stdin.end();
    return ended;
  };

  try {
    const { input } = await line(ready);
    return { pid: Number.parseInt(input, 10), line, end, ended, hasEnded: () => isOver };
  } catch (error) {
    await end();
    throw error;
  }
}
