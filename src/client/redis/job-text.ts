/** What a client must know of a job that it carries: found in its text without reading it whole. */
import { createHash } from "node:crypto";
import { type Member, scanObject, stampJobId } from "../../wire/index.js";

const KEY_BYTES_MAX = 64;

export interface JobFacts {
  readonly jobId: string | undefined;
  /** `routing_options.queue_hint`, else that of older clients in `tracing_options`. */
  readonly queueHint: unknown;
}

/** Nothing for a text that is no JSON object. */
export function jobFacts(text: string): JobFacts {
  const bytes = Buffer.from(text);
  const members = membersOf(bytes);
  const value = (name: string) => memberValue(bytes, members, name);
  const jobId = value("job_id");
  const hintIn = (name: string) =>
    (value(name) as { queue_hint?: unknown } | undefined)?.queue_hint;
  return {
    jobId: typeof jobId === "string" && jobId !== "" ? jobId : undefined,
    queueHint: hintIn("routing_options") ?? hintIn("tracing_options"),
  };
}

/** The job with its id set, and its hint. @throws WIRE_MESSAGE_INVALID */
export function stampJob(text: string, jobId: string): { text: string; queueHint: unknown } {
  const stamped = stampJobId(Buffer.from(text), jobId, "plain").toString();
  return { text: stamped, queueHint: jobFacts(stamped).queueHint };
}

/** What deaths of consumers are counted by: the id of the job, else a hash of the text. */
export function countingName(text: string): string {
  return jobFacts(text).jobId ?? `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

function membersOf(bytes: Buffer): readonly Member[] {
  try {
    return scanObject(bytes, false)?.members ?? [];
  } catch {
    return [];
  }
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
