/**
 * `npm run test:faults -- [--scale X] [--only F5,F8] [--seed N] [--python PATH] [--json FILE]`
 *
 * Does the faults of the list one after the other and tells a line for each. The last line is
 * "N passed, N failed"; the exit code is 1 when one failed. See README.md.
 */
import { existsSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { FAULTS } from "./all-faults.js";
import { pathOf } from "./harness/processes.js";
import { printLine, printTable } from "./harness/report.js";
import { type Report, runTrial } from "./harness/run-trial.js";

const PYTHON = "../interop/.venv/26.1.2/bin/python";

function readArguments() {
  const { values } = parseArgs({
    options: {
      scale: { type: "string", default: "1" },
      only: { type: "string", multiple: true, default: [] },
      seed: { type: "string" },
      python: { type: "string" },
      json: { type: "string" },
    },
  });
  const scale = Number(values.scale);
  if (!(scale > 0)) throw new Error("--scale must be a number above 0");
  const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
  if (!Number.isInteger(seed)) throw new Error("--seed must be a whole number");
  const only = values.only.flatMap((names) => names.toUpperCase().split(","));
  const unknown = only.find((name) => !FAULTS.some((fault) => fault.name === name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there is no such fault`);
  const python = values.python ?? (existsSync(pathOf(PYTHON)) ? pathOf(PYTHON) : undefined);
  return { scale, seed, only, python, json: values.json };
}

const { scale, seed, only, python, json } = readArguments();
console.log(`faults at scale ${scale}, seed ${seed}`);
const reports: Report[] = [];
for (const fault of FAULTS) {
  if (only.length > 0 && !only.includes(fault.name)) continue;
  const report = await runTrial(fault, { scale, seed, python });
  reports.push(report);
  printLine(report);
}
if (json !== undefined) writeFileSync(json, JSON.stringify({ scale, seed, reports }, null, 2));
printTable(reports);
const failed = reports.filter(({ outcome }) => outcome === "failed").length;
const passed = reports.filter(({ outcome }) => outcome === "passed").length;
console.log(`${passed} passed, ${failed} failed`);
// What a fault that ran out of time still waits for must not keep this alive.
process.exit(failed > 0 ? 1 : 0);
