/** The table of a pipeline's values, and where each comes from. */
import Table from "cli-table3";
import type { ExplainedValue } from "../runtime/index.js";
import { printable, shortened } from "./printable.js";

const VALUE_LENGTH_MAX = 60;

export function explainTable(values: readonly ExplainedValue[]): string {
  const table = new Table({
    head: ["option", "value", "from"],
    style: { head: [], border: [], compact: true },
  });
  for (const { path, value, origin } of values) {
    const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
    const shown = shortened(printable(text), VALUE_LENGTH_MAX);
    table.push([printable(path), shown, printable(origin)]);
  }
  return table.toString();
}
