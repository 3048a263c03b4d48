/** Workbooks: each sheet as a table. Knows rows and nothing of jobs, threads or stages. */
import type { Extraction, ExtractRequest } from "../extractor.js";
import { sheetRows } from "../sheets/sheet-rows.js";
import { readXlsx } from "./read-xlsx.js";

/** Used when the operator set no limit. */
const SHEETS_MAX = 10_000;

/** @throws the errors of `ExtractErrors`, STAGES_DOCUMENT_TOO_LARGE */
export function extractXlsx(request: ExtractRequest): Promise<Extraction> {
  const workbook = readXlsx(request.content, request.limits?.maxPages ?? SHEETS_MAX);
  return sheetRows(request, {
    ...workbook.properties,
    sheets: workbook.sheets,
    sourceType: "xlsx",
  });
}
