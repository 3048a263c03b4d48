/** What goes wrong where the rooms are joined: addresses, files, results on disk. */
import { defineErrors, quote } from "../core/index.js";

export const RuntimeErrors = defineErrors("RUNTIME", {
  BROKER_PROCESS_FAILED: {
    kind: "internal",
    retry: false,
    about: "The broker's own process ended, or did not answer, before it listened.",
    say: ({ reason }: { reason: string }) => `the broker's process did not start: ${reason}`,
  },
  OUTPUT_IS_INPUT: {
    kind: "input",
    retry: false,
    about: "The folder of the results is one of the folders to ingest: results would be taken in.",
    say: ({ path }: { path: string }) =>
      `${quote(path)} is the folder of the results and cannot be ingested; choose another --out`,
  },
  BROKER_URL_INVALID: {
    kind: "input",
    retry: false,
    about: "A broker's URL cannot be read. Write simple://host:port, for example with port 7671.",
    say: ({ url, reason }: { url: string; reason: string }) =>
      `the broker URL ${quote(url)} ${reason}; write it like simple://127.0.0.1:7671`,
  },
  PATH_UNREADABLE: {
    kind: "input",
    retry: false,
    about: "A path given for ingestion does not exist or cannot be looked into.",
    say: ({ path, reason }: { path: string; reason: string }) =>
      `cannot read ${quote(path)}: ${reason}`,
  },
  DOCUMENT_TYPE_UNSUPPORTED: {
    kind: "input",
    retry: false,
    about: "A file is of a type that the local stages do not extract, told by its extension.",
    say: ({ supported }: { supported: readonly string[] }) =>
      `its extension stands for no supported document type (${supported.join(", ")})`,
  },
  DOCUMENT_NOT_A_FILE: {
    kind: "input",
    retry: false,
    about: "What lies at a path is a symbolic link, a device or a pipe. Links are not followed.",
    say: ({ what }: { what: string }) => `it is ${what}, not a file`,
  },
  DOCUMENT_TOO_LARGE: {
    kind: "limit",
    retry: false,
    about: "A file is larger than maxDocumentBytes. Split it, or raise the option.",
    say: ({ bytes, maxDocumentBytes }: { bytes: number; maxDocumentBytes: number }) =>
      `it has ${bytes} bytes, more than maxDocumentBytes (${maxDocumentBytes}) allows`,
  },
  RESULT_LATE: {
    kind: "transport",
    retry: true,
    about: "No result came within resultTimeoutMs. Is a pipeline working at the queue?",
    say: ({ taskQueue, resultTimeoutMs }: { taskQueue: string; resultTimeoutMs: number }) =>
      `no result came within ${resultTimeoutMs} ms (resultTimeoutMs); ` +
      `does a pipeline work at queue ${quote(taskQueue)}?`,
  },
  RESULT_UNWRITABLE: {
    kind: "input",
    retry: false,
    about: "A result cannot be written to its directory. The text carries the system's reason.",
    say: ({ path, reason }: { path: string; reason: string }) =>
      `cannot write ${quote(path)}: ${reason}`,
  },
  CHECKPOINTS_UNUSABLE: {
    kind: "input",
    retry: false,
    about:
      "The folder for checkpoints cannot be made, read or written, or everybody may write to it. " +
      "Choose another, or leave checkpoints out.",
    say: ({ dir, reason }: { dir: string; reason: string }) =>
      `the folder for checkpoints ${quote(dir)} cannot be used: ${reason}`,
  },
  PIPELINE_FILE_UNREADABLE: {
    kind: "input",
    retry: false,
    about: "A pipeline file cannot be read, is too long or no text.",
    say: ({ file, reason }: { file: string; reason: string }) =>
      `cannot read the pipeline file ${quote(file)}: ${reason}`,
  },
  PIPELINE_INVALID: {
    kind: "input",
    retry: false,
    about:
      "A pipeline cannot be made as its definition says. The text lists every fault, those of a " +
      "file as file:line:column. `millrace config check FILE` tells the same.",
    say: ({ what, faults }: { what: string; faults: readonly string[] }) =>
      `${what} has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:\n${faults.join("\n")}`,
  },
});
