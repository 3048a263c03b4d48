/**
 * Writes a job id into a job without reading the job: the one command of the protocol that looks into
 * a message. Everything else of the message, numbers beyond 2^53 among it, stays byte for byte.
 */
import { hasCode } from "../core/index.js";
import { WireErrors } from "./errors.js";
import { type Member, scanObject } from "./json-scanner.js";

/** A key whose text is longer cannot be `job_id`, however it is escaped (36 bytes a character). */
const KEY_BYTES_MAX = 256;

/** JSON text as it is, or as the content of a JSON string. */
type TextForm = "plain" | "escaped";

interface StampOptions {
  readonly form?: TextForm;
  /** What `scanObject` found in it; else it is scanned here. */
  readonly scanned?: ReturnType<typeof scanJob>;
}

/** A piece of the text that comes out: new text, or bytes of the old one. */
export type StampedPiece = string | { readonly start: number; readonly end: number };

/**
 * The job with `job_id` set: replaced where it stands, each time it stands, else added last.
 *
 * @param message the job, as it is ("plain") or as the escaped content of the JSON string that holds
 *   it; so is the result.
 * @throws WIRE_MESSAGE_INVALID when the message is not the text of a JSON object.
 */
export function stampJobId(message: Buffer, jobId: string, options: StampOptions = {}): Buffer {
  const pieces = stampedPieces(message, jobId, options).map((piece) =>
    typeof piece === "string"
      ? Buffer.from(piece, "latin1")
      : message.subarray(piece.start, piece.end),
  );
  return Buffer.concat(pieces);
}

/** What `stampJobId` puts together. @throws WIRE_MESSAGE_INVALID */
export function stampedPieces(
  message: Buffer,
  jobId: string,
  { form = "escaped", scanned = scanJob(message, form) }: StampOptions = {},
): StampedPiece[] {
  const found = scanned.members.filter((member) => isJobId(message, member, form));
  const quote = form === "plain" ? '"' : '\\"';
  const value = `${quote}${jobId}${quote}`;
  const pieces: StampedPiece[] = [];
  let done = 0;
  const keepUntil = (offset: number) => {
    pieces.push({ start: done, end: offset });
    done = offset;
  };
  for (const member of found) {
    keepUntil(member.valueStart);
    pieces.push(value);
    done = member.valueEnd;
  }
  if (found.length === 0) {
    keepUntil(scanned.closeAt);
    const comma = scanned.members.length === 0 ? "" : ", ";
    pieces.push(`${comma}${quote}job_id${quote}: ${value}`);
  }
  keepUntil(message.length);
  return pieces;
}

function scanJob(message: Buffer, form: TextForm): { members: Member[]; closeAt: number } {
  let scanned: ReturnType<typeof scanObject>;
  try {
    scanned = scanObject(message, form === "escaped");
  } catch (error) {
    if (hasCode(error, WireErrors.JSON_INVALID.code)) throw WireErrors.MESSAGE_INVALID({}, error);
    throw error;
  }
  if (scanned === undefined) throw WireErrors.MESSAGE_INVALID({});
  return scanned;
}

function isJobId(message: Buffer, { keyStart, keyEnd }: Member, form: TextForm): boolean {
  if (keyEnd - keyStart > KEY_BYTES_MAX) return false;
  const text = message.toString("utf8", keyStart, keyEnd);
  const inner = form === "plain" ? text : (JSON.parse(`"${text}"`) as string);
  return (JSON.parse(inner) as string) === "job_id";
}
