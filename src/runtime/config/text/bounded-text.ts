/** Reads a text file that may be anything: a device, a folder, far too long, no text. */
import { hasCode, messageOf } from "../../../core/index.js";
import { RuntimeErrors } from "../../errors.js";
import { readDocument } from "../../read-document.js";

/** @throws RUNTIME_PIPELINE_FILE_UNREADABLE */
export async function readBoundedText(file: string, maxBytes: number): Promise<string> {
  try {
    const bytes = await readDocument({ path: file, isGiven: true }, maxBytes);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw RuntimeErrors.PIPELINE_FILE_UNREADABLE(
      { file, reason: reasonOf(error, maxBytes) },
      error,
    );
  }
}

function reasonOf(error: unknown, maxBytes: number): string {
  if (hasCode(error, RuntimeErrors.DOCUMENT_TOO_LARGE.code)) {
    return `it is longer than ${maxBytes} bytes`;
  }
  if (hasCode(error, RuntimeErrors.DOCUMENT_NOT_A_FILE.code)) return "it is not a file";
  if (hasCode(error, "ENOENT")) return "it does not exist";
  return error instanceof TypeError ? "it is not UTF-8" : messageOf(error);
}
