/** What is printed. */
import type { Report } from "./run-trial.js";

const WORDS = { passed: "pass", failed: "FAIL", skipped: "SKIPPED" } as const;

export function printLine(report: Report): void {
  const { fault, title, outcome, figure, problems, seed, seconds } = report;
  const time = `${seconds.toFixed(1)} s`;
  console.log(
    `${WORDS[outcome]} ${fault} ${title} | ${figure || "no figure"} | seed ${seed} | ${time}`,
  );
  if (outcome === "skipped") console.log(`  ${fault} WAS LEFT OUT AND SHOWS NOTHING: ${figure}`);
  for (const problem of problems) console.log(`  ${problem.replaceAll("\n", "\n  ")}`);
}

export function printTable(reports: readonly Report[]): void {
  console.log("");
  for (const { fault, outcome, figure } of reports) {
    console.log(`${fault.padEnd(4)} ${WORDS[outcome].padEnd(8)} ${figure}`);
  }
  console.log("");
}
