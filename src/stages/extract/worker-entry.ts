/**
 * Entry file of extraction threads: decodes the content and hands it to the extractor of its type.
 * Knows nothing of stages or jobs.
 */
import { threadTask } from "../../workers/index.js";
import { StagesErrors } from "../errors.js";
import type { ExtractJob } from "./extract-task.js";
import type { Extraction } from "./extractor.js";
import { extractDocument } from "./extractors.js";

/** Types whose content travels as text, not as base64. */
const TEXT_TYPES: ReadonlySet<string> = new Set(["html"]);

/** The thread's only task; `extract-task.ts` names it. */
export const extract = threadTask(async (job: ExtractJob): Promise<Extraction> => {
  const { documentType, method, params, metadata, limits } = job;
  return extractDocument({
    content: decode(job),
    documentType,
    ...(method !== undefined && { method }),
    params,
    metadata,
    limits,
  });
});

/** Decoded as upstream does: what is no base64 character is passed over. */
function decode({ documentType, content, metadata }: ExtractJob): Uint8Array {
  if (TEXT_TYPES.has(documentType)) return Buffer.from(content, "utf8");
  const bytes = Buffer.from(content, "base64");
  if (bytes.length === 0 && content.length > 0) {
    const sourceId = String(metadata.source_metadata?.source_id ?? "");
    throw StagesErrors.CONTENT_MISSING({ documentType, sourceId });
  }
  return bytes;
}
