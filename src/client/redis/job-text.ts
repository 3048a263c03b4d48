/** What a client must know of a job that it carries: found in its text without reading it whole. */
import { createHash } from "node:crypto";
import { MiB } from "../../core/index.js";
import { type Member, scanObject, stampedPieces } from "../../wire/index.js";

const KEY_BYTES_MAX = 64;

/** Texts are looked into in one place: fresh memory for each would cost more than the look. */
const SCRATCH_BYTES = 4 * MiB;
const BYTES_PER_UNIT_MAX = 3;
let scratch: Buffer | undefined;

/** The text as UTF-8, until the next call. */
function bytesOf(text: string): Buffer {
  if (text.length * BYTES_PER_UNIT_MAX > SCRATCH_BYTES) return Buffer.from(text);
  scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  return scratch.subarray(0, scratch.write(text));
}

export interface JobFacts {
  readonly jobId: string | undefined;
  /** `routing_options.queue_hint`, else that of older clients in `tracing_options`. */
  readonly queueHint: unknown;
}

/** Nothing for a text that is no JSON object. */
export function jobFacts(text: string): JobFacts {
  const bytes = bytesOf(text);
  const members = scan(bytes)?.members ?? [];
  const jobId = memberValue(bytes, members, "job_id");
  return {
    jobId: typeof jobId === "string" && jobId !== "" ? jobId : undefined,
    queueHint: hintIn(bytes, members),
  };
}

export interface StampedJob {
  /** Of its text, in order: put together they would be copied once more. */
  readonly pieces: readonly string[];
  readonly queueHint: unknown;
}

/** The job with its id set, and its hint. @throws WIRE_MESSAGE_INVALID */
export function stampJob(text: string, jobId: string): StampedJob {
  const bytes = bytesOf(text);
  const scanned = scan(bytes);
  const pieces = stampedPieces(bytes, jobId, { form: "plain", ...(scanned && { scanned }) });
  // Where each character is a byte, the text itself can be cut.
  const isCut = bytes.length === text.length;
  const strings = pieces.map((piece) => {
    if (typeof piece === "string") return piece;
    const { start, end } = piece;
    return isCut ? text.slice(start, end) : bytes.toString("utf8", start, end);
  });
  return { pieces: strings, queueHint: hintIn(bytes, scanned?.members ?? []) };
}

/** What deaths of consumers are counted by: the id of the job, else a hash of the text. */
export function countingName(text: string): string {
  return jobFacts(text).jobId ?? `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

function scan(bytes: Buffer): ReturnType<typeof scanObject> {
  try {
    return scanObject(bytes, false);
  } catch {
    return undefined;
  }
}

function hintIn(bytes: Buffer, members: readonly Member[]): unknown {
  const hint = (name: string) =>
    (memberValue(bytes, members, name) as { queue_hint?: unknown } | null | undefined)?.queue_hint;
  return hint("routing_options") ?? hint("tracing_options");
}

/** The last member of this name counts, as everywhere in JSON. */
function memberValue(bytes: Buffer, members: readonly Member[], name: string): unknown {
  const found = members.findLast(({ keyStart, keyEnd }) => {
    if (keyEnd - keyStart > KEY_BYTES_MAX) return false;
    return JSON.parse(bytes.toString("utf8", keyStart, keyEnd)) === name;
  });
  if (found === undefined) return undefined;
  try {
    return JSON.parse(bytes.toString("utf8", found.valueStart, found.valueEnd)) as unknown;
  } catch {
    return undefined;
  }
}
