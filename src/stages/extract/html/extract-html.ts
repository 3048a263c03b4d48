/**
 * Pages as Markdown. Knows rows and nothing of jobs, threads or stages.
 * Source: spec pipeline-and-stages.md 5.6.
 */
import { completeRowMetadata } from "../../../message/index.js";
import { detectLanguage } from "../../language.js";
import type { Extraction, ExtractParams, ExtractRequest } from "../extractor.js";
import { htmlToMarkdown } from "./html-to-markdown.js";
import { parsePage } from "./parse-page.js";

/**
 * One row: the document's own with the page's Markdown as content, also when that is empty. Tables
 * are part of the text, whether they are asked for or not.
 *
 * @throws EXTRACT_HTML_TOO_LARGE
 */
export async function extractHtml(request: ExtractRequest): Promise<Extraction> {
  const content = htmlToMarkdown(parsePage(request.content));
  const { metadata: base } = request;
  const metadata = completeRowMetadata({
    ...base,
    content,
    content_metadata: { ...base.content_metadata, type: "text" },
    text_metadata: {
      ...base.text_metadata,
      text_type: "document",
      language: await detectLanguage(content),
    },
  });
  return { rows: [{ documentType: "text", metadata }], notes: undone(request.params) };
}

function undone(params: ExtractParams): string[] {
  const wanted: string[] = [];
  if (params.extractImages) wanted.push("images");
  if (params.extractCharts) wanted.push("charts");
  if (params.extractInfographics) wanted.push("infographics");
  if (params.extractPageAsImage) wanted.push("page images");
  if (wanted.length === 0) return [];
  return [`${wanted.join(", ")} are not extracted from HTML; pictures stand in the text as links`];
}
