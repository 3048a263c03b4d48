/**
 * Goal: every response has the five members in their order, final ones fit behind seven zero bytes,
 * and a client reads any peer's bytes without harm.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeBody } from "./exchange.js";
import { HEADER_BYTES } from "./frame.js";
import {
  encodeFinal,
  encodeInitiated,
  encodeMessage,
  encodeNoAck,
  encodeNotReady,
  encodePong,
  encodeQueueFull,
  encodeRefusal,
  encodeText,
  encodeUnavailable,
  parseResponse,
  Text,
} from "./response.js";

const ID = "1e2725bd-96d2-4f11-b008-5ec210bb0a30";
const MEMBERS = ["response_code", "response_reason", "response", "trace_id", "transaction_id"];
const FACTS = {
  features: ["keepalive", "hold"],
  server: "millrace",
  version: "1.2.3",
  pid: 42,
  durability: "memory",
};

/** The members of a frame, after a look at its length. */
function read(...parts: Buffer[]): Record<string, unknown> {
  const frame = Buffer.concat(parts);
  expect(frame.readBigUInt64BE()).toBe(BigInt(frame.length - HEADER_BYTES));
  return JSON.parse(frame.toString("utf8", HEADER_BYTES)) as Record<string, unknown>;
}

test.for([
  ["PONG", encodePong(), [0, "OK", "PONG", null, null]],
  ["queue full", encodeQueueFull(), [1, "Queue is full", null, null, null]],
  ["unavailable", encodeUnavailable(), [1, "Queue is not available", null, null, null]],
  ["not ready", encodeNotReady(), [2, "Job not ready", null, null, null]],
  ["refusal", encodeRefusal('a "reason"\n'), [1, 'a "reason"\n', null, null, null]],
  ["text", encodeText("12"), [0, "OK", "12", null, null]],
  [
    "initiated",
    encodeInitiated(ID),
    [0, "OK", "Transaction initiated. Waiting for ACK.", null, ID],
  ],
  ["stored", encodeFinal(Text.STORED, ID), [0, "OK", "Data stored.", null, ID]],
  ["processed", encodeFinal(Text.PROCESSED, ID), [0, "OK", "Data processed.", null, ID]],
  ["no ACK", encodeNoAck(ID), [1, "ACK not received.", null, null, ID]],
] as const)("%s has the five members in order", ([, frame, values]) => {
  const members = read(frame);
  expect(Object.keys(members)).toEqual(MEMBERS);
  expect(Object.values(members)).toEqual(values);
  expect(frame.toString("utf8", HEADER_BYTES)).not.toMatch(/[:,] /);
});

test("a PONG with facts has them after the five members", () => {
  const members = read(encodePong(FACTS));
  expect(Object.keys(members).slice(0, 5)).toEqual(MEMBERS);
  expect(members).toMatchObject(FACTS);
});

test("final responses stay below 256 bytes, and one that would not is refused", () => {
  for (const frame of [
    encodeFinal(Text.STORED, ID),
    encodeFinal(Text.PROCESSED, ID),
    encodeNoAck(ID),
  ]) {
    expect(frame.length - HEADER_BYTES).toBeLessThan(256);
    expect(frame.subarray(0, 7)).toEqual(Buffer.alloc(7));
  }
  expect(() => encodeFinal("x".repeat(200), ID)).toThrow(RangeError);
  expect(() => encodeNoAck("x".repeat(200))).toThrow(RangeError);
});

test("a message goes out as it came in, whatever its length", () => {
  for (const length of [1, 100, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 300_000]) {
    const raw = `${"\\u00e9é\\n".repeat(2)}${"m".repeat(length)}`;
    const parts = encodeMessage(Buffer.from(raw), ID);
    expect(parts).toHaveLength(Buffer.byteLength(raw) > 64 * 1024 ? 3 : 1);
    const members = read(...parts);
    expect(Object.keys(members)).toEqual(MEMBERS);
    expect(members.response).toBe(JSON.parse(`"${raw}"`));
    expect(Buffer.concat(parts).includes(raw)).toBe(true);
  }
});

test("any text survives the way through a response", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const [frame] = encodeMessage(encodeBody(text), ID) as [Buffer];
      const parsed = parseResponse(frame.subarray(HEADER_BYTES));
      expect(parsed).toMatchObject({ code: 0, response: text, transactionId: ID, traceId: null });
    }),
  );
});

test("a client reads what a PONG tells only where it has its type", () => {
  expect(parseResponse(encodePong(FACTS).subarray(HEADER_BYTES))).toMatchObject({
    features: ["keepalive", "hold"],
    pid: 42,
    server: "millrace",
    durability: FACTS.durability,
  });
  const odd =
    '{"response_code":0,"features":[1,"hold",null],"pid":"7","server":{},"response":5,"durability":[]}';
  expect(parseResponse(Buffer.from(odd))).toEqual({
    code: 0,
    reason: "",
    response: null,
    transactionId: null,
    traceId: null,
    features: ["hold"],
    pid: null,
    server: null,
    durability: null,
  });
});

test.for([
  "",
  " ",
  "[]",
  "null",
  "5",
  '"OK"',
  "{",
  "{}",
  '{"response_code":"0"}',
  '{"response_code":null}',
  '{"__proto__":{"response_code":0}}',
  "HTTP/1.1 400 Bad Request",
])("%j is not taken for a response", (body) => {
  expect(() => parseResponse(Buffer.from(body))).toThrow(
    expect.objectContaining({ code: "WIRE_RESPONSE_INVALID" }),
  );
});

test("no bytes make the reader of responses throw anything but its own error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(() => parseResponse(Buffer.from(bytes))).toThrow(
        expect.objectContaining({ code: "WIRE_RESPONSE_INVALID" }),
      );
    }),
    { numRuns: 1_000 },
  );
});
