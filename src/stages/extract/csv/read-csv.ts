/** Reads text in columns, whatever separates them, in the encodings in which such files are found. */
import { CsvError, parse } from "csv-parse/sync";
import { MiB, messageOf } from "../../../core/index.js";
import { StagesErrors } from "../../errors.js";
import { ExtractErrors } from "../ooxml/errors.js";
import { CellBudget } from "../sheets/sheet-rows.js";

const BYTES_MAX = 64 * MiB;
const DELIMITERS = [",", ";", "\t", "|"] as const;
/** Lines of which the separator is guessed. */
const SAMPLE_LINES = 20;
const SAMPLE_CHARS = 64 * 1_024;

/**
 * Rows of cells, empty rows left out; rows may differ in length.
 *
 * @throws STAGES_DOCUMENT_UNREADABLE, EXTRACT_OOXML_TABLE_TOO_LARGE, EXTRACT_OOXML_TOO_MANY_CELLS.
 */
export function readCsv(bytes: Uint8Array): string[][] {
  if (bytes.length > BYTES_MAX) {
    throw ExtractErrors.TABLE_TOO_LARGE({ chars: bytes.length, limit: BYTES_MAX });
  }
  const text = decode(bytes);
  const budget = new CellBudget();
  try {
    return parse(text, {
      delimiter: guessDelimiter(text.slice(0, SAMPLE_CHARS)),
      bom: true,
      relax_quotes: true,
      relax_column_count: true,
      skip_empty_lines: true,
      on_record: (record: string[]) => {
        budget.take(record.length);
        return record.some((cell) => cell.trim() !== "") ? record : null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw StagesErrors.DOCUMENT_UNREADABLE({ documentType: "csv", reason: messageOf(error) });
  }
}

/** UTF-8 or UTF-16 by its mark; what is no UTF-8 is taken for what Windows wrote. */
function decode(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  if (bytes.includes(0)) {
    const reason = "it has NUL bytes, so it is no text";
    throw StagesErrors.DOCUMENT_UNREADABLE({ documentType: "csv", reason });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/** The one that stands in most of the lines equally often; what is in quotes does not count. */
function guessDelimiter(sample: string): string {
  const lines = sample.replaceAll(/"[^"]*"/g, "").split(/\r?\n|\r/, SAMPLE_LINES);
  const scored = DELIMITERS.map((delimiter) => {
    const counts = lines
      .filter((line) => line !== "")
      .map((line) => line.split(delimiter).length - 1);
    const [first = 0] = counts;
    return { delimiter, score: first === 0 ? 0 : counts.filter((count) => count === first).length };
  });
  return scored.reduce((best, each) => (each.score > best.score ? each : best)).delimiter;
}
