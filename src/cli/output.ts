/**
 * Standard output and standard error of a command. Whoever reads them may go away at any time
 * (`millrace ingest … | head -1`): then nothing more is written and the command is told to end.
 */
import { aboveStatus } from "./status-line.js";

export interface Output {
  /** A line of text on standard output. */
  line(text: string): void;
  /** A value as one line of JSON on standard output. */
  json(value: unknown): void;
  /** A line for people on standard error. */
  note(text: string): void;
  readonly isClosed: boolean;
}

/** @param onClosed called once, when the reader of standard output is gone. */
export function openOutput(onClosed: () => void): Output {
  let isClosed = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    if (isClosed) return;
    isClosed = true;
    onClosed();
  });
  // Without a reader of its complaints a command goes on with its work.
  process.stderr.on("error", () => {});
  const line = (text: string) => {
    if (!isClosed) aboveStatus(() => process.stdout.write(`${text}\n`));
  };
  return {
    line,
    json: (value) => line(JSON.stringify(value)),
    note: (text) => aboveStatus(() => process.stderr.write(`${text}\n`)),
    get isClosed() {
      return isClosed;
    },
  };
}

/** Ends the process once what was written has left it. */
export async function endProcess(exitCode: number): Promise<never> {
  const flushed = (stream: NodeJS.WriteStream) =>
    new Promise<void>((resolve) => {
      if (stream.writableLength === 0 || stream.destroyed) resolve();
      else stream.write("", () => resolve());
    });
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  process.exit(exitCode);
}
