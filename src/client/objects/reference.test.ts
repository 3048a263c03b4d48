import { expect, test } from "vitest";
import { encodeReference, parseReference } from "./reference.js";

const REFERENCE = { key: "jobs/3f2a-1", bytes: 7_340_032, sha256: "0123456789abcdef".repeat(4) };
const invalid = expect.objectContaining({ code: "OBJECT_REFERENCE_INVALID", retry: false });

test("a reference is read as it was written, with and without a job id", () => {
  const text = encodeReference(REFERENCE);
  expect(JSON.parse(text)).toEqual({ millrace_object: REFERENCE });
  expect(parseReference(text)).toEqual(REFERENCE);
  const withJob = { ...REFERENCE, jobId: 'a "job" ä' };
  expect(parseReference(encodeReference(withJob))).toEqual(withJob);
});

test("a reference is read also after a broker wrote a job id into it, and after Python wrote it", () => {
  const stamped = encodeReference(REFERENCE).replace(/\}$/, ', "job_id": "1-2"}');
  expect(parseReference(stamped)).toEqual({ ...REFERENCE, jobId: "1-2" });
  const { key, bytes, sha256 } = REFERENCE;
  const spaced = `{"millrace_object": {"key": "${key}", "bytes": ${bytes}, "sha256": "${sha256}"}}`;
  expect(parseReference(`\n ${spaced}`)).toEqual(REFERENCE);
});

test.each([
  ...["", "{", "{}", "null", "[]", '"millrace_object"', '{"job_payload": {}}', "not JSON"],
  ...['{"x": 1, "millrace_object": {}}', '[{"millrace_object": {}}]', '{"millrace_objects": {}}'],
  `{${" ".repeat(1_000)}"millrace_object": {}}`,
])("%j is a message itself", (text) => {
  expect(parseReference(text)).toBeUndefined();
});

const hostile: [string, unknown][] = [
  ["a key that leads out", { ...REFERENCE, key: "../../etc/passwd" }],
  ["a key that is no text", { ...REFERENCE, key: ["3f2a"] }],
  ["no key", { bytes: 1, sha256: REFERENCE.sha256 }],
  ["less than no bytes", { ...REFERENCE, bytes: -1 }],
  ["half a byte", { ...REFERENCE, bytes: 0.5 }],
  ["more bytes than can be", { ...REFERENCE, bytes: 2 ** 40 }],
  ["bytes as text", { ...REFERENCE, bytes: "1" }],
  ["a short SHA-256", { ...REFERENCE, sha256: "ab" }],
  ["a SHA-256 in capitals", { ...REFERENCE, sha256: "AB".repeat(32) }],
  ["another member", { ...REFERENCE, url: "http://169.254.169.254/" }],
  ["nothing", null],
];

test.each(hostile)("a reference with %s is refused", (_, millrace_object) => {
  const parse = () => parseReference(JSON.stringify({ millrace_object }));
  expect(parse).toThrow(invalid);
});

test("what begins as a reference and is no JSON, or too long, is refused", () => {
  expect(() => parseReference('{"millrace_object": ')).toThrow(invalid);
  const long = JSON.stringify({ millrace_object: REFERENCE, more: "x".repeat(10_000) });
  expect(() => parseReference(long)).toThrow(invalid);
  const job = JSON.stringify({ millrace_object: REFERENCE, job_id: 1 });
  expect(() => parseReference(job)).toThrow(invalid);
});

test("no reference is written that could not be read", () => {
  expect(() => encodeReference({ ...REFERENCE, key: "../a" })).toThrow(invalid);
  expect(() => encodeReference({ ...REFERENCE, jobId: "x".repeat(257) })).toThrow(invalid);
  const longest = { ...REFERENCE, jobId: "\u0001".repeat(256) };
  expect(parseReference(encodeReference(longest))).toEqual(longest);
});
