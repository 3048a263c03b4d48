/** Text in columns (CSV, TSV) as one table. Knows rows and nothing of jobs, threads or stages. */
import type { Extraction, ExtractRequest } from "../extractor.js";
import { sheetRows } from "../sheets/sheet-rows.js";
import { readCsv } from "./read-csv.js";

/** @throws as `readCsv` and `sheetRows` do */
export function extractCsv(request: ExtractRequest): Promise<Extraction> {
  const sheets = [{ name: "", cells: readCsv(request.content) }];
  return sheetRows(request, { sheets, sourceType: "csv" });
}
