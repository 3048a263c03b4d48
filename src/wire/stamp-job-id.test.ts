/**
 * Goal: `job_id` is set and nothing else of a job changes by a single byte.
 * Method: exact texts for the hard cases; for any document, the stamped text parses to the same
 * document with `job_id` set, whatever way its characters were escaped.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBody, encodeBody } from "./exchange.js";
import { stampJobId } from "./stamp-job-id.js";

const ID = "1e2725bd-96d2-4f11-b008-5ec210bb0a30";

/** Stamps a job's text and returns the stamped text. */
function stamp(job: string): string {
  return decodeBody(stampJobId(encodeBody(job), ID));
}

test.for([
  ["an empty object", "{}", `{"job_id": "${ID}"}`],
  ["an empty object with blanks", " { \n} ", ` { \n"job_id": "${ID}"} `],
  ["no job_id: added last", '{"a": 1}', `{"a": 1, "job_id": "${ID}"}`],
  [
    "a job_id that clients send: replaced in place",
    '{"job_id": "None", "tasks": []}',
    `{"job_id": "${ID}", "tasks": []}`,
  ],
  ["a job_id that is null", '{"job_id":null}', `{"job_id":"${ID}"}`],
  [
    "a job_id that is a container",
    '{"job_id" : {"job_id": [1, "}"]} ,"b":2}',
    `{"job_id" : "${ID}" ,"b":2}`,
  ],
  ["a job_id twice", '{"job_id":1,"job_id":"x"}', `{"job_id":"${ID}","job_id":"${ID}"}`],
  ["a nested job_id only", '{"a":{"job_id":"mine"}}', `{"a":{"job_id":"mine"}, "job_id": "${ID}"}`],
  ["a key that is escaped inside", '{"job_\\u0069d":1}', `{"job_\\u0069d":"${ID}"}`],
  [
    "a key that is escaped throughout",
    '{"\\u006a\\u006F\\u0062\\u005f\\u0069\\u0064":1}',
    `{"\\u006a\\u006F\\u0062\\u005f\\u0069\\u0064":"${ID}"}`,
  ],
  [
    "keys that only look like it",
    '{"job_id ":1,"Job_id":2}',
    `{"job_id ":1,"Job_id":2, "job_id": "${ID}"}`,
  ],
  [
    "blanks of every kind stay",
    '\t{\r\n "a"\t:\n[ 1 ,\t2 ] \r}\n',
    `\t{\r\n "a"\t:\n[ 1 ,\t2 ] \r, "job_id": "${ID}"}\n`,
  ],
  [
    "numbers stay byte for byte",
    '{"ts":1763862000123456789,"n":[1.0,2e3,-0,1E+400,10000000000000000000000,0.1000]}',
    `{"ts":1763862000123456789,"n":[1.0,2e3,-0,1E+400,10000000000000000000000,0.1000], "job_id": "${ID}"}`,
  ],
  [
    "Python's literals stay",
    '{"a":NaN,"b":[Infinity,-Infinity]}',
    `{"a":NaN,"b":[Infinity,-Infinity], "job_id": "${ID}"}`,
  ],
  [
    "texts with braces, quotes and escapes stay",
    '{"a":"} , \\" \\\\","b":"\\u00e9é😀\\ud83d\\ude00\\n"}',
    `{"a":"} , \\" \\\\","b":"\\u00e9é😀\\ud83d\\ude00\\n", "job_id": "${ID}"}`,
  ],
] as const)("%s", ([, job, stamped]) => {
  expect(stamp(job)).toBe(stamped);
});

test("a job written with \\u0022 for its quotes is stamped in place", () => {
  const body = Buffer.from("\\u007b\\u0022job_\\u005cu0069d\\u0022\\u003a\\u00201\\u007D");
  expect(decodeBody(body)).toBe('{"job_\\u0069d": 1}');
  const stamped = stampJobId(body, ID);
  expect(stamped.toString()).toBe(
    `\\u007b\\u0022job_\\u005cu0069d\\u0022\\u003a\\u0020\\"${ID}\\"\\u007D`,
  );
});

test("a key escaped in both layers as long as can be is known", () => {
  const inner = [..."job_id"].map((letter) => `\\u00${letter.charCodeAt(0).toString(16)}`).join("");
  const twice = [...`"${inner}"`]
    .map((letter) => `\\u00${letter.charCodeAt(0).toString(16)}`)
    .join("");
  expect(decodeBody(stampJobId(Buffer.from(`{${twice}:1}`), ID))).toBe(`{"${inner}":"${ID}"}`);
});

test("a very long key is no job_id", () => {
  const key = `job_id${"x".repeat(5_000)}`;
  expect(stamp(`{"${key}":1}`)).toBe(`{"${key}":1, "job_id": "${ID}"}`);
});

test.for([
  "[1]",
  "[]",
  "null",
  "true",
  "5",
  '"s"',
  "NaN",
  "not json",
  "",
  " ",
  "{",
  '{"a":1',
  '{"a":1}}',
  '{"a":1,}',
  '{"job_id":}',
  "{'job_id':1}",
  '{"a":"\t"}',
  '{"a":"\\x"}',
  "\ufeff{}",
])("%j is refused", (job) => {
  expect(() => stamp(job)).toThrow(
    expect.objectContaining({ code: "WIRE_MESSAGE_INVALID", message: "Invalid JSON message" }),
  );
});

/** Every character escaped as the list of ways says: as it is where allowed, short, or as \u. */
function escapeVariously(text: string, ways: readonly boolean[]): string {
  return Array.from({ length: text.length }, (_, i) => {
    const unit = text.charAt(i);
    const hex = unit.charCodeAt(0).toString(16).padStart(4, "0");
    return ways[i % ways.length] ? `\\u${hex}` : JSON.stringify(unit).slice(1, -1);
  }).join("");
}

test("any document is the same afterwards but for its job_id, however it is escaped", () => {
  const keys = fc.oneof(fc.string({ unit: "binary" }), fc.constant("job_id"));
  const jobs = fc.dictionary(keys, fc.jsonValue({ maxDepth: 3, stringUnit: "binary" }));
  const ways = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(jobs, ways, fc.boolean(), (job, way, isIndented) => {
      const text = JSON.stringify(job, undefined, isIndented ? 2 : undefined);
      const stamped = decodeBody(stampJobId(Buffer.from(escapeVariously(text, way)), ID));
      expect(JSON.parse(stamped)).toEqual({ ...JSON.parse(text), job_id: ID });
    }),
    { numRuns: 1_000 },
  );
});
