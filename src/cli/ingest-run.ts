/** What `quickstart` and `ingest` share: documents to a client, results to files, a report. */

import type { MessageBrokerClient } from "../client/index.js";
import { messageOf } from "../core/index.js";
import {
  type DocumentOutcome,
  type FindOptions,
  findDocuments,
  type IngestOptions,
  ingestDocuments,
  type ResultWriter,
} from "../runtime/index.js";
import { ExitCode } from "./exit-codes.js";
import { causeLine, type OutcomeLine, outcomeTable } from "./outcome-table.js";
import type { Output } from "./output.js";
import { openProgress } from "./progress.js";
import type { StopRequest } from "./signals.js";

/** More would be no overview, and the memory of a long run must not grow. */
const TABLE_ROWS_MAX = 100;
const CAUSES_MAX = 20;

export interface IngestWork {
  readonly client: MessageBrokerClient;
  readonly paths: readonly string[];
  readonly which?: Pick<FindOptions, "include" | "exclude" | "hidden">;
  readonly options: IngestOptions;
  readonly writer: ResultWriter;
}

interface Means {
  readonly json: boolean;
  readonly output: Output;
  readonly stop: StopRequest;
}

export interface IngestReport {
  readonly exitCode: ExitCode;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  /** Of those that succeeded: what was extracted came from a checkpoint. */
  readonly unchanged: number;
}

/** @throws what `ingestDocuments` throws, the reason of the stop among it. */
export async function runIngest(work: IngestWork, means: Means): Promise<IngestReport> {
  const { client, paths, options, writer } = work;
  const { json, output, stop } = means;
  const { signal } = stop;
  const counts = { success: 0, failed: 0, skipped: 0, unchanged: 0 };
  const shown: OutcomeLine[] = [];
  const unwell: OutcomeLine[] = [];
  const where = { signal, excludeFolder: writer.directory, ...work.which };
  const total = await countDocuments(paths, where);
  const progress = openProgress(total, json ? () => {} : output.note);
  let isWhole = false;
  try {
    for await (const outcome of ingestDocuments(client, paths, { ...options, ...where })) {
      const { line, written } = await write(outcome, writer);
      counts[line.status]++;
      if (line.unchanged && line.status === "success") counts.unchanged++;
      progress.done(line);
      if (json) output.json({ event: "document", ...line, output: written ?? null });
      else if (line.status !== "skipped" && shown.length < TABLE_ROWS_MAX) shown.push(line);
      if (line.status !== "success" && unwell.length < CAUSES_MAX) unwell.push(line);
    }
    isWhole = true;
  } finally {
    progress.end();
    // Also when it was cut short: what is done is done.
    if (!json) report({ shown, unwell, counts }, output);
    if (!isWhole) tellCutShort(counts, { json, output, total });
  }
  const { success: succeeded, failed, skipped, unchanged } = counts;
  const exitCode = failed === 0 ? ExitCode.DONE : ExitCode.SOME_FAILED;
  return { exitCode, succeeded, failed, skipped, unchanged };
}

async function countDocuments(paths: readonly string[], where: FindOptions): Promise<number> {
  let count = 0;
  for await (const _ of findDocuments(paths, where)) count++;
  return count;
}

/** A reader of the output must see that it is not all. */
function tellCutShort(
  { success: succeeded, failed, skipped, unchanged }: Findings["counts"],
  { json, output, total }: { json: boolean; output: Output; total: number },
): void {
  const notDone = Math.max(0, total - succeeded - failed - skipped);
  const counts = { succeeded, failed, skipped, unchanged };
  if (json) output.json({ event: "cut short", ...counts, notDone });
  else output.line(`cut short: ${summary(counts)}, ${notDone} not done`);
}

/** A result that cannot be written is as good as none. */
async function write(
  outcome: DocumentOutcome,
  writer: ResultWriter,
): Promise<{ line: OutcomeLine; written: string | undefined }> {
  const { result, ...line } = outcome;
  if (result === undefined) return { line, written: undefined };
  try {
    return { line, written: await writer.write(outcome.name, result) };
  } catch (error) {
    const failed = { ...line, status: "failed", cause: messageOf(error) } as const;
    return { line: failed, written: undefined };
  }
}

interface Findings {
  readonly shown: OutcomeLine[];
  readonly unwell: readonly OutcomeLine[];
  readonly counts: {
    readonly success: number;
    readonly failed: number;
    readonly skipped: number;
    readonly unchanged: number;
  };
}

/** In the order of names: documents end in any order, and runs are compared. */
function report({ shown, unwell, counts }: Findings, output: Output): void {
  shown.sort((a, b) => (a.name < b.name ? -1 : 1));
  if (shown.length > 0) output.line(outcomeTable(shown));
  const more = counts.success + counts.failed - shown.length;
  if (more > 0) output.line(`and ${more} more`);
  for (const line of unwell) output.line(causeLine(line));
  const moreUnwell = counts.failed + counts.skipped - unwell.length;
  if (moreUnwell > 0) output.line(`and ${moreUnwell} more that failed or were skipped`);
}

/** `5 documents done (3 unchanged), 1 failed, 2 skipped` */
export function summary({
  succeeded,
  failed,
  skipped,
  unchanged,
}: Omit<IngestReport, "exitCode">): string {
  const same = unchanged > 0 ? ` (${unchanged} unchanged)` : "";
  const parts = [`${succeeded} document${succeeded === 1 ? "" : "s"} done${same}`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (skipped > 0) parts.push(`${skipped} skipped`);
  return parts.join(", ");
}
