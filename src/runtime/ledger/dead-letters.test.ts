/**
 * Goal: dead letters are listed oldest first and in pages, shown with their text, and bounded.
 * Method: calls, with messages that are in no queue.
 */
import { expect, test } from "vitest";
import { queuedMessage } from "../../../test/helpers/queued-messages.js";
import { DEAD_LIST_MAX, encodeBody } from "../../wire/index.js";
import { DeadLetters } from "./dead-letters.js";
import { type Job, newJob } from "./job.js";

const AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function letterOf(id: string, bodyBytes = 12): Job {
  const job = newJob(id, "over");
  job.task = queuedMessage(1, {
    ...{ id, queueName: "scans", kind: "job", bodyBytes, deliveries: 3, storedAtMs: AT_MS },
    givenUp: { atMs: AT_MS + 1_000, cause: "deliveries", reason: "a sentence" },
  });
  return job;
}

function newLetters(
  maxDeadLetters = 1e6,
  mayDrop: (job: Job) => boolean = () => true,
  maxDeadLetterBytes = 1e9,
) {
  const dropped: string[] = [];
  const letters: DeadLetters = new DeadLetters({ maxDeadLetters, maxDeadLetterBytes }, (job) => {
    if (!mayDrop(job)) return false;
    dropped.push(job.id);
    letters.delete(job);
    return true;
  });
  return { letters, dropped };
}

const idsOf = (letters: readonly { job_id: string }[]) => letters.map(({ job_id }) => job_id);

test("a letter tells what the store knows of its job, and no text", () => {
  const { letters } = newLetters();
  letters.add(letterOf("a"));
  expect(letters.list(undefined)).toEqual({
    count: 1,
    letters: [
      {
        job_id: "a",
        queue_name: "scans",
        cause: "deliveries",
        reason: "a sentence",
        deliveries: 3,
        stored_at: "2026-01-02T03:04:05.678Z",
        given_up_at: "2026-01-02T03:04:06.678Z",
        bytes: 12,
      },
    ],
  });
});

test("lists come in pages, oldest first, until one is empty", () => {
  const { letters } = newLetters();
  const all = Array.from({ length: DEAD_LIST_MAX + 5 }, (_, index) => `job ${index}`);
  for (const id of all) letters.add(letterOf(id));
  const first = letters.list(undefined);
  expect(idsOf(first.letters)).toEqual(all.slice(0, DEAD_LIST_MAX));
  const second = letters.list(all[DEAD_LIST_MAX - 1]);
  expect(idsOf(second.letters)).toEqual(all.slice(DEAD_LIST_MAX));
  expect([first.count, second.count]).toEqual([all.length, all.length]);
  expect(letters.list(all.at(-1)).letters).toEqual([]);
});

test("a page after a letter that is gone begins anew", () => {
  const { letters } = newLetters();
  for (const id of ["a", "b"]) letters.add(letterOf(id));
  expect(idsOf(letters.list("gone").letters)).toEqual(["a", "b"]);
});

test("a letter is shown with its text, unless that is lost; another job is not", async () => {
  const { letters } = newLetters();
  const job = letterOf("a");
  letters.add(job);
  const read = async () => encodeBody('say "mühle"');
  const [shown] = (await letters.show("a", read)).letters;
  expect(shown).toMatchObject({ job_id: "a", message: 'say "mühle"' });
  job.isBodyLost = true;
  const lost = await letters.show("a", () => expect.fail("nothing is there to be read"));
  expect(lost.count).toBe(1);
  expect(lost.letters[0]).not.toHaveProperty("message");
  expect(await letters.show("b", read)).toEqual({ letters: [], count: 0 });
});

test("beyond the limit the oldest are dropped", () => {
  const { letters, dropped } = newLetters(2);
  for (const id of ["a", "b", "c", "d"]) letters.add(letterOf(id));
  expect(dropped).toEqual([]);
  letters.trim();
  expect(dropped).toEqual(["a", "b"]);
  expect(letters.all().map(({ id }) => id)).toEqual(["c", "d"]);
});

test("beyond the bytes the oldest are dropped, and one that is too large by itself", () => {
  const { letters, dropped } = newLetters(100, () => true, 3 * 1_100);
  for (const id of ["a", "b", "c"]) letters.add(letterOf(id));
  letters.trim();
  expect(dropped).toEqual([]);
  letters.add(letterOf("d"));
  letters.trim();
  expect(dropped).toEqual(["a"]);
  letters.delete(letterOf("b"));
  letters.add(letterOf("e"));
  letters.trim();
  expect(dropped).toEqual(["a"]);
  letters.add(letterOf("f", 4_000));
  letters.trim();
  expect(dropped).toEqual(["a", "c", "d", "e", "f"]);
});

test("one that cannot be dropped now is passed over, and goes later", () => {
  let held = "a";
  const { letters, dropped } = newLetters(1, ({ id }) => id !== held);
  for (const id of ["a", "b", "c"]) letters.add(letterOf(id));
  letters.trim();
  expect(dropped).toEqual(["b", "c"]);
  held = "";
  letters.add(letterOf("d"));
  letters.trim();
  expect(dropped).toEqual(["b", "c", "a"]);
});

test("a letter that was taken back or cleared is found no more", () => {
  const { letters } = newLetters();
  const job = letterOf("a");
  letters.add(job);
  expect(letters.get("a")).toEqual([job]);
  letters.delete(job);
  expect([letters.get("a"), letters.count]).toEqual([[], 0]);
  letters.add(job);
  letters.clear();
  expect([letters.all(), letters.count]).toEqual([[], 0]);
});
