/** Where and of what a run was made. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from "node:os";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  readonly node: string;
  /** Null where no Python with nv-ingest-api was found. */
  readonly python: string | null;
  readonly nvIngestApi: string | null;
}

export function describeMachine(python: string | undefined): Machine {
  const source =
    "import platform, importlib.metadata as m;" +
    'print(platform.python_version(), m.version("nv-ingest-api"))';
  const told = python === undefined ? undefined : tryRun(python, ["-c", source]);
  const [version, api] = told?.split(" ") ?? [];
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${osName()} (${platform()} ${release()} ${arch()})`,
    node: process.version,
    python: version ?? null,
    nvIngestApi: api ?? null,
  };
}

/** The commit that is measured, with a mark when files differ from it. */
export function describeCommit(): string {
  const commit = tryRun("git", ["rev-parse", "--short=12", "HEAD"]) ?? "unknown";
  return tryRun("git", ["status", "--porcelain"]) ? `${commit}-dirty` : commit;
}

/** Load averages of 1, 5 and 15 minutes. */
export function loadAverage(): number[] {
  return loadavg().map((load) => Math.round(load * 100) / 100);
}

/** Whether this Python can import the original's broker and client. */
export function hasUpstream(python: string): boolean {
  const source = "import nv_ingest_api.util.message_brokers.simple_message_broker";
  return tryRun(python, ["-c", source]) !== undefined;
}

function osName(): string {
  try {
    const text = readFileSync("/etc/os-release", "utf8");
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(text)?.[1] ?? platform();
  } catch {
    return platform();
  }
}

function tryRun(file: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(file, [...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 60_000,
    }).trim();
  } catch {
    return undefined;
  }
}
