/** Runs one fault: gives it what it needs, bounds its time and cleans up behind it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Fault, Skip, type Trial } from "./fault.js";
import { Random } from "./random.js";
import { within } from "./waits.js";

const EXTRA_MS = 90_000;
const CLEAN_UP_MS = 20_000;
/** More of them say nothing new. */
const PROBLEMS_MAX = 8;

export interface Report {
  readonly fault: string;
  readonly title: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly figure: string;
  readonly problems: readonly string[];
  readonly seed: number;
  readonly seconds: number;
}

export interface Settings {
  readonly scale: number;
  readonly seed: number;
  readonly python: string | undefined;
}

export async function runTrial(fault: Fault, settings: Settings): Promise<Report> {
  const { scale, seed, python } = settings;
  const problems: string[] = [];
  const cleanUps: (() => unknown)[] = [];
  const ending = new AbortController();
  const problem = (text: string) => {
    problems.push(text);
  };
  const trial: Trial = {
    scale,
    seed,
    python,
    random: new Random(seed ^ (Number(fault.name.slice(1)) * 0x9e3779b1)),
    signal: ending.signal,
    count: (full, least) => Math.max(least, Math.round(full * scale)),
    folder: () => {
      const folder = mkdtempSync(join(tmpdir(), `millrace-${fault.name.toLowerCase()}-`));
      cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
      return folder;
    },
    defer: (cleanUp) => cleanUps.push(cleanUp),
    problem,
    check: (condition, text) => {
      if (!condition) problem(text);
    },
    note: (text) => process.stderr.write(`  ${fault.name}: ${text}\n`),
  };
  const startedAtMs = performance.now();
  let figure = "";
  let isSkipped = false;
  const limitMs = EXTRA_MS + fault.limitMs * Math.min(1, scale);
  try {
    figure = await within(fault.name, limitMs, fault.run(trial));
  } catch (error) {
    if (error instanceof Skip) {
      isSkipped = true;
      figure = error.message;
    } else problem(error instanceof Error ? (error.stack ?? error.message) : `${error}`);
  }
  ending.abort();
  for (const cleanUp of cleanUps.reverse()) {
    try {
      await within("clean-up", CLEAN_UP_MS, Promise.resolve(cleanUp()));
    } catch (error) {
      problem(`clean-up: ${error}`);
    }
  }
  const outcome = problems.length > 0 ? "failed" : isSkipped ? "skipped" : "passed";
  const seconds = (performance.now() - startedAtMs) / 1000;
  const shown = problems.slice(0, PROBLEMS_MAX);
  if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more`);
  return { fault: fault.name, title: fault.title, outcome, figure, problems: shown, seed, seconds };
}
