/** A run as tables for people and as JSON for programs. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import Table from "cli-table3";
import { type Figures, medianOf } from "./harness.js";
import type { Machine } from "./machine.js";
import type { SummaryRow } from "./summary.js";

export interface Report {
  readonly commit: string;
  /** ISO 8601. */
  readonly date: string;
  readonly isQuick: boolean;
  readonly rounds: number;
  readonly machine: Machine;
  readonly loadAverage: { readonly before: number[]; readonly after: number[] };
  readonly summary: readonly SummaryRow[];
  readonly figures: readonly object[];
  /** What was left out, what failed, and what else to know. */
  readonly notes: readonly string[];
}

/** Each figure with median, minimum and maximum over its rounds. */
export function listFigures(figures: Figures): object[] {
  return figures.all().map(({ group, name, unit, values }) => {
    const [min, max] = [Math.min(...values), Math.max(...values)];
    return { group, name, unit, median: medianOf(values), min, max, values };
  });
}

export function writeReport(path: string, report: Report): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
}

export function printReport(report: Report, figures: Figures): void {
  const { machine, loadAverage, commit, date } = report;
  for (const group of new Set(figures.all().map((figure) => figure.group))) {
    console.log(`\n${group}`);
    console.log(figureTable(figures, group));
  }
  console.log("\nWhat it must show");
  console.log(summaryTable(report.summary));
  const python =
    machine.python === null
      ? "no Python with nv-ingest-api"
      : `Python ${machine.python} with nv-ingest-api ${machine.nvIngestApi}`;
  console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB; ${machine.os}`);
  console.log(`Node ${machine.node}; ${python}`);
  console.log(
    `commit ${commit}; ${date}; ${report.rounds} rounds${report.isQuick ? ", quick" : ""}`,
  );
  console.log(`load average ${loadAverage.before.join(" ")} → ${loadAverage.after.join(" ")}`);
  for (const note of report.notes) console.log(`NOTE: ${note}`);
}

function figureTable(figures: Figures, group: string): string {
  const table = new Table({ head: ["what", "unit", "median", "min", "max"], style: PLAIN });
  for (const { name, unit, values } of figures.all().filter((each) => each.group === group)) {
    const [min, max] = [Math.min(...values), Math.max(...values)];
    table.push([name, unit, ...[medianOf(values), min, max].map(rounded)]);
  }
  return table.toString();
}

function summaryTable(rows: readonly SummaryRow[]): string {
  const table = new Table({ head: ["what", "target", "measured", "unit", ""], style: PLAIN });
  for (const { what, target, measured, unit, verdict } of rows) {
    table.push([what, target, measured === null ? "–" : rounded(measured), unit, verdict]);
  }
  return table.toString();
}

const PLAIN = { head: [], border: [], compact: true };

/** Three digits that say something; more only before the point. */
function rounded(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
