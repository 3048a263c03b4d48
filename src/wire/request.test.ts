/**
 * Goal: what a frame's body means as a request, and what is said of one that is none: all faults at
 * once, in one line.
 * Method: bodies as Python clients write them, and as nobody should.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeCancel, encodeChannels, encodeDead, encodePush } from "./client-request.js";
import { WireErrors } from "./errors.js";
import { FAILED_LENGTH_MAX } from "./failed-reason.js";
import { HEADER_BYTES } from "./frame.js";
import { type PushRequest, parseRequest } from "./request.js";

function parse(body: object | string | Buffer) {
  const isText = typeof body === "string" || Buffer.isBuffer(body);
  return parseRequest(Buffer.from(isText ? body : JSON.stringify(body)));
}

/** The reason a body is refused for, with the code of the error. */
function refusal(body: object | string | Buffer): { code: string; message: string } {
  try {
    parse(body);
  } catch (error) {
    return error as { code: string; message: string };
  }
  return expect.fail("the request was taken");
}

const PUSH = { command: "PUSH", queue_name: "q", message: "m" };
const POP = { command: "POP", queue_name: "q" };
const COMMANDS = [
  "PING",
  "PUSH",
  "PUSH_FOR_NV_INGEST",
  "POP",
  "SIZE",
  "CANCEL",
  "DEAD",
  "CHANNELS",
] as const;
const MEMBER_NAMES = [
  ...["command", "queue_name", "message", "timeout", "lease", "failed"],
  ...["job_id", "action", "after", "ack", "x", "__proto__"],
];

const frameBody = (frame: Buffer) => frame.subarray(HEADER_BYTES);

test("each command is read with its members", () => {
  expect(parse('{"command":"PING"}')).toEqual({ command: "PING", asksFeatures: false });
  expect(parse({ ...PUSH, timeout: 7 })).toEqual({
    command: "PUSH",
    queueName: "q",
    message: Buffer.from("m"),
    timeoutS: 7,
    isDirect: false,
  });
  expect(parse({ ...PUSH, command: "PUSH_FOR_NV_INGEST" })).toMatchObject({
    command: "PUSH_FOR_NV_INGEST",
  });
  expect(parse(POP)).toEqual({ command: "POP", queueName: "q", timeoutS: 100 });
  expect(parse({ command: "SIZE", queue_name: "q" })).toEqual({ command: "SIZE", queueName: "q" });
});

test("a result may name its delivery, and nobody can add one to a job", () => {
  expect(parse({ ...PUSH, lease: "4f1c" })).toMatchObject({ command: "PUSH", leaseId: "4f1c" });
  expect(parse(PUSH)).toMatchObject({ leaseId: undefined });
  const options = { forNvIngest: false, timeoutS: 5 };
  expect(parse(frameBody(encodePush("q", "m", { ...options, leaseId: '"4f' })))).toMatchObject({
    leaseId: '"4f',
  });
  expect(encodePush("q", "m", options).toString()).not.toContain("lease");
  const job = { ...PUSH, command: "PUSH_FOR_NV_INGEST", lease: "4f1c" };
  expect(refusal(job).message).toContain('"lease": unknown member');
});

describe("a result that says that its job failed", () => {
  const options = { forNvIngest: false, timeoutS: 5, leaseId: "4f1c" };
  const pushed = (failed: string) =>
    (parse(frameBody(encodePush("q", "m", { ...options, failed }))) as PushRequest).failed;

  test("names the reason beside its delivery", () => {
    expect(parse({ ...PUSH, lease: "4f1c", failed: "no page" })).toMatchObject({
      leaseId: "4f1c",
      failed: "no page",
    });
    expect(pushed('a "quoted" mühle\n')).toBe('a "quoted" mühle\n');
  });

  test("says so to nobody without its delivery", () => {
    const { leaseId, ...rest } = options;
    expect(encodePush("q", "m", { ...rest, failed: "why" }).toString()).not.toContain("failed");
    expect(encodePush("q", "m", options).toString()).not.toContain("failed");
  });

  test("has a reason that is cut by its sender and refused when it is too long", () => {
    const longest = "\u0001".repeat(FAILED_LENGTH_MAX);
    expect(parse({ ...PUSH, lease: "4f1c", failed: longest })).toMatchObject({ failed: longest });
    expect(pushed(longest)).toBe(longest);
    expect(pushed(`${longest}x`)).toBe(`${longest.slice(1)}…`);
    const tooLong = { ...PUSH, lease: "4f1c", failed: `${longest}x` };
    expect(refusal(tooLong).message).toContain("failed: 4097 characters are more than 4096");
  });

  test("has a reason that every broker takes, whatever was thrown", () => {
    expect(pushed("")).toBe("no reason was given");
    expect(pushed("half \ud83d")).toBe("half \ufffd");
    const cutInside = `${"x".repeat(FAILED_LENGTH_MAX - 2)}\u{1f33e}y`;
    expect(pushed(cutInside)).toBe(`${"x".repeat(FAILED_LENGTH_MAX - 2)}\ufffd…`);
  });
});

test("the ACK of a push may come with it", () => {
  const options = { forNvIngest: true, timeoutS: 5, isDirect: true };
  expect(parse(frameBody(encodePush("q", "m", options)))).toMatchObject({ isDirect: true });
  expect(refusal({ ...PUSH, ack: false }).message).toContain("ack: must be true, is false");
  expect(refusal({ ...POP, ack: true }).message).toContain('"ack": unknown member');
});

test("CHANNELS has no members", () => {
  expect(parse(frameBody(encodeChannels()))).toEqual({ command: "CHANNELS" });
  expect(refusal({ command: "CHANNELS", queue_name: "q" }).message).toContain("unknown member");
});

test("CANCEL names its job", () => {
  expect(parse({ command: "CANCEL", job_id: "7" })).toEqual({ command: "CANCEL", jobId: "7" });
  expect(parse(frameBody(encodeCancel('a "job"\n')))).toEqual({
    command: "CANCEL",
    jobId: 'a "job"\n',
  });
});

test.for([
  { action: "list" },
  { action: "list", after: "7" },
  { action: "show", jobId: "7" },
  { action: "replay", jobId: "7" },
  { action: "replay" },
  { action: "drop", jobId: "7" },
  { action: "drop" },
] as const)("the question %o for dead letters is read as it was written", (question) => {
  expect(parse(frameBody(encodeDead(question)))).toEqual({ command: "DEAD", question });
});

test("a PING may carry anything, and tells whether it asks for features", () => {
  expect(parse({ command: "PING", queue_name: 5, x: [1] })).toMatchObject({ asksFeatures: false });
  expect(parse({ command: "PING", features: [] })).toMatchObject({ asksFeatures: true });
});

test("the message stays the bytes it was sent as", () => {
  const raw = String.raw`a\u00e9\n\/é😀\ud83d\ude00\\`;
  const request = parse(`{"command":"PUSH","queue_name":"q","message":"${raw}"}`);
  expect(request).toMatchObject({ message: Buffer.from(raw) });
});

test("the queue's name is read, whatever way it is escaped", () => {
  const request = parse(String.raw`{"command":"POP","queue_name":"a\u00e9\n😀"}`);
  expect(request).toMatchObject({ queueName: "aé\n😀" });
});

test("blanks around and inside are ignored, and of a member twice the last one counts", () => {
  expect(parse(' \n\t{ "command" : "NOPE" ,\r"command": "PING" }\n ')).toMatchObject({
    command: "PING",
  });
  expect(parse(String.raw`{"\u0063ommand":"PING"}`)).toMatchObject({ command: "PING" });
});

test.for([
  [null, null],
  [0, 0],
  [-5, -5],
  [1.5, 1.5],
  [true, 1],
  [false, 0],
  ["5", 5],
  [" 2.5 ", 2.5],
  ["1e3", 1000],
  ["inf", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
] as const)("a timeout of %j means %j seconds", ([timeout, seconds]) => {
  expect(parse({ ...POP, timeout })).toMatchObject({ timeoutS: seconds });
});

test.for([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["1e400", Number.POSITIVE_INFINITY],
] as const)("the literal %s as a timeout is read as Python reads it", ([literal, seconds]) => {
  const request = parse(`{"command":"POP","queue_name":"q","timeout":${literal}}`);
  expect(request).toMatchObject({ timeoutS: seconds });
});

test.for(["soon", "", " ", "5 s", "0x10", "1e", [], {}, [1]])(
  "a timeout of %j is a fault",
  (timeout) => {
    expect(refusal({ ...POP, timeout })).toMatchObject({
      code: WireErrors.REQUEST_INVALID.code,
      message: expect.stringContaining("timeout: must be a number or null"),
    });
  },
);

test.for([
  [{}, "No command specified"],
  [{ command: null }, "No command specified"],
  [{ command: "" }, "No command specified"],
  [{ command: 0 }, "No command specified"],
  [{ command: false }, "No command specified"],
  [{ command: [] }, "No command specified"],
  [{ command: {} }, "No command specified"],
  [{ command: "ping" }, "Unknown command"],
  [{ command: "PING " }, "Unknown command"],
  [{ command: 5 }, "Unknown command"],
  [{ command: true }, "Unknown command"],
  [{ command: ["PING"] }, "Unknown command"],
  [{ command: "constructor" }, "Unknown command"],
  [{ command: "__proto__" }, "Unknown command"],
  [{ command: "x".repeat(100_000) }, "Unknown command"],
] as const)("%j is refused with the fixed text", ([body, reason]) => {
  expect(refusal(body).message).toBe(reason);
});

test.for(["[1,2]", "null", "42", '"PING"', "true", "4.5", "NaN"])("%s is no request", (body) => {
  expect(refusal(body)).toMatchObject({ code: WireErrors.REQUEST_INVALID.code });
});

test.for(["", "   ", "{not json", '{"command":"PING"', '\ufeff{"command":"PING"}', "{}{}"])(
  "%j is not JSON",
  (body) => {
    expect(refusal(body)).toMatchObject({ code: WireErrors.JSON_INVALID.code });
  },
);

test("bytes that are not UTF-8 are refused, wherever they stand", () => {
  for (const bad of ["ff", "c080", "eda080", "e28281c3"]) {
    const body = Buffer.concat([
      Buffer.from('{"command":"PUSH","queue_name":"q","message":"'),
      Buffer.from(bad, "hex"),
      Buffer.from('"}'),
    ]);
    expect(refusal(body)).toMatchObject({ code: WireErrors.JSON_INVALID.code });
  }
});

test.for([
  [{ ...PUSH, queue_name: undefined }, "queue_name: missing"],
  [{ ...PUSH, message: undefined }, "message: missing"],
  [{ ...PUSH, queue_name: "" }, "queue_name: must have at least 1 character"],
  [{ ...PUSH, message: "" }, "message: must have at least 1 character"],
  [{ ...PUSH, queue_name: 7 }, "queue_name: must be a string, is 7"],
  [{ ...PUSH, queue_name: ["q"] }, "queue_name: must be a string"],
  [{ ...PUSH, message: { a: 1 } }, "message: must be a string"],
  [{ ...PUSH, message: null }, "message: must be a string, is null"],
  [{ ...PUSH, priority: 1 }, '"priority": unknown member'],
  [{ ...POP, message: "m" }, '"message": unknown member'],
  [{ command: "SIZE", queue_name: "q", timeout: 1 }, '"timeout": unknown member'],
  [{ ...PUSH, lease: "" }, "lease: must have at least 1 character"],
  [{ ...PUSH, lease: 7 }, "lease: must be a string, is 7"],
  [{ ...PUSH, lease: null }, "lease: must be a string, is null"],
  [{ ...PUSH, lease: "x".repeat(100_000) }, "lease: too long"],
  [{ ...POP, lease: "x" }, '"lease": unknown member'],
  [{ ...PUSH, failed: "why" }, "failed: goes only with lease"],
  [{ ...PUSH, lease: "x", failed: "" }, "failed: must have at least 1 character"],
  [{ ...PUSH, lease: "x", failed: true }, "failed: must be a string, is true"],
  [{ ...PUSH, lease: "x", failed: "y".repeat(100_000) }, "failed: too long"],
  [{ ...POP, failed: "x" }, '"failed": unknown member'],
  [{ ...PUSH, command: "PUSH_FOR_NV_INGEST", failed: "x" }, '"failed": unknown member'],
  [{ command: "CANCEL" }, "job_id: missing"],
  [{ command: "CANCEL", job_id: "" }, "job_id: must have at least 1 character"],
  [{ command: "CANCEL", job_id: ["7"] }, "job_id: must be a string"],
  [{ command: "CANCEL", job_id: "x".repeat(100_000) }, "job_id: too long"],
  [{ command: "CANCEL", job_id: "7", queue_name: "q" }, '"queue_name": unknown member'],
  [{ command: "DEAD" }, "action: missing"],
  [{ command: "DEAD", action: "shred" }, "action: must be one of list, show, replay, drop"],
  [{ command: "DEAD", action: "toString" }, "action: must be one of list, show, replay, drop"],
  [{ command: "DEAD", action: { list: 1 } }, "action: must be a string"],
  [{ command: "DEAD", action: "show" }, "job_id: missing"],
  [{ command: "DEAD", action: "drop", job_id: "" }, "job_id: must have at least 1 character"],
  [{ command: "DEAD", action: "drop", job_id: null }, "job_id: must be a string, is null"],
  [{ command: "DEAD", action: "replay", job_id: {} }, "job_id: must be a string"],
  [{ command: "DEAD", action: "list", after: 7 }, "after: must be a string, is 7"],
  [{ command: "DEAD", action: "list", all: true }, '"all": unknown member'],
] as const)("%j is refused and told why", ([body, fault]) => {
  expect(refusal(body).message).toContain(fault);
});

test("a __proto__ member is an unknown member, and no prototype", () => {
  const body = '{"command":"POP","queue_name":"q","__proto__":{"message":"m"}}';
  expect(refusal(body).message).toContain('"__proto__": unknown member');
  expect(refusal('{"__proto__":{"command":"PING"}}').message).toBe("No command specified");
});

test("an unpaired surrogate in a message or a name is a fault, an escaped pair is none", () => {
  const push = (message: string) => `{"command":"PUSH","queue_name":"q","message":"${message}"}`;
  expect(refusal(push("a\\ud800b")).message).toContain("unpaired surrogate");
  expect(refusal(push("\\udc00")).message).toContain("unpaired surrogate");
  expect(refusal('{"command":"POP","queue_name":"\\ud800"}').message).toContain("unpaired");
  expect(parse(push("\\ud83d\\ude00"))).toMatchObject({ command: "PUSH" });
  // Inside the message's own JSON an escape is only text.
  expect(parse(push("\\\\ud800"))).toMatchObject({ command: "PUSH" });
});

test("all faults are told at once, in one line, and long ones are cut", () => {
  const { message } = refusal({
    command: "PUSH",
    queue_name: "",
    timeout: "x",
    a: "y".repeat(999),
  });
  expect(message).toMatch(/^4 fault\(s\) in PUSH: /);
  for (const name of ["queue_name", "message", "timeout", '"a"']) expect(message).toContain(name);
  expect(message).not.toContain("\n");
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, i]));
  expect(refusal({ ...POP, ...many }).message.length).toBeLessThan(2_000);
  expect(refusal({ ...PUSH, message: ["secret".repeat(500)] }).message.length).toBeLessThan(300);
});

test("very long names and values are refused without being decoded", () => {
  expect(refusal({ ...POP, queue_name: "n".repeat(100_000) }).message).toContain("queue_name");
  expect(refusal({ ...POP, ["k".repeat(100_000)]: 1 }).message.length).toBeLessThan(500);
  expect(refusal({ ...POP, [`\n${"k".repeat(100_000)}`]: 1 }).message.length).toBeLessThan(500);
});

test("no bytes at all make the reader throw anything but its own errors", () => {
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc
      .dictionary(
        fc.constantFrom(...MEMBER_NAMES),
        fc.oneof(fc.constantFrom(...COMMANDS, "list", "drop"), fc.jsonValue({ maxDepth: 1 })),
      )
      .map((value) => Buffer.from(JSON.stringify(value))),
  );
  fc.assert(
    fc.property(bodies, (body) => {
      try {
        expect(COMMANDS).toContain(parseRequest(body).command);
      } catch (error) {
        const codes = [WireErrors.JSON_INVALID.code, WireErrors.REQUEST_INVALID.code];
        expect(codes).toContain((error as { code?: unknown }).code);
      }
    }),
    { numRuns: 2_000 },
  );
});
