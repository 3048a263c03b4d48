/**
 * Mails: the message as text, and each attachment as the rows that its own extractor makes of it. Knows
 * rows and nothing of jobs, threads or stages.
 */
import PostalMime, { type Address, type Attachment, type Email } from "postal-mime";
import { messageOf } from "../../../core/index.js";
import {
  completeRowMetadata,
  documentTypeOfName,
  injectMetadata,
  type RowMetadata,
} from "../../../message/index.js";
import { StagesErrors } from "../../errors.js";
import type { ExtractedRow, Extraction, Extractor, ExtractRequest } from "../extractor.js";
import { htmlToMarkdown } from "../html/html-to-markdown.js";
import { parsePage } from "../html/parse-page.js";
import { NOWHERE, officeSource, textRow, undoneNotes } from "../ooxml/office-rows.js";
import { typeOfContent } from "../type-of-content.js";

/** Mails in mails, the outermost included. */
const NESTING_MAX = 3;
const ATTACHMENTS_MAX = 1_000;

/**
 * @param extractAttachment what reads attachments of a known type.
 * @returns an extractor: the mail's text first, then the rows of its attachments in order, whose source is
 *   the mail's with the attachment's name behind it. An attachment that cannot be read is noted.
 */
export function emlExtractor(extractAttachment: Extractor): Extractor {
  return (request) => extractMail(request, extractAttachment, 1);
}

/** @throws STAGES_DOCUMENT_UNREADABLE */
async function extractMail(
  request: ExtractRequest,
  extractAttachment: Extractor,
  nesting: number,
): Promise<Extraction> {
  const mail = await parse(request.content);
  const { params } = request;
  const rows: ExtractedRow[] = params.extractText ? [await mailRow(request, mail)] : [];
  const notes = undoneNotes({ ...params, extractCharts: false, extractPageAsImage: false }, "EML");
  const remarks: string[] = [];
  const attachments = mail.attachments.slice(0, ATTACHMENTS_MAX);
  const leftOut = mail.attachments.length - attachments.length;
  if (leftOut > 0)
    notes.push(`${leftOut} attachments of a mail beyond ${ATTACHMENTS_MAX} are left out`);
  let unknown = 0;
  for (const [index, attachment] of attachments.entries()) {
    const type = await typeOf(attachment);
    if (type === undefined || (type === "eml" && nesting >= NESTING_MAX)) {
      unknown++;
      continue;
    }
    const inner = requestFor(request, attachment, type, index);
    try {
      const made = await extractPart(inner);
      rows.push(...made.rows);
      notes.push(...made.notes);
      remarks.push(...(made.remarks ?? []));
    } catch (error) {
      notes.push(`attachment ${index + 1} of a mail cannot be read: ${messageOf(error)}`);
    }
  }
  if (unknown > 0)
    notes.push(`${unknown} attachments of a mail are of types that are not read here`);
  return { rows, notes: [...new Set(notes)], remarks: [...new Set(remarks)] };

  async function extractPart(inner: ExtractRequest): Promise<Extraction> {
    if (inner.documentType === "eml") return extractMail(inner, extractAttachment, nesting + 1);
    if (inner.documentType === "text") return plainText(inner);
    return extractAttachment(inner);
  }
}

async function parse(content: Uint8Array): Promise<Email> {
  try {
    const mail = await PostalMime.parse(content, {
      forceRfc822Attachments: true,
      maxNestingDepth: 50,
    });
    if (mail.headers.length > 0) return mail;
  } catch (error) {
    throw unreadable(messageOf(error));
  }
  throw unreadable("it has no header lines, so it is no mail");
}

function unreadable(reason: string): Error {
  return StagesErrors.DOCUMENT_UNREADABLE({ documentType: "eml", reason });
}

async function mailRow({ metadata: base }: ExtractRequest, mail: Email): Promise<ExtractedRow> {
  const date = new Date(mail.date ?? Number.NaN);
  const sent = Number.isNaN(date.getTime()) ? undefined : date.toISOString().slice(0, 19);
  return textRow({
    base,
    source: officeSource(base, {
      source_type: "eml",
      source_name: base.source_metadata?.source_id ?? "",
      ...(sent !== undefined && { date_created: sent, last_modified: sent }),
    }),
    text: textOf(mail),
    textType: "document",
    description: "Unstructured text from EML message.",
    keywords: "",
    pageNumber: -1,
    hierarchy: { page_count: 1, page: -1 },
    location: NOWHERE,
  });
}

/** Who wrote what to whom, and the message: its plain text, else its page as Markdown. */
function textOf(mail: Email): string {
  const { subject = "", from, to = [], cc = [], date, text, html } = mail;
  const lines = [
    subject === "" ? undefined : `# ${subject}\n`,
    from && `From: ${addressOf(from)}`,
    to.length > 0 ? `To: ${to.map(addressOf).join(", ")}` : undefined,
    cc.length > 0 ? `Cc: ${cc.map(addressOf).join(", ")}` : undefined,
    date && `Date: ${date}`,
  ];
  const plain = text?.trim() ?? "";
  const body = plain === "" && html ? htmlToMarkdown(parsePage(Buffer.from(html))) : plain;
  return `${lines.filter((line) => line !== undefined).join("\n")}\n\n${body}`.trim();
}

function addressOf({ name, address, group }: Address): string {
  if (group !== undefined) return `${name}: ${group.map(addressOf).join(", ")}`;
  return name === "" ? address : `${name} <${address}>`;
}

async function typeOf({ content, filename, mimeType }: Attachment): Promise<string | undefined> {
  if (mimeType === "message/rfc822") return "eml";
  return (await typeOfContent(bytesOf(content))) ?? documentTypeOfName(filename ?? "");
}

/** An attachment as a document of its own, its name without any folders. */
function requestFor(
  request: ExtractRequest,
  { content, filename }: Attachment,
  documentType: string,
  index: number,
): ExtractRequest {
  const outer = request.metadata.source_metadata;
  const name = filename?.replaceAll("\\", "/").split("/").at(-1) || `attachment-${index + 1}`;
  const row = injectMetadata({
    documentType,
    content: "",
    sourceName: `${outer?.source_name ?? ""}/${name}`,
    sourceId: `${outer?.source_id ?? ""}/${name}`,
  });
  const metadata = completeRowMetadata(row.metadata as RowMetadata);
  return { ...request, content: bytesOf(content), documentType, metadata };
}

async function plainText({ content, metadata: base, params }: ExtractRequest): Promise<Extraction> {
  if (!params.extractText) return { rows: [], notes: [] };
  const row = await textRow({
    base,
    source: officeSource(base, { source_type: "text" }),
    text: new TextDecoder().decode(content),
    textType: "document",
    description: base.content_metadata?.description ?? "",
    keywords: "",
    pageNumber: -1,
    hierarchy: { page_count: -1, page: -1 },
    location: NOWHERE,
  });
  return { rows: [row], notes: [] };
}

function bytesOf(content: Attachment["content"]): Uint8Array {
  return typeof content === "string" ? Buffer.from(content) : new Uint8Array(content);
}
