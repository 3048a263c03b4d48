/** What can be wrong with an Office file or a page. No text carries content of a document. */
import { defineErrors } from "../../../core/index.js";

/** What a limit counts, for the errors that name one. */
interface OverLimit {
  readonly part: string;
  readonly what: string;
  readonly limit: number;
}

export const ExtractErrors = defineErrors("EXTRACT_OOXML", {
  ARCHIVE_INVALID: {
    kind: "input",
    retry: false,
    about:
      "The file is no readable zip archive: cut short, damaged, or built to mislead. Save it again with the program that made it.",
    say: ({ reason }: { reason: string }) => `The document's zip archive is broken: ${reason}`,
  },
  ARCHIVE_PROTECTED: {
    kind: "input",
    retry: false,
    about:
      "The file is protected by a password, or is an Office file of the time before 2007. Save it unprotected as .docx or .pptx.",
    say: ({ reason }: { reason: string }) => `The document cannot be opened: ${reason}`,
  },
  ARCHIVE_TOO_LARGE: {
    kind: "limit",
    retry: false,
    about:
      "The archive has more entries, or unpacks to more bytes, than an honest document does: it may be a zip bomb. Unpacking stopped at the limit.",
    say: ({ part, what, limit }: OverLimit) =>
      `${part} has more than ${limit} ${what}; unpacking stopped there`,
  },
  PART_MISSING: {
    kind: "input",
    retry: false,
    about: "The archive is readable, but a part that the document needs is not in it.",
    say: ({ part, needed }: { part: string; needed: string }) =>
      `The document has no part "${part}", which is ${needed}`,
  },
  PART_UNEXPECTED: {
    kind: "input",
    retry: false,
    about:
      "The file is an Office file of another type than its row says. Send it under its true document type.",
    say: ({ part, expected, found }: { part: string; expected: string; found: string }) =>
      `The part "${part}" begins with <${found}> where a ${expected} is expected`,
  },
  XML_INVALID: {
    kind: "input",
    retry: false,
    about:
      "A part is no well-formed XML in UTF-8 or UTF-16, or it declares a document type or entities, which Office files never do and which are refused.",
    say: ({ part, reason }: { part: string; reason: string }) =>
      `The XML of part "${part}" is refused: ${reason}`,
  },
  XML_TOO_COMPLEX: {
    kind: "limit",
    retry: false,
    about: "The XML of a part is nested deeper, or has more elements in one piece, than the limit.",
    say: ({ part, what, limit }: OverLimit) =>
      `The XML of part "${part}" has more than ${limit} ${what}`,
  },
  TABLE_TOO_LARGE: {
    kind: "limit",
    retry: false,
    about:
      "A table would be written as more text than the limit, for instance because one long cell is repeated over many merged rows.",
    say: ({ chars, limit }: { chars: number; limit: number }) =>
      `A table would become ${chars} characters of Markdown, more than the limit of ${limit}`,
  },
  TOO_MANY_CELLS: {
    kind: "limit",
    retry: false,
    about:
      "The tables of a document have more cells than the limit, the empty ones between them included. Divide the document.",
    say: ({ limit }: { limit: number }) => `The document has more than ${limit} cells`,
  },
});
