/** What an extractor is given for a document, as the extraction stage would make it. */
import { injectMetadata, type RowMetadata } from "../../src/message/index.js";
import { parseExtractParams } from "../../src/stages/extract/extract-params.js";
import type { ExtractRequest } from "../../src/stages/extract/extractor.js";

/** @param params of the task, by their wire names. */
export function extractRequest(
  documentType: string,
  content: string | Uint8Array,
  params: object = {},
): ExtractRequest {
  const row = injectMetadata({
    documentType,
    content: "",
    sourceName: `name.${documentType}`,
    sourceId: `folder/name.${documentType}`,
  });
  return {
    content: typeof content === "string" ? Buffer.from(content) : content,
    documentType,
    params: parseExtractParams(params),
    metadata: row.metadata as RowMetadata,
  };
}
