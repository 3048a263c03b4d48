/** The command line as a process of its own, ended with its test. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Cleanup } from "./start-broker.js";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export interface CliOptions {
  readonly cwd?: string;
  /** The variable MILLRACE_DATA_DIR names a folder of its own, unless told. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface EndedCli {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly child: ChildProcess;
  /** The first line on standard output that fits; fails when the process ends without one. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<EndedCli>;
}

export function startCli(
  t: Cleanup,
  args: readonly string[],
  options: CliOptions = {},
): RunningCli {
  const { PATH = "" } = process.env;
  const dataDir = mkdtempSync(join(tmpdir(), "millrace-cli-"));
  t.onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: options.cwd,
    env: { PATH, MILLRACE_DATA_DIR: dataDir, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const watchers = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const look of watchers) look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = once(child, "close").then(([code, signal]) => ({ code, signal, stdout, stderr }));
  t.onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const line = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(stdout);
        if (found === null) return;
        watchers.delete(look);
        resolve(found);
      };
      watchers.add(look);
      look();
      ended.then(() => reject(new Error(`no line ${pattern} in: ${stdout}\n${stderr}`)));
    });
  return { child, line, ended };
}

export function runCli(
  t: Cleanup,
  args: readonly string[],
  options: CliOptions = {},
): Promise<EndedCli> {
  return startCli(t, args, options).ended;
}

/** The port in a line "listening simple://127.0.0.1:7671 …". */
export async function listeningPort(cli: RunningCli): Promise<number> {
  const [, port] = await cli.line(/^listening simple:\/\/127\.0\.0\.1:(\d+) /m);
  return Number(port);
}
