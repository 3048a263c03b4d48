/** The results that the ledger itself gives, in the documents that clients know. */
import { encodeResult, failedResult } from "../../message/index.js";
import { encodeBody } from "../../wire/index.js";

const NAME = "job_ledger";

/** A failed result, as the body of a message. `stage` stands in its annotation. */
function failure(stage: string, cause: string, description: string): Buffer {
  const document = failedResult({ cause, description, stage });
  return encodeBody(encodeResult(document));
}

/** The annotation has the task `cancelled`, which is how new clients tell it from a failure. */
export function cancelledAnswer(): Buffer {
  return failure("cancelled", "cancelled", "The job was cancelled.");
}

export function givenUpAnswer(reason: string): Buffer {
  return failure(NAME, reason, `The job was given up: ${reason}.`);
}

export function damagedAnswer(what: "job" | "result"): Buffer {
  const cause = `the stored ${what} was damaged on the disk`;
  return failure(NAME, cause, `The ${what} was lost: ${cause}.`);
}
