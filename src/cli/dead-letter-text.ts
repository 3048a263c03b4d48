/** Dead letters for people: a table of many, the facts of one. Never anything of a job's text. */
import Table from "cli-table3";
import type { DeadLetter } from "../client/index.js";
import { printable, shortened } from "./printable.js";

/** A UUID fits, so that it can be copied. */
const JOB_LENGTH_MAX = 36;
const CAUSE_LENGTH_MAX = 10;
const REASON_LENGTH_MAX = 74;
const COLUMNS = 4;

/** Two lines for each: facts, and the reason as far as it fits. 80 columns in all. */
export function deadLetterTable(letters: readonly DeadLetter[]): string {
  const table = new Table({
    head: ["job", "cause", "tries", "given up (UTC)"],
    colAligns: ["left", "left", "right", "left"],
    style: { head: [], border: [], compact: true },
  });
  for (const { jobId, cause, reason, deliveries, givenUpAt } of letters) {
    table.push([
      shortened(printable(jobId), JOB_LENGTH_MAX),
      shortened(printable(cause), CAUSE_LENGTH_MAX),
      deliveries,
      readableTime(givenUpAt).slice(0, 16),
    ]);
    const content = `  ${shortened(printable(reason), REASON_LENGTH_MAX)}`;
    table.push([{ colSpan: COLUMNS, content }]);
  }
  return table.toString();
}

/** A line per fact. */
export function deadLetterFacts(letter: DeadLetter): string {
  const facts: readonly (readonly [string, string])[] = [
    ["job", letter.jobId],
    ["queue", letter.queueName],
    ["cause", letter.cause],
    ["reason", letter.reason],
    ["tries", String(letter.deliveries)],
    ["stored", `${readableTime(letter.storedAt)} UTC`],
    ["given up", `${readableTime(letter.givenUpAt)} UTC`],
    ["bytes", String(letter.bytes)],
  ];
  return facts.map(([name, value]) => `${name.padEnd(9)} ${printable(value)}`).join("\n");
}

/** `2026-01-02 03:04:05`; what is no ISO 8601 text stays as it is. */
function readableTime(text: string): string {
  const [, day, time] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)[.\d]*Z$/.exec(text) ?? [];
  return day === undefined ? printable(text) : `${day} ${time}`;
}
