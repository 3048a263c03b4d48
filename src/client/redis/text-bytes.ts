/**
 * Arguments of commands to Redis. Long texts travel as bytes in memory that is used again: a string
 * would be copied twice on its way out, each time to fresh memory, which costs more than all else.
 */
import { MiB } from "../../core/index.js";

/** The last is the pieces of one text, which are best not put together. */
export type Argument = string | Buffer | readonly string[];

/** Shorter texts are cheaper as they are. */
const LONG_LENGTH = 32_768;
const BYTES_PER_UNIT_MAX = 3;
const BUFFER_BYTES = 4 * MiB;
/** Buffers that wait for the next text; most processes have few texts under way at a time. */
const KEPT_MAX = 8;

const kept: Buffer[] = [];

/** What is handed to the connection for one command. */
export interface Outgoing {
  readonly args: readonly (string | Buffer)[];
  /** To be called when the command was answered: from then on nobody reads the bytes. */
  free(): void;
}

export function outgoing(args: readonly Argument[]): Outgoing {
  const used: Buffer[] = [];
  const sent = args.map((argument) => {
    if (Buffer.isBuffer(argument)) return argument;
    if (lengthOf(argument) < LONG_LENGTH) return textOf(argument);
    const pieces = typeof argument === "string" ? [argument] : argument;
    if (lengthOf(argument) * BYTES_PER_UNIT_MAX > BUFFER_BYTES) return Buffer.from(textOf(pieces));
    const buffer = kept.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
    used.push(buffer);
    let end = 0;
    for (const piece of pieces) end += buffer.write(piece, end);
    return buffer.subarray(0, end);
  });
  return {
    args: sent,
    free: () => {
      for (const buffer of used) if (kept.length < KEPT_MAX) kept.push(buffer);
    },
  };
}

/** In UTF-16 units, or bytes. */
export function lengthOf(argument: Argument): number {
  if (!Array.isArray(argument)) return argument.length;
  return argument.reduce((sum, piece) => sum + piece.length, 0);
}

function textOf(argument: string | readonly string[]): string {
  return typeof argument === "string" ? argument : argument.join("");
}
