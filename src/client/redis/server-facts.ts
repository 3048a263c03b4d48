/** What a Redis is, and what it keeps when it dies: it decides what our promises are worth. */
import type { CallBounds } from "../retry.js";
import type { Network } from "./network.js";

export interface ServerFacts {
  /** "Redis" or "Valkey", and its version. */
  readonly name: string;
  readonly version: string;
  /** Changes when the server was started anew. */
  readonly runId: string;
  /** What is kept: each write, all but about the last second, the last snapshot, or nothing. */
  readonly persistence: "always" | "everysec" | "os" | "snapshot" | "none" | "unknown";
  /** Whether Redis throws keys away when memory is full, jobs and results among them. */
  readonly evicts: boolean;
}

const PERSISTENCE = { always: "always", everysec: "everysec", no: "os" } as const;

export async function describeServer(network: Network, bounds: CallBounds): Promise<ServerFacts> {
  const info = parseInfo(await network.command("millrace", ["INFO"], bounds));
  const settings = await readSettings(network, bounds);
  const isAof = info.get("aof_enabled") === "1";
  const fsync = settings?.get("appendfsync");
  const saves = settings?.get("save");
  const valkey = info.get("valkey_version");
  let persistence: ServerFacts["persistence"] = "unknown";
  if (isAof) persistence = PERSISTENCE[fsync as keyof typeof PERSISTENCE] ?? "unknown";
  else if (settings !== undefined) persistence = saves === "" ? "none" : "snapshot";
  return {
    name: valkey === undefined ? "Redis" : "Valkey",
    version: valkey ?? info.get("redis_version") ?? "",
    runId: info.get("run_id") ?? "",
    persistence,
    evicts: Number(info.get("maxmemory") ?? 0) > 0 && info.get("maxmemory_policy") !== "noeviction",
  };
}

function parseInfo(text: unknown): Map<string, string> {
  const lines = String(text).split(/\r?\n/);
  return new Map(
    lines.flatMap((line) => {
      const at = line.indexOf(":");
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as [string, string]];
    }),
  );
}

/** Undefined where the server's rights or its host do not allow to ask. */
async function readSettings(
  network: Network,
  bounds: CallBounds,
): Promise<Map<string, string> | undefined> {
  const settings = new Map<string, string>();
  try {
    for (const name of ["appendfsync", "save"]) {
      const answer = await network.command("millrace", ["CONFIG", "GET", name], bounds);
      for (const [key, value] of entriesOf(answer)) settings.set(key, value);
    }
    return settings;
  } catch {
    return undefined;
  }
}

function entriesOf(answer: unknown): [string, string][] {
  if (Array.isArray(answer)) return [[String(answer[0]), String(answer[1])]];
  return Object.entries((answer ?? {}) as Record<string, string>);
}
