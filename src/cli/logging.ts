/** The command line's logger: pino on standard error, as JSON or as lines for people. */
import { isatty } from "node:tty";
import picocolors from "picocolors";
import { destination, pino } from "pino";
import { z } from "zod";
import type { Logger } from "../core/index.js";
import { printable } from "./printable.js";
import { aboveStatus } from "./status-line.js";

export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
const STDERR = 2;
/** The library itself asks standard output, and colours a pipe when it thinks that it is in CI. */
const pc = picocolors.createColors(isatty(STDERR) && picocolors.isColorSupported);

/** Members that every command's options have. */
export function logOptions(level: (typeof LOG_LEVELS)[number]) {
  return {
    logLevel: z.enum(LOG_LEVELS).default(level).describe("How much is logged on standard error."),
    logFormat: z
      .enum(["auto", "pretty", "json"])
      .default("auto")
      .describe("Lines for people or JSON; auto: JSON unless standard error is a terminal."),
  };
}

export interface LogConfig {
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly logFormat: "auto" | "pretty" | "json";
}

export function createLogger({ logLevel, logFormat }: LogConfig): Logger {
  const isPretty = logFormat === "pretty" || (logFormat === "auto" && isatty(STDERR));
  const stderr = destination({ fd: STDERR, sync: true });
  // Without a reader of its log a command goes on with its work.
  stderr.on("error", () => {});
  const stream = {
    write: (line: string) => aboveStatus(() => stderr.write(isPretty ? prettyLine(line) : line)),
  };
  return pino({ level: logLevel, base: null }, stream);
}

const LEVEL_NAMES: ReadonlyMap<unknown, string> = new Map([
  [20, pc.dim("debug")],
  [30, pc.green("info ")],
  [40, pc.yellow("warn ")],
  [50, pc.red("error")],
]);

/** `12:00:01.234 info  broker listens  host=127.0.0.1 port=7671` */
export function prettyLine(jsonLine: string): string {
  const { level, time, msg, ...details } = JSON.parse(jsonLine) as Record<string, unknown>;
  const clock = new Date(Number(time)).toISOString().slice(11, 23);
  const pairs = Object.entries(details).map(
    ([key, value]) => ` ${pc.dim(`${key}=`)}${word(value)}`,
  );
  const text = printable(String(msg ?? ""));
  return `${pc.dim(clock)} ${LEVEL_NAMES.get(level) ?? level} ${text} ${pairs.join("")}\n`;
}

function word(value: unknown): string {
  const isPlain = typeof value === "string" && /^[\w./:@-]+$/.test(value);
  return isPlain ? value : printable(JSON.stringify(value) ?? String(value));
}
