/**
 * Goal: no bytes whatever kill the broker, make it grow or reach its log.
 * Method: random and nearly right bytes over real connections; fast-check prints the seed of a
 * failure. After all of it the broker answers and holds nothing.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { until } from "../../src/testing/index.js";
import { connectPeer, frameOf, headerOf, settled } from "../helpers/raw-peer.js";
import { ack, PING, pop, popThrough, push, pushThrough, size } from "../helpers/requests.js";
import { collectingLogger, preload, startBroker } from "../helpers/start-broker.js";

const bytes = fc.uint8Array({ maxLength: 200 }).map((list) => Buffer.from(list));

const names = fc.constantFrom("q", "q", "p", "", "__proto__", "\ud83d\ude00");
const anyRequest = fc.record(
  {
    command: fc.constantFrom("PING", "PUSH", "PUSH_FOR_NV_INGEST", "POP", "SIZE", "NOPE", ""),
    queue_name: fc.oneof(names, fc.jsonValue({ maxDepth: 1 })),
    message: fc.oneof(fc.constantFrom("m", "{}", '{"job_id":1}'), fc.jsonValue({ maxDepth: 1 })),
    timeout: fc.oneof(fc.constantFrom(0, 0.01, 1, -1, null, 1e300, "5"), fc.jsonValue()),
    transaction_id: fc.string(),
    ack: fc.boolean(),
  },
  { requiredKeys: [] },
);

/** A push that brings its own ACK along is stored, as it should be: one that could be gets no text. */
const request = anyRequest.map((value) => {
  const isPush = value.command?.startsWith("PUSH") === true && value.ack === true;
  return isPush ? { ...value, message: 7 } : value;
});

const body = fc.oneof(
  { weight: 5, arbitrary: request.map((value) => Buffer.from(JSON.stringify(value))) },
  { weight: 1, arbitrary: fc.json().map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: bytes },
);

/** A frame whose header is right, or is not. */
const frame = fc.tuple(body, fc.constantFrom(0, 0, 0, 0, 1, -1, 100)).map(([inner, error]) => {
  return Buffer.concat([headerOf(Math.max(0, inner.length + error)), inner]);
});

const hugeHeader = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(headerOf);
const stream = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: frame },
    { weight: 1, arbitrary: hugeHeader },
    { weight: 1, arbitrary: bytes },
  ),
  { maxLength: 6 },
);

test("any stream of frames, half frames and rubbish leaves the broker as it was", async (t) => {
  const logger = collectingLogger();
  const broker = await startBroker(t, { maxFrameBytes: 100_000 }, logger);
  for (const name of ["q", "p", "__proto__"]) await preload(broker, name, "a", "b");
  const { heldBytes } = broker.getStats();
  await fc.assert(
    fc.asyncProperty(stream, fc.array(fc.nat(300)), fc.boolean(), async (parts, cuts, isReset) => {
      const peer = await connectPeer(t, broker.port);
      await until("it is there", () => broker.getStats().connections === 1);
      let all = Buffer.concat(parts);
      for (const cut of cuts) {
        peer.write(all.subarray(0, cut));
        all = all.subarray(cut);
        await new Promise(setImmediate);
      }
      if (isReset) peer.socket.resetAndDestroy();
      else peer.socket.end(all);
      await peer.untilClosed();
      await until("it is let go", () => broker.getStats().connections === 0);
      expect(broker.getStats()).toMatchObject({
        ...{ ready: 6, inFlight: 0, waiters: 0, queues: 3 },
        heldBytes,
      });
    }),
    { numRuns: 400 },
  );
  const peer = await connectPeer(t, broker.port);
  for (const name of ["q", "p", "__proto__"]) {
    expect([await popThrough(peer, name), await popThrough(peer, name)]).toEqual(["a", "b"]);
  }
  expect((await peer.ask(PING)).response).toBe("PONG");
  expect(broker.getStats().heldBytes).toBe(0);
  expect(logger.lines.filter((line) => line.startsWith("error"))).toEqual([]);
});

test.for([
  ["JSON a hundred thousand deep", "[".repeat(100_000)],
  ["objects a hundred thousand deep", '{"a":'.repeat(100_000)],
  ["a deep member", `{"command":"PING","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
  ["a hundred thousand members", `{${'"a":1,'.repeat(100_000)}"command":"PING"}`],
  ["a number of a million digits", `{"command":"PING","x":${"9".repeat(1_000_000)}}`],
  ["a __proto__ request", '{"__proto__":{"command":"PING"}}'],
  ["a constructor", '{"command":"constructor","queue_name":"prototype"}'],
] as const)("%s is refused, and the broker lives", async ([, text], t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  expect(await peer.ask(text)).toMatchObject({ code: 1, response: null });
  await settled(t, broker.port);
  expect(broker.getStats()).toMatchObject({ heldBytes: 0, queues: 0 });
  expect(({} as Record<string, unknown>).command).toBeUndefined();
});

test("a job a hundred thousand deep is no job", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const message = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  const answer = await peer.ask({ ...push("q", message), command: "PUSH_FOR_NV_INGEST" });
  expect(answer).toMatchObject({ code: 1, reason: "Invalid JSON message" });
  // For the plain command a message is opaque, however deep.
  const other = await connectPeer(t, broker.port);
  expect((await pushThrough(other, "q", message)).response).toBe("Data stored.");
});

test.for(["__proto__", "constructor", "toString", "a\u0000b", "../../etc", "😀", " "])(
  "a queue may be named %j",
  async (name, t) => {
    const broker = await startBroker(t);
    const peer = await connectPeer(t, broker.port);
    expect((await peer.ask(size(name))).response).toBe("0");
    expect((await pushThrough(peer, name, "m")).response).toBe("Data stored.");
    expect(await popThrough(peer, name)).toBe("m");
    expect(broker.getStats().queues).toBe(0);
  },
);

test("bytes that are not UTF-8 in a message are refused", async (t) => {
  const broker = await startBroker(t);
  for (const bad of ["ff", "c0af", "eda080", "f4908080", "e2"]) {
    const peer = await connectPeer(t, broker.port);
    const inner = Buffer.concat([
      Buffer.from('{"command":"PUSH","queue_name":"q","message":"'),
      Buffer.from(bad, "hex"),
      Buffer.from('"}'),
    ]);
    peer.write(Buffer.concat([headerOf(inner.length), inner]));
    expect(await peer.frame()).toMatchObject({ code: 1, response: null });
  }
  expect(broker.getStats().ready).toBe(0);
});

test("nothing of a message, a name or a broken request ever reaches the log", async (t) => {
  const logger = collectingLogger();
  const broker = await startBroker(t, { maxHeldBytes: 1024 * 1024, frameTimeoutMs: 50 }, logger);
  const canary = "canary-5f1c";
  const job = JSON.stringify({ content: [canary] });
  const requests = [
    push(canary, canary),
    push("q", canary, -1),
    { ...push("q", job), command: "PUSH_FOR_NV_INGEST" },
    { ...push("q", `${canary}{`), command: "PUSH_FOR_NV_INGEST" },
    { ...push("q", canary), [canary]: canary },
    { command: canary, queue_name: canary },
    { ...push("q", canary), message: { canary } },
    push("q", canary.repeat(200_000)),
    pop(canary, 0),
    canary,
    `{"command":"PUSH","queue_name":"q","message":"${canary}`,
  ];
  for (const request of requests) {
    const peer = await connectPeer(t, broker.port);
    const first = await peer.ask(request);
    if (first.code === 0) peer.send(ack(canary));
    peer.end();
    await peer.untilClosed();
  }
  const half = await connectPeer(t, broker.port);
  half.write(frameOf(push("q", canary.repeat(20_000))).subarray(0, 100_000));
  await half.untilClosed();
  await preload(broker, canary, canary);
  await broker.stop();
  expect(logger.lines.length).toBeGreaterThan(0);
  expect(logger.lines.filter((line) => line.includes("canary"))).toEqual([]);
  expect(logger.lines.filter((line) => line.startsWith("error"))).toEqual([]);
});
