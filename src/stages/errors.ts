/** The errors of the stages that ship with Millrace. None carries the content of a document. */
import { defineErrors, quote } from "../core/index.js";

export const StagesErrors = defineErrors("STAGES", {
  DOCUMENT_UNREADABLE: {
    kind: "input",
    retry: false,
    about:
      "The document is broken, cut short or of another type than its row says. Send it " +
      "again, or send it under its true document type.",
    say: ({ documentType, reason }: { documentType: string; reason: string }) =>
      `The ${documentType} document cannot be read: ${reason}`,
  },
  DOCUMENT_ENCRYPTED: {
    kind: "input",
    retry: false,
    about: "The document needs a password to be opened. Remove the protection and send it again.",
    say: ({ documentType, reason }: { documentType: string; reason: string }) =>
      `The ${documentType} document is encrypted: ${reason}`,
  },
  DOCUMENT_EMPTY: {
    kind: "input",
    retry: false,
    about: "The document has no bytes, or no page. There is nothing to extract.",
    say: ({ documentType, reason }: { documentType: string; reason: string }) =>
      `The ${documentType} document is empty: ${reason}`,
  },
  DOCUMENT_TOO_LARGE: {
    kind: "limit",
    retry: false,
    about:
      "The document has more of something (pages, bytes after unpacking, nesting) than " +
      "the named option allows. Split it, or raise the option.",
    say: ({ documentType, what, found, limit, option }: DocumentTooLarge) =>
      `The ${documentType} document has ${found} ${what}, ` +
      `more than the ${limit} that "${option}" allows`,
  },
  CONTENT_MISSING: {
    kind: "input",
    retry: false,
    about: "A row that is to be extracted has no content, or content that is no base64 text.",
    say: ({ documentType, sourceId }: { documentType: string; sourceId: string }) =>
      `The ${documentType} row of source ${quote(sourceId)} has no base64 text in metadata.content`,
  },
  CAPABILITY_MISSING: {
    kind: "stage",
    retry: false,
    about:
      "The job asks for something that cannot be done here, and strictCapabilities makes " +
      "that a failure. Leave it out of the task, or turn the option off.",
    say: ({ stage, missing }: { stage: string; missing: readonly string[] }) =>
      `${stage} cannot do all that is asked ("strictCapabilities" is on): ${missing.join("; ")}`,
  },
  FILTER_INVALID: {
    kind: "input",
    retry: false,
    about: "The bounds of a `filter` task contradict each other. Correct the named one.",
    say: ({ reason }: { reason: string }) => `the filter task cannot be followed: ${reason}`,
  },
  UDF_NOT_REGISTERED: {
    kind: "input",
    retry: false,
    about:
      "A `udf` task names a function that the operator did not register. The source text that comes " +
      "with such tasks is never run.",
    say: ({ name }: { name: string }) =>
      `source text of functions that comes with a job is not run here; the operator may register a ` +
      `function under the name ${quote(name)}`,
  },
  UDF_PLACE_UNKNOWN: {
    kind: "input",
    retry: false,
    about:
      "A `udf` task asks for its function at a stage that this pipeline does not have, or says " +
      "nothing of where.",
    say: ({ name, stage }: { name: string; stage: string }) =>
      stage === ""
        ? `the udf task of function ${quote(name)} names neither a phase nor a target_stage with run_before or run_after`
        : `function ${quote(name)} shall run at stage ${quote(stage)}, which this pipeline does not have`,
  },
  UDF_FAILED: {
    kind: "stage",
    retry: false,
    about:
      "A registered function or a hook threw, or returned something else than a message. The text " +
      "names it, the stage beside which it ran, and the cause.",
    say: ({ name, when, stage, reason }: UdfFailure) =>
      `function ${quote(name)}, run ${when} ${stage}, failed: ${reason}`,
  },
  SPLIT_PARAMS_INVALID: {
    kind: "input",
    retry: false,
    about:
      "A `split` task asks for chunks that cannot be: a size that is no positive whole number, or an " +
      "overlap that is not smaller than the chunk.",
    say: ({ reason }: { reason: string }) => `The split task cannot be done: ${reason}`,
  },
  SPLIT_TOO_LARGE: {
    kind: "limit",
    retry: false,
    about:
      "The texts of a job would become more or longer chunks than the named option allows. Ask for " +
      "larger chunks or less overlap, or raise the option.",
    say: ({ what, limit, option }: { what: string; limit: number; option: string }) =>
      `The chunks of this job would have more than the ${limit} ${what} that "split.${option}" allows`,
  },
  TOKENIZER_UNREADABLE: {
    kind: "stage",
    retry: false,
    about:
      "The file of a tokenizer is missing where the operator's options name it, is broken, or is of a " +
      "kind that is not known here.",
    say: ({ path, reason }: { path: string; reason: string }) =>
      `The tokenizer ${quote(path)} cannot be used: ${reason}`,
  },
  ENDPOINT_UNAVAILABLE: {
    kind: "transport",
    retry: true,
    about:
      "A model's endpoint cannot be reached, takes too long, or says that it is busy or broken, also after " +
      "several attempts. Is it up, and is its url right?",
    say: ({ endpoint, reason }: EndpointLoss) =>
      `the model at ${endpoint} cannot be used now: ${reason}`,
  },
  ENDPOINT_REFUSED: {
    kind: "stage",
    retry: false,
    about:
      "A model's endpoint refused a request, which another attempt would not change. The text has the " +
      "status and what the server said: a wrong key (401, 403), a wrong url (404), an unknown model.",
    say: ({ endpoint, status, said }: { endpoint: string; status: number; said: string }) =>
      `the model at ${endpoint} refuses the request (${status})${said === "" ? "" : `: ${said}`}`,
  },
  ENDPOINT_ANSWER_INVALID: {
    kind: "stage",
    retry: false,
    about:
      "A model's endpoint answered with something else than what was asked for: no JSON, too many bytes, a " +
      "redirection, other counts or lengths. Is it a server of this kind of model?",
    say: ({ endpoint, reason }: { endpoint: string; reason: string }) =>
      `the answer of the model at ${endpoint} cannot be used: ${reason}`,
  },
  API_KEY_UNREADABLE: {
    kind: "input",
    retry: false,
    about:
      "The file that an option apiKeyFile names cannot be read, holds no key, or is open to others than " +
      "its owner.",
    say: ({ file, reason }: { file: string; reason: string }) =>
      `the key in the file ${quote(file)} cannot be used: ${reason}`,
  },
  EXTRACTOR_UNKNOWN: {
    kind: "internal",
    retry: false,
    about: "The extraction thread was asked for a document type that it has no extractor for.",
    say: ({ documentType }: { documentType: string }) =>
      `There is no extractor for document type "${documentType}"`,
  },
});

interface DocumentTooLarge {
  readonly documentType: string;
  readonly what: string;
  readonly found: number | string;
  readonly limit: number;
  readonly option: string;
}

interface EndpointLoss {
  readonly endpoint: string;
  readonly reason: string;
  /** How long the endpoint asks to be left alone. */
  readonly retryAfterMs?: number;
}

interface UdfFailure {
  readonly name: string;
  readonly when: "before" | "after";
  readonly stage: string;
  readonly reason: string;
}
