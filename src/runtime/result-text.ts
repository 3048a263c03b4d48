/** The readable text of a result. */
import type { ResultDocument, ResultRow } from "../message/index.js";

/** A row's text or table; the empty text for images and for documents that nobody extracted. */
export function rowText({ document_type, metadata }: ResultRow): string {
  const table = memberOf(memberOf(metadata, "table_metadata"), "table_content");
  if (typeof table === "string") return table;
  const type = memberOf(memberOf(metadata, "content_metadata"), "type");
  const { content } = metadata;
  const isText = type === "text" || (type === undefined && document_type === "text");
  return isText && typeof content === "string" ? content : "";
}

/** The rows' texts, one after the other, with an empty line between them. */
export function resultText(result: ResultDocument): string {
  const texts = (result.data ?? []).map(rowText).filter((text) => text !== "");
  return texts.map((text) => text.trimEnd()).join("\n\n");
}

/** Code points in all rows' texts. */
export function characterCount(result: ResultDocument): number {
  let count = 0;
  for (const row of result.data ?? []) for (const _ of rowText(row)) count++;
  return count;
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
