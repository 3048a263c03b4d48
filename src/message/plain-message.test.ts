/**
 * Goal: a message that crosses to a thread and back is the same message, its large bytes cross without
 * a second copy, and one that cannot cross says where. Method: `structuredClone` with the list of what is
 * handed over stands for the border; it is what a message port does.
 */
import { deepStrictEqual } from "node:assert";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fromPlain, IngestControlMessage, type PlainMessage, toPlain } from "./index.js";

function cross(plain: PlainMessage): PlainMessage {
  return structuredClone(plain, { transfer: [...plain.handedOver] });
}

function messageWith(metadata: Record<string, unknown>): IngestControlMessage {
  const message = new IngestControlMessage();
  for (const [key, value] of Object.entries(metadata)) message.setMetadata(key, value);
  return message;
}

function crossed(metadata: Record<string, unknown>): Record<string, unknown> {
  return fromPlain(cross(toPlain(messageWith(metadata)))).getMetadata();
}

/** All that can be told of a message. */
function contentOf(message: IngestControlMessage) {
  const tasks = message.getTasks().map(({ id, type, properties }) => ({ id, type, properties }));
  const { payload } = message;
  const entries = [...message.metadataEntries()];
  return {
    payload,
    tasks,
    entries,
    times: [...message.timestampEntries()],
    config: message.config(),
  };
}

const bytes = fc
  .tuple(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(1, 1, 1, 300), fc.nat(8), fc.nat(8))
  .map(([start, factor, from, less]) => {
    const whole = new Uint8Array(start.length * factor);
    whole.set(start);
    return whole.subarray(Math.min(from, whole.length), Math.max(from, whole.length - less));
  });
const leaf = fc.oneof(
  fc.string(),
  fc.double(),
  fc.boolean(),
  fc.bigInt(),
  // Two invalid dates are different to `assert`, since NaN is not NaN.
  fc.date({ noInvalidDate: true }),
  fc.constantFrom(null, undefined),
  bytes,
  bytes.map((each) => Buffer.from(each.buffer, each.byteOffset, each.length)),
  fc.float32Array({ maxLength: 8 }),
);
const { data } = fc.letrec((tie) => ({
  data: fc.oneof({ depthSize: "small" }, leaf, tie("list"), tie("object"), tie("map")),
  list: fc.array(tie("data"), { maxLength: 4 }),
  object: fc.dictionary(fc.oneof(fc.string(), fc.constant("__proto__")), tie("data"), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
  map: fc.array(fc.tuple(fc.string(), tie("data")), { maxLength: 3 }).map((each) => new Map(each)),
}));
const record = fc.dictionary(fc.string(), data, { maxKeys: 4, noNullPrototype: true });

test("whatever a message holds comes back equal, and the message is as it was", () => {
  const parts = fc.record({
    rows: fc.array(
      fc.record(
        { documentType: fc.string(), content: data, extra: data },
        { noNullPrototype: true },
      ),
    ),
    tasks: fc.array(fc.record({ type: fc.string({ minLength: 1 }), properties: record })),
    metadata: record,
    times: fc.dictionary(fc.string(), fc.bigInt()),
    config: record,
  });
  fc.assert(
    fc.property(parts, ({ rows, tasks, metadata, times, config }) => {
      const message = messageWith(metadata);
      message.payload = rows as never;
      for (const task of tasks) message.addTask(task);
      for (const [key, value] of Object.entries(times)) message.setTimestamp(key, value);
      message.config(config);
      const before = structuredClone(contentOf(message));
      const back = contentOf(fromPlain(cross(toPlain(message))));
      const again = contentOf(fromPlain(cross(toPlain(message))));
      deepStrictEqual(back, contentOf(message));
      deepStrictEqual(again, back);
      // Structured clone makes a Uint8Array of each Buffer; else nothing may have changed.
      deepStrictEqual(structuredClone(contentOf(message)), before);
    }),
  );
});

test("tracing, failures and annotations cross", () => {
  const message = messageWith({ job_id: "j", "config::add_trace_tagging": true });
  message.setTimestamp("trace::entry::a", 1_700_000_000_000_000_001n);
  message.fail({ stage: "a", cause: new Error("broken") });
  const back = fromPlain(cross(toPlain(message)));
  expect(back).toMatchObject({ jobId: "j", tracing: true, failed: true });
  expect(back.failedReason).toBe(message.failedReason);
  expect(back.getTimestamps()).toEqual(message.getTimestamps());
});

test("large bytes are copied once and handed over, small ones are not", () => {
  const large = Buffer.alloc(16_384, 1);
  const plain = toPlain(messageWith({ large, small: Buffer.alloc(16_383, 2) }));
  expect(plain.handedOver.map(({ byteLength }) => byteLength)).toEqual([16_384]);
  const received = cross(plain);
  expect(plain.handedOver[0]?.byteLength).toBe(0);
  expect(large.equals(fromPlain(received).getMetadata("large") as Buffer)).toBe(true);
});

test("what was handed over goes back as it is, and all else is copied", () => {
  const received = cross(toPlain(messageWith({ large: Buffer.alloc(20_000, 1) })));
  const message = fromPlain(received);
  const kept = Buffer.alloc(20_000, 2);
  message.setMetadata("kept", kept);
  const back = toPlain(message, { own: new Set(received.handedOver) });
  expect(back.handedOver).toContain(received.handedOver[0]);
  expect(back.handedOver).not.toContain(kept.buffer);
  cross(back);
  expect(kept.every((byte) => byte === 2)).toBe(true);
});

test("a view does not drag along the memory that it is a part of", () => {
  const pool = Buffer.alloc(1_000_000, 7);
  const views = {
    small: pool.subarray(10, 20),
    large: pool.subarray(10, 20_010),
    words: new Uint32Array(pool.buffer, 8, 4),
    data: new DataView(pool.buffer, 8, 4),
  };
  for (const [key, value] of Object.entries(crossed(views))) {
    const view = value as DataView;
    expect([key, view.constructor, view.buffer.byteLength]).toEqual([
      key,
      views[key as keyof typeof views].constructor,
      view.byteLength,
    ]);
  }
  expect(pool.every((byte) => byte === 7)).toBe(true);
});

test("shared memory stays shared", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(100_000));
  const back = crossed({ shared }).shared as Uint8Array;
  shared[5] = 9;
  expect(back[5]).toBe(9);
});

test("what is one object is one afterwards, also in a circle and beside bytes", () => {
  const inner: Record<string, unknown> = { bytes: Buffer.alloc(20_000) };
  inner.self = inner;
  const back = crossed({ a: inner, b: new Map([["in", inner]]), set: new Set([inner]) });
  const a = back.a as Record<string, unknown>;
  expect(a.self).toBe(a);
  expect((back.b as Map<string, unknown>).get("in")).toBe(a);
  expect((back.set as Set<unknown>).has(a)).toBe(true);
});

test("a hole in a list stays one", () => {
  const list: unknown[] = [Buffer.from("x")];
  list[2] = undefined;
  const back = crossed({ list }).list as unknown[];
  expect([0 in back, 1 in back, 2 in back]).toEqual([true, false, true]);
});

test("what cannot cross is told with its place, never with its value", () => {
  class Secret {
    readonly value = "hidden";
  }
  const cases: [Record<string, unknown>, string][] = [
    [{ client: { call: () => {} } }, "metadata.client.call is a function"],
    [{ list: [1, [Symbol("s")]] }, "metadata.list[1][0] is a symbol"],
    [{ map: new Map([["key", new Secret()]]) }, "metadata.map.key is an instance of Secret"],
    [{ set: new Set([Promise.resolve()]) }, "metadata.set[0] is an instance of Promise"],
    [{ url: new URL("http://a") }, "metadata.url is an instance of URL"],
  ];
  for (const [metadata, text] of cases) {
    expect(() => toPlain(messageWith(metadata))).toThrow(
      expect.objectContaining({
        code: "MESSAGE_NOT_PLAIN",
        message: `The message cannot cross to a thread: ${text}`,
      }),
    );
  }
  const message = new IngestControlMessage();
  message.payload = [{ documentType: "pdf", metadata: { f: () => {} } as never }];
  expect(() => toPlain(message)).toThrow("payload[0].metadata.f is a function");
});

test("nesting as deep as is allowed crosses, and deeper is an error of this message", () => {
  const nested = (levels: number) => {
    let deep: object = {};
    for (let level = 1; level < levels; level++) deep = { deep };
    return deep;
  };
  // Two levels are the message's own.
  expect(crossed({ deep: nested(998) })).toBeDefined();
  for (const levels of [999, 200_000]) {
    expect(() => toPlain(messageWith({ deep: nested(levels) }))).toThrow(/1000 levels deep/);
  }
  // A list that finds all links at once does not hide how deep the clone would go.
  const links: Record<string, unknown>[] = Array.from({ length: 5_000 }, () => ({}));
  for (const [index, link] of links.entries()) link.next = links[index + 1];
  expect(() => toPlain(messageWith({ links }))).toThrow(/levels deep/);
});
