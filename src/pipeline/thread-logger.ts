/**
 * The logger that a stage has in its thread: lines go to the main thread, as many as fit. It knows
 * neither stages nor messages.
 */
import type { Logger } from "../core/index.js";
import type { ThreadLogLine } from "./thread-task.js";

/** Lines of one task; the main thread must read them all. */
const LINES_MAX = 100;
const TEXT_LENGTH_MAX = 2_000;

/** One for a thread: it belongs to whatever task runs there. */
export class ThreadLogger implements Logger {
  #send: ((line: ThreadLogLine) => void) | undefined;
  #left = 0;

  /** The next lines belong to a new task. */
  begin(send: (line: ThreadLogLine) => void): void {
    this.#send = send;
    this.#left = LINES_MAX;
  }

  debug(details: object, text: string): void {
    this.#log("debug", details, text);
  }

  info(details: object, text: string): void {
    this.#log("info", details, text);
  }

  warn(details: object, text: string): void {
    this.#log("warn", details, text);
  }

  error(details: object, text: string): void {
    this.#log("error", details, text);
  }

  #log(level: ThreadLogLine["level"], details: object, text: string): void {
    if (this.#left === 0) return;
    this.#left--;
    this.#send?.({ level, details: jsonOf(details), text: String(text).slice(0, TEXT_LENGTH_MAX) });
    if (this.#left > 0) return;
    const dropped = `the stage logged ${LINES_MAX} lines for one message; the rest is left out`;
    this.#send?.({ level: "warn", details: "{}", text: dropped });
  }
}

function jsonOf(details: object): string {
  try {
    const text = JSON.stringify(details, (_, value: unknown) =>
      value instanceof Error ? value.message : value,
    );
    if (text.length <= TEXT_LENGTH_MAX) return text;
  } catch {
    // Said below.
  }
  return '{"details":"left out: they are too long or no JSON"}';
}
