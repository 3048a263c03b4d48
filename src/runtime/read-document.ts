/** Reads a document's bytes, as many as its bound allows and not one more. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { RuntimeErrors } from "./errors.js";
import type { FoundDocument } from "./find-documents.js";

/**
 * The bytes of a file.
 *
 * The file may be another one than the one that was found: a link put in its place is not followed,
 * a pipe does not block, and what has grown beyond the bound is refused.
 *
 * @throws RUNTIME_DOCUMENT_TOO_LARGE, RUNTIME_DOCUMENT_NOT_A_FILE, and errors of the system.
 */
export async function readDocument(
  { path, isGiven }: Pick<FoundDocument, "path" | "isGiven">,
  maxDocumentBytes: number,
): Promise<Buffer> {
  // Windows has neither of the two; there they are undefined.
  const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;
  const handle = await open(path, O_RDONLY | O_NONBLOCK | (isGiven ? 0 : O_NOFOLLOW));
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw RuntimeErrors.DOCUMENT_NOT_A_FILE({ what: "a device or pipe" });
    if (stats.size > maxDocumentBytes) {
      throw RuntimeErrors.DOCUMENT_TOO_LARGE({ bytes: stats.size, maxDocumentBytes });
    }
    // One more byte than there should be tells that the file is growing.
    const buffer = Buffer.allocUnsafe(stats.size + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, Math.min(length, stats.size));
  } finally {
    await handle.close();
  }
}
