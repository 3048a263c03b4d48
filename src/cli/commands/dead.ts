/** `millrace dead` */
import { z } from "zod";
import type { DeadChoice, DeadLetter, DeadLetters } from "../../client/index.js";
import { nearestKey, quote } from "../../core/index.js";
import { askBroker, BROKER_OPTIONS, REDIS_GROUP } from "../broker-call.js";
import { commonOptions, defineCommand } from "../command.js";
import { deadLetterFacts, deadLetterTable } from "../dead-letter-text.js";
import { CliErrors } from "../errors.js";
import { ExitCode } from "../exit-codes.js";
import type { Output } from "../output.js";
import { printable } from "../printable.js";

const ACTIONS = ["list", "show", "replay", "drop"] as const;
type Action = (typeof ACTIONS)[number];

/** More would be no overview. */
const TABLE_ROWS_MAX = 100;

/** What was asked for, once it is known to make sense. */
type Question =
  | { readonly action: "list" }
  | { readonly action: "show"; readonly jobId: string }
  | { readonly action: "replay" | "drop"; readonly which: DeadChoice };

export const dead = defineCommand({
  about:
    "Jobs that failed, or that no consumer could end: list them, show one, put them back into their " +
    "queues (replay), when what made them fail is repaired, or throw them away (drop). Their clients " +
    "were answered with a failed result.",
  options: z.strictObject({
    all: z.boolean().default(false).describe("Replay or drop all of them."),
    ...BROKER_OPTIONS,
    ...commonOptions("warn"),
  }),
  operands: [
    ["ACTION", "list, show, replay or drop"],
    ["[JOB]", "the job's id; replay and drop take --all in its place"],
  ],
  groups: { "Which, and where:": ["all", "broker"], ...REDIS_GROUP },
  examples: [
    ["millrace dead list", "the oldest first"],
    ["millrace dead show JOB", "why it was given up"],
    ["millrace dead show JOB --json | jq -r .message", "its text"],
    ["millrace dead replay JOB", "let consumers try it again"],
    ["millrace dead drop --all", "throw all of them away"],
  ],
  async run({ json, broker, redis, all }, { operands, output, stop }) {
    const question = readQuestion(operands, all);
    const { signal } = stop;
    return await askBroker({ broker, redis }, signal, ({ deadLetters }) => {
      const means = { deadLetters, signal, json, output };
      switch (question.action) {
        case "list":
          return list(means);
        case "show":
          return show(question.jobId, means);
        default:
          return settle(question, means);
      }
    });
  },
});

interface Means {
  readonly deadLetters: DeadLetters;
  readonly signal: AbortSignal;
  readonly json: boolean;
  readonly output: Output;
}

/** @throws CLI_OPERANDS_WRONG */
function readQuestion(operands: readonly string[], all: boolean): Question {
  const [word, jobId] = operands;
  const action = ACTIONS.find((known) => known === word);
  if (action === undefined) throw wrong(wordFault(word));
  const hasJob = jobId !== undefined && jobId !== "";
  if (action === "list") {
    if (hasJob || all) throw wrong("dead list takes no job and not --all: it lists all of them");
    return { action };
  }
  if (action === "show") {
    if (!hasJob || all) throw wrong("name one job: millrace dead show JOB");
    return { action, jobId };
  }
  if (hasJob === all) {
    const forms = `millrace dead ${action} JOB, or millrace dead ${action} --all`;
    throw wrong(`${all ? "name a job or --all, not both" : "name a job or --all"}: ${forms}`);
  }
  return { action, which: hasJob ? { jobId } : { all: true } };
}

function wordFault(word: string | undefined): string {
  const known = `millrace dead knows ${ACTIONS.join(", ")}`;
  if (word === undefined) return `say what to do: ${known}`;
  const nearest = nearestKey(word, ACTIONS);
  const hint = nearest === undefined ? "" : ` (did you mean ${nearest}?)`;
  return `${quote(word)} is none of its words${hint}: ${known}`;
}

function wrong(reason: string) {
  return CliErrors.OPERANDS_WRONG({ reason });
}

async function list({ deadLetters, signal, json, output }: Means): Promise<ExitCode> {
  const shown: DeadLetter[] = [];
  let count = 0;
  for await (const letter of lettersOf(deadLetters, signal)) {
    count++;
    if (json) output.json({ event: "letter", ...letter });
    else if (shown.length < TABLE_ROWS_MAX) shown.push(letter);
  }
  if (json) output.json({ event: "done", count });
  else if (count === 0) output.line("no dead letters");
  else {
    output.line(deadLetterTable(shown));
    if (count > shown.length) output.line(`and ${count - shown.length} more`);
    output.line("millrace dead show JOB tells more of one, millrace dead replay JOB puts it back");
  }
  return ExitCode.DONE;
}

/** All of them, page by page. */
async function* lettersOf(
  deadLetters: DeadLetters,
  signal: AbortSignal,
): AsyncGenerator<DeadLetter, void, void> {
  let after: string | undefined;
  for (;;) {
    const { letters } = await deadLetters.list({ after, signal });
    const last = letters.at(-1)?.jobId;
    if (last === undefined || last === after) return;
    yield* letters;
    after = last;
  }
}

async function show(
  jobId: string,
  { deadLetters, signal, json, output }: Means,
): Promise<ExitCode> {
  const letter = await deadLetters.show(jobId, { signal });
  if (letter === undefined) return tellNone(jobId, { json, output });
  if (json) output.json(letter);
  else {
    output.line(deadLetterFacts(letter));
    output.line(`its text: millrace dead show ${printable(jobId)} --json | jq -r .message`);
  }
  return ExitCode.DONE;
}

async function settle(
  { action, which }: Extract<Question, { which: DeadChoice }>,
  { deadLetters, signal, json, output }: Means,
): Promise<ExitCode> {
  const count = await deadLetters[action](which, { signal });
  if (count === 0 && "jobId" in which) return tellNone(which.jobId, { json, output });
  if (json) output.json({ event: "done", action, count });
  else output.line(`${count} job${count === 1 ? "" : "s"} ${TOLD[action]}`);
  return ExitCode.DONE;
}

const TOLD: Readonly<Record<Extract<Action, "replay" | "drop">, string>> = {
  replay: "put back",
  drop: "thrown away",
};

function tellNone(jobId: string, { json, output }: Pick<Means, "json" | "output">): ExitCode {
  if (json) output.json({ jobId, outcome: "unknown" });
  else output.note(`no dead letter of job ${printable(jobId)}; see millrace dead list`);
  return ExitCode.NOT_FOUND;
}
