/** The table at the end of an ingestion, and the lines that tell why documents failed. */
import Table from "cli-table3";
import type { DocumentOutcome } from "../runtime/index.js";
import { printable, shortened } from "./printable.js";

const NAME_LENGTH_MAX = 36;

/** An outcome without its result: what is kept of each document until the end. */
export type OutcomeLine = Omit<DocumentOutcome, "result">;

/** Fits into 80 columns. */
export function outcomeTable(outcomes: readonly OutcomeLine[]): string {
  const table = new Table({
    head: ["document", "type", "rows", "characters", "time"],
    colAligns: ["left", "left", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, documentType, status, rows, characters, elapsedMs } of outcomes) {
    const shown = shortened(printable(name), NAME_LENGTH_MAX);
    const seconds = `${(elapsedMs / 1000).toFixed(2)} s`;
    const counts = status === "success" ? [rows, characters] : [status, ""];
    table.push([shown, documentType ?? "", ...counts, seconds]);
  }
  return table.toString();
}

export function causeLine({ path, status, cause }: OutcomeLine): string {
  return `${status}: ${printable(path)}: ${printable(cause ?? "no cause is known")}`;
}
