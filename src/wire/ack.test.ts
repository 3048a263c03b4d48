/**
 * Goal: what stands in the ACK's place is understood as one of four things, and nothing but the right
 * transaction's own word counts.
 * Method: frames as our clients write them, and bodies as nobody should.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeAck, encodeExtension, encodeQuietAck, readAck } from "./ack.js";
import { HEADER_BYTES } from "./frame.js";

const ID = "1111aaaa-2222-4333-8444-5555bbbbcccc";
const read = (text: string) => readAck(Buffer.from(text), ID);
const kindOf = (text: string) => read(text).kind;
const bodyOf = (frame: Buffer) => frame.subarray(HEADER_BYTES);

test("what a client writes is read as it was meant", () => {
  const acknowledged = { kind: "acknowledged", isQuiet: false };
  expect(readAck(bodyOf(encodeAck(ID, true)), ID)).toEqual(acknowledged);
  const quietly = { kind: "acknowledged", isQuiet: true };
  expect(readAck(bodyOf(encodeQuietAck(ID)), ID)).toEqual(quietly);
  expect(readAck(bodyOf(encodeAck(ID, false)), ID)).toEqual({ kind: "released" });
  for (const extendS of [0.001, 1, 300, 2_147_483.647]) {
    const extension = bodyOf(encodeExtension(ID, extendS));
    expect(readAck(extension, ID)).toEqual({ kind: "extended", extendS });
  }
});

test("only JSON true with the transaction's own id is an acknowledgement", () => {
  expect(kindOf(`{"ack": true, "transaction_id": "${ID}", "more": "x"}`)).toBe("acknowledged");
  for (const ack of ['"true"', "1", "0", "null", '"false"', "[true]", "{}"]) {
    expect(kindOf(`{"ack": ${ack}, "transaction_id": "${ID}"}`)).toBe("refused");
  }
  for (const other of [`"${ID.toUpperCase()}"`, '"other"', `["${ID}"]`, "null", "1", '""']) {
    for (const said of ['"ack": true', '"ack": false', '"extend": 9']) {
      expect(kindOf(`{${said}, "transaction_id": ${other}}`)).toBe("refused");
    }
  }
  expect(kindOf('{"ack": true}')).toBe("refused");
});

test("an extension is a positive number of seconds, beside which nothing is said of an ACK", () => {
  const kind = (members: string) => kindOf(`{"transaction_id": "${ID}", ${members}}`);
  expect(kind('"extend": 5')).toBe("extended");
  for (const extend of ["0", "-1", "-1e400", '"5"', "true", "null", "[5]", "{}"]) {
    expect(kind(`"extend": ${extend}`)).toBe("refused");
  }
  // Whoever says both has acknowledged, or given up: neither is prolonged.
  expect(kind('"extend": 5, "ack": true')).toBe("acknowledged");
  expect(kind('"extend": 5, "ack": false')).toBe("released");
  expect(kind('"extend": 5, "ack": null')).toBe("refused");
});

test("what is no JSON object is refused, and so are bytes that are no text", () => {
  for (const body of ["", "{oops", "[1]", "null", "true", "7", '"x"', `\ufeff{"ack":true}`]) {
    expect(kindOf(body)).toBe("refused");
  }
  expect(readAck(Buffer.from("fffe7b7d", "hex"), ID).kind).toBe("refused");
  expect(kindOf(`{"__proto__": {"ack": true, "transaction_id": "${ID}"}}`)).toBe("refused");
});

test("no bytes make the reader throw, and without the id nothing is taken", () => {
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc
      .dictionary(fc.constantFrom("ack", "extend", "transaction_id", "x"), fc.jsonValue())
      .map((value) => Buffer.from(JSON.stringify(value))),
  );
  fc.assert(
    fc.property(bodies, (body) => {
      expect(readAck(body, ID)).toEqual({ kind: "refused" });
    }),
    { numRuns: 2_000 },
  );
});
