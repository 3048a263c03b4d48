import type { RedisClient } from "millrace/client";
import type { Fault } from "./harness/fault.js";
import type { Random } from "./harness/random.js";
import {
  clientOf,
  configOf,
  openRaw,
  type Server,
  startServer,
  submitJob,
} from "./harness/redis.js";
import { eachOf } from "./harness/waits.js";

const WIDTH = 8;
/** What is wrong with fragments is told at once; what is missing is awaited for so long. */
const WAIT_MS = 300;
/** For what must come. */
const COMES_MS = 10_000;

export const f38: Fault = {
  name: "F38",
  title: "fragments in Redis: missing, repeated, out of order, corrupted, of two results",
  limitMs: 300_000,
  async run(trial) {
    const redis = await startServer(trial);
    const raw = await openRaw(trial, redis.port);
    const client = clientOf(trial, configOf(redis.port));
    const counts: Record<string, number> = {};
    let wrong = 0;
    const rounds = trial.count(5_000, 200);
    await eachOf(rounds, WIDTH, async (number) => {
      const random = trial.random.fork();
      const kind = KINDS[number % KINDS.length] as Kind;
      const fragments = makeFragments(random, number);
      const expected = kind.harm === undefined ? fragments.records : undefined;
      const texts = random.chance(0.5) ? shuffled(random, fragments.texts) : [...fragments.texts];
      const pushed = (kind.harm ?? kind.play)?.(random, texts, number) ?? texts;
      const isKnown = kind.isWhole === true || random.chance(0.7);
      const name = isKnown ? await submitJob(client, "work 0", `${number}`) : `channel-${number}`;
      const early = kind.isWhole === true ? pushed.length : random.below(pushed.length + 1);
      const got = await pushAndFetch({ raw, client, name, pushed, early }, expected !== undefined);
      const isRight = got === (expected === undefined ? "none" : expected);
      if (!isRight && expected === undefined && got !== "none") wrong++;
      const what = `${kind.name}, ${isKnown ? "a job" : "no job"}, fragments ${number}`;
      trial.check(isRight, `${what}: got ${got.slice(0, 200)}`);
      counts[kind.name] = (counts[kind.name] ?? 0) + 1;
    });
    const told = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
    return `${rounds} results: wrong joins ${wrong} (${told.join(", ")})`;
  },
};

type Change = (random: Random, texts: string[], number: number) => string[];

interface Kind {
  readonly name: string;
  /** It must be joined all the same. */
  readonly play?: Change;
  /** It must not be joined. */
  readonly harm?: Change;
  /** It can only be seen in a result, and when all of it is there. */
  readonly isWhole?: boolean;
}

const KINDS: readonly Kind[] = [
  { name: "as they are" },
  { name: "out of order", play: shuffled },
  {
    name: "repeated",
    // As a sink does that pushes again from the beginning, or one that pushes one again.
    play: (random, texts) =>
      random.chance(0.5)
        ? [...texts.slice(0, random.between(1, texts.length - 1)), ...texts]
        : insert(random, texts, random.pick(texts)),
  },
  {
    name: "missing",
    harm: (random, texts) => texts.toSpliced(random.below(texts.length), 1),
  },
  {
    name: "missing and another repeated",
    harm: (random, texts) => {
      const left = texts.toSpliced(random.below(texts.length), 1);
      return insert(random, left, random.pick(left));
    },
  },
  {
    name: "cut off",
    harm: (random, texts) => {
      const at = random.below(texts.length);
      const text = texts[at] as string;
      return texts.toSpliced(at, 1, text.slice(0, random.between(1, text.length - 1)));
    },
  },
  {
    name: "with another count",
    harm: (random, texts) =>
      changed(random, texts, ({ fragment_count: count, ...rest }) => ({
        ...rest,
        fragment_count: Number(count) + 1,
      })),
  },
  {
    name: "with a number beyond the count",
    harm: (random, texts) =>
      changed(random, texts, ({ fragment_count: count, ...rest }) => ({
        ...rest,
        fragment: Number(count),
        fragment_count: count,
      })),
  },
  {
    name: "of two results",
    isWhole: true,
    harm: (random, texts, number) => {
      const other = makeFragments(random, number, texts.length).texts;
      // Both are there, and one cannot tell which fragment belongs to which.
      return shuffled(random, [...texts, ...other]);
    },
  },
];

/** A result in fragments, and the records that it holds, as text. */
function makeFragments(random: Random, number: number, length = random.between(2, 6)) {
  const groups = Array.from({ length }, (_, fragment) =>
    Array.from({ length: random.between(1, 4) }, (__, record) => ({
      document_type: "text",
      metadata: { content: `${number}-${fragment}-${record}-${random.below(2 ** 31)} "} é` },
    })),
  );
  const texts = groups.map((data, fragment) =>
    JSON.stringify({
      status: "success",
      description: "Successfully processed the message.",
      data,
      fragment,
      fragment_count: length,
      ...(fragment === 0 && { trace: { number } }),
    }),
  );
  return { texts, records: JSON.stringify(groups.flat()) };
}

/** What a fetch gets of what was pushed, some of it before the fetch and some of it after. */
async function pushAndFetch(
  means: {
    readonly raw: Server;
    readonly client: RedisClient;
    readonly name: string;
    readonly pushed: readonly string[];
    /** So many are there before the fetch. */
    readonly early: number;
  },
  mustCome: boolean,
): Promise<string> {
  const { raw, client, name, pushed, early } = means;
  for (const text of pushed.slice(0, early)) await raw.command("RPUSH", name, text);
  const timeoutMs = mustCome ? COMES_MS : WAIT_MS;
  const fetching = client.fetchMessage(name, { timeoutMs }).then(
    (text) => recordsOf(text, pushed),
    (error: { code?: string }) =>
      error.code === "CLIENT_FRAGMENTS_INVALID" ? "none" : `the error ${error}`,
  );
  for (const text of pushed.slice(early)) await raw.command("RPUSH", name, text);
  const first = await fetching;
  // Who was told of something incomplete can fetch it when it is complete.
  if (first !== "none" || !mustCome) return first;
  const again = await client.fetchMessage(name, { timeoutMs }).catch((error) => `${error}`);
  return `none, and later ${again?.slice(0, 100)}`;
}

/** The records of a result. What is cut off before it says that it is a fragment is a text like any. */
function recordsOf(text: string | undefined, pushed: readonly string[]): string {
  if (text === undefined) return "none";
  try {
    return JSON.stringify(JSON.parse(text).data);
  } catch {
    return pushed.includes(text) ? "none" : `something that nobody pushed: ${text}`;
  }
}

function shuffled(random: Random, texts: readonly string[]): string[] {
  const left = [...texts];
  return texts.map(() => left.splice(random.below(left.length), 1)[0] as string);
}

function insert(random: Random, texts: readonly string[], text: string): string[] {
  return texts.toSpliced(random.below(texts.length + 1), 0, text);
}

/** One of them is written anew. */
function changed(
  random: Random,
  texts: readonly string[],
  change: (fragment: Record<string, unknown>) => Record<string, unknown>,
): string[] {
  const at = random.below(texts.length);
  const fragment = JSON.parse(texts[at] as string) as Record<string, unknown>;
  return texts.toSpliced(at, 1, JSON.stringify(change(fragment)));
}
