/**
 * Goal: the answer to DEAD is read as brokers write it, and anything else is refused in one way.
 * Method: one good answer, and the same with one thing wrong at a time.
 */
import { expect, test } from "vitest";
import { type DeadAnswer, type DeadLetter, parseDeadAnswer } from "./dead-letters.js";
import { WireErrors } from "./errors.js";

const LETTER: DeadLetter = {
  job_id: "4f1c",
  queue_name: "jobs",
  cause: "deliveries",
  reason: "It was handed out 5 times.",
  deliveries: 5,
  stored_at: "2026-01-02T03:04:05.678Z",
  given_up_at: "2026-01-02T04:04:05.678Z",
  bytes: 1_234,
};

test("an answer comes back as it was written, with the text where it was asked for", () => {
  const answer: DeadAnswer = { letters: [LETTER, { ...LETTER, message: '{"a":1}' }], count: 2 };
  expect(parseDeadAnswer(JSON.stringify(answer))).toEqual(answer);
  expect(parseDeadAnswer('{"letters":[],"count":0}')).toEqual({ letters: [], count: 0 });
});

test("what a later broker tells besides is left out", () => {
  const later = { letters: [{ ...LETTER, colour: "blue" }], count: 1, more: true };
  expect(parseDeadAnswer(JSON.stringify(later))).toEqual({ letters: [LETTER], count: 1 });
});

test.for([
  "",
  "no JSON",
  "null",
  "[]",
  "7",
  "{}",
  '{"letters":[]}',
  '{"count":1}',
  '{"letters":{},"count":1}',
  '{"letters":[null],"count":1}',
  '{"letters":[{}],"count":1}',
  '{"letters":[],"count":"1"}',
  '{"letters":[],"count":1e400}',
])("%j is no answer", (text) => {
  expect(() => parseDeadAnswer(text)).toThrow(
    expect.objectContaining({ code: WireErrors.RESPONSE_INVALID.code }),
  );
});

test("a letter with a member missing or of another type is refused, without being shown", () => {
  for (const name of Object.keys(LETTER)) {
    for (const value of [undefined, null, ["secret"]]) {
      const text = JSON.stringify({ letters: [{ ...LETTER, [name]: value }], count: 1 });
      try {
        parseDeadAnswer(text);
        expect.fail(`${name} was taken as ${value}`);
      } catch (error) {
        expect(error).toMatchObject({ code: WireErrors.RESPONSE_INVALID.code });
        expect((error as Error).message).not.toContain("secret");
      }
    }
  }
});
