/** Shows which value of each option holds and where it comes from. */
import Table from "cli-table3";
import type { ChosenValue } from "./option-values.js";
import type { Output } from "./output.js";
import { printable } from "./printable.js";

export function printConfig(
  values: readonly ChosenValue[],
  { json, output }: { readonly json: boolean; readonly output: Output },
): void {
  if (json) {
    const entries = values.map(({ leaf, value, origin }) => [
      leaf.path.join("."),
      { value: value ?? null, origin, flag: leaf.flag, variable: leaf.variable },
    ]);
    output.json({ options: Object.fromEntries(entries) });
    return;
  }
  const table = new Table({
    head: ["option", "value", "from"],
    style: { head: [], border: [], compact: true },
  });
  for (const { leaf, value, origin } of values) {
    const shown = value === undefined ? "" : printable(String(value));
    const from = { flag: leaf.flag, environment: leaf.variable, default: "default" }[origin];
    table.push([leaf.flag.slice(2), shown, from]);
  }
  output.line(table.toString());
}
