/**
 * Goal: what a client must know of a job is found in its text, and its id is set without touching
 * anything else. Method: jobs of every script and size, compared with what JSON.parse says of them.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { countingName, jobFacts, stampJob } from "./job-text.js";

const ID = "0af76519-16cd-43dd-8448-eb211c80319c";

const stampedText = (text: string) => stampJob(text, ID).pieces.join("");

test.each([
  ['{"job_id": "", "n": 12345678901234567890}', `{"job_id": "${ID}", "n": 12345678901234567890}`],
  ["{}", `{"job_id": "${ID}"}`],
  ['{"a": "mühle 🚂"}', `{"a": "mühle 🚂", "job_id": "${ID}"}`],
  ['{"ü": 1, "job_id": null, "b": "ß"}', `{"ü": 1, "job_id": "${ID}", "b": "ß"}`],
  ['{"job_id": 1, "job_id": 2}', `{"job_id": "${ID}", "job_id": "${ID}"}`],
  ['{"a": {"job_id": "inner"}}', `{"a": {"job_id": "inner"}, "job_id": "${ID}"}`],
])("%s becomes %s", (text, stamped) => {
  expect(stampedText(text)).toBe(stamped);
});

test.each(["", "[]", "7", "no json", '{"a": ', '"job_id"'])("%j is refused", (text) => {
  expect(() => stampJob(text, ID)).toThrow(
    expect.objectContaining({ code: "WIRE_MESSAGE_INVALID" }),
  );
  expect(jobFacts(text)).toEqual({ jobId: undefined, queueHint: undefined });
});

test("whatever a job holds, nothing but its id changes", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue()), (members) => {
      const text = JSON.stringify(members);
      const stamped = stampedText(text);
      expect(JSON.parse(stamped)).toEqual({ ...JSON.parse(text), job_id: ID });
      expect(jobFacts(stamped).jobId).toBe(ID);
    }),
  );
});

test.each([1_000_000, 3_000_000])("a text of %i characters is one like others", (length) => {
  for (const letter of ["x", "ü", "🚂"]) {
    const content = letter.repeat(length / letter.length);
    const text = stampedText(JSON.stringify({ content }));
    // A comparison that fails must not print it.
    expect(
      text === JSON.stringify({ content, job_id: ID }).replace(',"job_id":', ', "job_id": '),
    ).toBe(true);
  }
});

test.each([
  ['{"routing_options": {"queue_hint": "micro"}}', "micro"],
  ['{"tracing_options": {"queue_hint": "LARGE"}}', "LARGE"],
  ['{"routing_options": {"queue_hint": "a"}, "tracing_options": {"queue_hint": "b"}}', "a"],
  ['{"routing_options": null}', undefined],
  ['{"routing_options": [1]}', undefined],
])("the hint of %s is %j", (text, hint) => {
  expect(jobFacts(text).queueHint).toBe(hint);
  expect(stampJob(text, ID).queueHint).toBe(hint);
});

test("deaths are counted by the job, or by the text of what is none", () => {
  expect(countingName('{"job_id": "one"}')).toBe("one");
  expect(countingName("text")).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(countingName("text")).not.toBe(countingName("another"));
});
