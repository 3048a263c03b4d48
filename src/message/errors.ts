/** What can be wrong with jobs, tasks and results. No text here ever shows a document's content. */
import { defineErrors, quote } from "../core/index.js";

export const MessageErrors = defineErrors("MESSAGE", {
  JOB_INVALID: {
    kind: "input",
    retry: false,
    about: "A job does not have the shape of an ingest job. The text lists what is wrong, by path.",
    say: ({ faults }: { faults: readonly string[] }) =>
      `The job is not valid: ${faults.join("; ")}`,
  },
  NOT_PLAIN: {
    kind: "stage",
    retry: false,
    about:
      "A message was to cross to a thread, or back from it, and holds a function, a symbol, an " +
      "instance of a class or data that is nested too deep. The text names its place.",
    say: ({ problem }: { problem: string }) => `The message cannot cross to a thread: ${problem}`,
  },
  TASK_UNKNOWN: {
    kind: "state",
    retry: false,
    about:
      "A task was to be removed by an id that no task of the message has. Use `tryRemoveTask`.",
    say: ({ id }: { id: string }) => `No task of this message has the id ${quote(id)}.`,
  },
  TIMESTAMP_UNKNOWN: {
    kind: "state",
    retry: false,
    about: "A timestamp that had to exist was never set on the message.",
    say: ({ key }: { key: string }) => `The message has no timestamp ${quote(key)}.`,
  },
  DOCUMENT_TYPE_UNSUPPORTED: {
    kind: "input",
    retry: false,
    about: "A row of the job names a document type for which there are no metadata.",
    say: ({ documentType, supported }: { documentType: string; supported: readonly string[] }) =>
      `unsupported document type ${quote(documentType)}; supported are ${supported.join(", ")}`,
  },
  DOCUMENT_TYPE_UNKNOWN: {
    kind: "input",
    retry: false,
    about: "The type of a document cannot be told from its name. Give `type` with the document.",
    say: ({ name }: { name: string }) =>
      `The type of the document ${quote(name)} cannot be told from its name; give its "type".`,
  },
  DOCUMENT_NOT_UTF8: {
    kind: "input",
    retry: false,
    about:
      "A text or HTML document is sent as text, and its bytes are not UTF-8. Convert it first.",
    say: ({ name }: { name: string }) =>
      `The document ${quote(name)} is text but not in UTF-8; convert it before it is sent.`,
  },
  RESULT_INVALID: {
    kind: "input",
    retry: false,
    about: "A text that should be a result document is not one.",
    say: ({ problem }: { problem: string }) => `This is no result document: ${problem}.`,
  },
  RESULT_NOT_ENCODABLE: {
    kind: "input",
    retry: false,
    about:
      "Something in the result cannot be written as JSON: a cycle, a bigint, too deep, too long.",
    say: ({ problem }: { problem: string }) => `The result cannot be written as JSON: ${problem}`,
  },
});
