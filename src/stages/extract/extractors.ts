/**
 * Which extractor reads which document. Each is loaded with the first document that needs it; which one
 * that is goes by what the document is, where its bytes tell, else by what it is said to be.
 */
import { StagesErrors } from "../errors.js";
import type { Extraction, Extractor, ExtractRequest } from "./extractor.js";
import { typeOfContent } from "./type-of-content.js";

const image = async () => (await import("./image/extract-image.js")).extractImage;

const EXTRACTORS: ReadonlyMap<string, () => Promise<Extractor>> = new Map([
  ["pdf", async () => (await import("./pdf/extract-pdf.js")).extractPdf],
  ["docx", async () => (await import("./docx/extract-docx.js")).extractDocx],
  ["pptx", async () => (await import("./pptx/extract-pptx.js")).extractPptx],
  ["xlsx", async () => (await import("./xlsx/extract-xlsx.js")).extractXlsx],
  ["csv", async () => (await import("./csv/extract-csv.js")).extractCsv],
  ["html", async () => (await import("./html/extract-html.js")).extractHtml],
  ["epub", async () => (await import("./epub/extract-epub.js")).extractEpub],
  ["eml", async () => (await import("./eml/extract-eml.js")).emlExtractor(extractDocument)],
  ["png", image],
  ["jpeg", image],
  ["tiff", image],
  ["bmp", image],
  ["svg", image],
]);

/** Types that are not told by their first bytes: what is found in these is no more than a guess. */
const TEXT_TYPES: ReadonlySet<string> = new Set(["html", "svg", "eml"]);

/** @throws STAGES_EXTRACTOR_UNKNOWN, and what the extractor throws. */
export async function extractDocument(request: ExtractRequest): Promise<Extraction> {
  const said = request.documentType;
  if (!EXTRACTORS.has(said)) throw StagesErrors.EXTRACTOR_UNKNOWN({ documentType: said });
  const found = TEXT_TYPES.has(said) ? undefined : await typeOfContent(request.content);
  const documentType = found !== undefined && EXTRACTORS.has(found) ? found : said;
  const load = EXTRACTORS.get(documentType) as () => Promise<Extractor>;
  const extract = await load();
  const extraction = await extract({ ...request, documentType });
  if (documentType === said) return extraction;
  const remark = `a document that is said to be ${said} is ${documentType}, and was read as that`;
  return { ...extraction, remarks: [...(extraction.remarks ?? []), remark] };
}
