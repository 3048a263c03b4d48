/** The command line in a real pseudo terminal, and what a person would see on it. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "../../src/testing/index.js";
import type { Cleanup } from "./start-broker.js";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** `script` of util-linux makes the terminal. */
export const hasPseudoTerminal =
  spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux") === true;

export interface TerminalCli {
  /** Everything that was written, control characters included. */
  readonly written: () => string;
  /** The lines that stand there now; the last one is where the cursor is. */
  readonly screen: () => string[];
  /** The first thing on the screen that fits. */
  seen(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<number | null>;
}

export function startInTerminal(
  t: Cleanup,
  args: readonly string[],
  columns: number,
  term = "xterm",
): TerminalCli {
  const dataDir = mkdtempSync(join(tmpdir(), "millrace-cli-"));
  t.onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(" ");
  const inside = `stty cols ${columns} rows 40; exec ${command}`;
  const { PATH = "" } = process.env;
  const env = { PATH, TERM: term, MILLRACE_DATA_DIR: dataDir, NO_COLOR: "1" };
  const child: ChildProcess = spawn("script", ["-qfec", inside, "/dev/null"], {
    env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  t.onTestFinished(async () => {
    // The end of its terminal ends what runs in it.
    child.kill("SIGKILL");
    await ended;
  });
  const screen = () => screenOf(text);
  return {
    written: () => text,
    screen,
    async seen(pattern) {
      const look = () => pattern.exec(screen().join("\n"));
      await until(`${pattern} is on the terminal`, () => look() !== null);
      return look() as RegExpExecArray;
    },
    ended,
  };
}

/** What a terminal without an end to the right makes of it. @throws for what it does not know. */
function screenOf(text: string): string[] {
  const lines = [""];
  let column = 0;
  const current = () => lines.at(-1) as string;
  const put = (line: string) => lines.splice(-1, 1, line);
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === "\r") column = 0;
    else if (character === "\n") {
      lines.push("");
    } else if (character === "\u001b") {
      if (text.slice(at, at + 3) !== "\u001b[K") {
        // It may be on its way.
        if (text.length - at < 3) break;
        throw new Error(`unknown control: ${JSON.stringify(text.slice(at, at + 8))}`);
      }
      put(current().slice(0, column));
      at += 2;
    } else {
      const line = current();
      put(line.slice(0, column).padEnd(column) + character + line.slice(column + 1));
      column++;
    }
  }
  return lines;
}
