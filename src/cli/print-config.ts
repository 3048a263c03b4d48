/** Shows which value of each option holds and where it comes from. */
import Table from "cli-table3";
import { HIDDEN, isSecretPath, withoutUrlPasswords } from "../runtime/index.js";
import type { ChosenValue } from "./option-values.js";
import type { Output } from "./output.js";
import { printable } from "./printable.js";
import type { Leaf } from "./schema-options.js";

export function printConfig(
  values: readonly ChosenValue[],
  { json, output }: { readonly json: boolean; readonly output: Output },
): void {
  if (json) {
    const entries = values.map(({ leaf, value, origin, place }) => [
      leaf.path.join("."),
      {
        value: shown(leaf, value) ?? null,
        origin,
        ...(place !== undefined && { place }),
        flag: leaf.flag,
        variable: leaf.variable,
      },
    ]);
    output.json({ options: Object.fromEntries(entries) });
    return;
  }
  const table = new Table({
    head: ["option", "value", "from"],
    style: { head: [], border: [], compact: true },
  });
  for (const { leaf, value, origin, place = "file" } of values) {
    const text = value === undefined ? "" : printable(String(shown(leaf, value)));
    const { flag, variable } = leaf;
    const from = { flag, environment: variable, file: place, default: "default" }[origin];
    table.push([flag.slice(2), text, printable(from)]);
  }
  output.line(table.toString());
}

function shown({ path }: Leaf, value: unknown): unknown {
  if (value !== undefined && isSecretPath(path, value)) return HIDDEN;
  return typeof value === "string" ? withoutUrlPasswords(value) : value;
}
