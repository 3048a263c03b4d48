/**
 * Goal: a push is stored once although its confirmation is lost, a result that comes too late is
 * refused in words of its own, and commands go only to brokers that know them. Method: brokers whose
 * every answer the test writes, over TCP.
 */
import { describe, expect, test } from "vitest";
import { SimpleClient } from "../../src/client/index.js";
import { parseRequest } from "../../src/wire/index.js";
import {
  type ClientFrame,
  ID,
  type Script,
  type ScriptLine,
  STEPWISE,
  startScripted,
} from "../helpers/scripted-broker.js";
import type { Cleanup } from "../helpers/start-broker.js";
import { startUpstreamLike } from "../helpers/upstream-like-broker.js";

const QUEUE = "jobs";
const OLD_FEATURES = ["keepalive", "hold"];
const UNKNOWN = { code: "CLIENT_DELIVERY_UNKNOWN", retry: true };

describe("a push whose confirmation is lost", () => {
  test("is repeated to a broker that recognises it, and keeps its first id", async (t) => {
    const { port, frames } = await startScripted(t, STEPWISE, loseFinals(2));
    const submitted = clientOf(t, port).submitMessage(QUEUE, '{"job_id":"None"}', {
      forNvIngest: true,
    });
    expect(await submitted).toEqual({ transactionId: ID });
    const pushes = pushesIn(frames);
    expect(pushes).toHaveLength(3);
    expect(new Set(pushes.map((push) => JSON.stringify(push))).size).toBe(1);
    expect(frames.filter(({ ack }) => ack === true)).toHaveLength(3);
  });

  test("with its delivery is repeated with the same bytes", async (t) => {
    const { port, frames } = await startScripted(t, STEPWISE, loseFinals(1));
    await clientOf(t, port).submitMessage(QUEUE, "result", { leaseId: "a lease" });
    const push = { command: "PUSH", message: "result", lease: "a lease" };
    expect(pushesIn(frames)).toMatchObject([push, push]);
  });

  test("is repeated in the client's bounds, and then is as unknown as before", async (t) => {
    const { port, frames } = await startScripted(t, STEPWISE, loseFinals(100));
    const client = clientOf(t, port, { maxRetries: 2 });
    await expect(client.submitMessage(QUEUE, "once")).rejects.toMatchObject(UNKNOWN);
    expect(pushesIn(frames)).toHaveLength(3);
  });

  test("is not repeated to a broker that would store it twice", async (t) => {
    const { port, frames } = await startScripted(t, OLD_FEATURES, loseFinals(1));
    await expect(clientOf(t, port).submitMessage(QUEUE, "once")).rejects.toMatchObject(UNKNOWN);
    expect(pushesIn(frames)).toHaveLength(1);
  });

  test("is not repeated when another broker answers instead", async (t) => {
    let pingCount = 0;
    const features = () => (pingCount++ === 0 ? STEPWISE : OLD_FEATURES);
    const { port, frames } = await startScripted(t, features, loseFinals(1));
    await expect(clientOf(t, port).submitMessage(QUEUE, "once")).rejects.toMatchObject(UNKNOWN);
    expect(pushesIn(frames)).toHaveLength(1);
    expect(pingCount).toBe(2);
  });

  test("ends as unknown when the call is aborted meanwhile", async (t) => {
    const stop = new AbortController();
    const { port } = await startScripted(t, STEPWISE, async (_, line) => {
      line.say({ response: "Transaction initiated. Waiting for ACK.", id: ID });
      await line.next();
      stop.abort(new Error("enough"));
      line.hangUp();
    });
    const submitted = clientOf(t, port).submitMessage(QUEUE, "once", { signal: stop.signal });
    await expect(submitted).rejects.toMatchObject(UNKNOWN);
  });
});

test("a broker whose confirmation is not awaited any more sees that nobody heard it", async (t) => {
  const lines: ScriptLine[] = [];
  const { port } = await startScripted(t, STEPWISE, async (_, line) => {
    lines.push(line);
    line.say({ response: "a message", id: ID });
    await line.next();
    await line.wasReset;
  });
  const client = clientOf(t, port, { maxRetries: 1, connectionTimeoutMs: 40 });
  await expect(client.submitMessage(QUEUE, "once")).rejects.toMatchObject(UNKNOWN);
  expect(await client.fetchMessage(QUEUE)).toBe("a message");
  expect(await Promise.all(lines.map(({ wasReset }) => wasReset))).toEqual([true, true, true]);
});

describe("a result that comes too late", () => {
  const refusals = [
    ["Job is over", "QUEUE_JOB_OVER"],
    ["Lease is over", "QUEUE_LEASE_OVER"],
  ] as const;

  test.for(refusals)("is refused at once with %j, which is %s", async ([reason, code], t) => {
    const { port, frames } = await startScripted(t, STEPWISE, async (_, line) => {
      line.say({ code: 1, reason });
    });
    const submitted = clientOf(t, port).submitMessage("a job", "result", { leaseId: "gone" });
    const refusal = { code, retry: false, details: { queueName: "a job" } };
    await expect(submitted).rejects.toMatchObject(refusal);
    expect(frames).toMatchObject([{ command: "PUSH", lease: "gone" }]);
  });

  test.for(refusals)("is refused after its ACK with %j, which is %s", async ([reason, code], t) => {
    const { port, frames } = await startScripted(t, STEPWISE, async (_, line) => {
      line.say({ response: "Transaction initiated. Waiting for ACK.", id: ID });
      await line.next();
      line.say({ code: 1, reason, id: ID });
    });
    const submitted = clientOf(t, port).submitMessage("a job", "result", { leaseId: "gone" });
    await expect(submitted).rejects.toMatchObject({ code, retry: false });
    expect(pushesIn(frames)).toHaveLength(1);
  });

  test("names its delivery only to a broker that asks for that", async (t) => {
    const old = await startScripted(t, OLD_FEATURES, loseFinals(0));
    await clientOf(t, old.port).submitMessage("a job", "result", { leaseId: "mine" });
    expect(Object.keys(pushesIn(old.frames)[0] ?? {})).not.toContain("lease");
    const upstream = await startUpstreamLike(t);
    await clientOf(t, upstream.port).submitMessage("a job", "result", { leaseId: "mine" });
    expect(upstream.queues.get("a job")).toEqual(["result"]);
  });

  test("says why its job failed, cut, and only where that is kept", async (t) => {
    const reason = "no page ".repeat(1_000);
    const told = { leaseId: "mine", failed: reason };
    const ours = await startScripted(t, STEPWISE, loseFinals(0));
    await clientOf(t, ours.port).submitMessage("a job", "result", told);
    expect(pushesIn(ours.frames)).toEqual([
      expect.objectContaining({ lease: "mine", failed: `${reason.slice(0, 4_095)}…` }),
    ]);
    const fencing = STEPWISE.filter((feature) => feature !== "failed");
    for (const features of [OLD_FEATURES, fencing]) {
      const { port, frames } = await startScripted(t, features, loseFinals(0));
      await clientOf(t, port).submitMessage("a job", "result", told);
      const [sent = {}] = pushesIn(frames);
      expect(Object.keys(sent)).not.toContain("failed");
      expect(Object.keys(sent).includes("lease")).toBe(features === fencing);
    }
    const upstream = await startUpstreamLike(t);
    await clientOf(t, upstream.port).submitMessage("a job", "result", told);
    expect(upstream.queues.get("a job")).toEqual(["result"]);
  });

  test("that says so is repeated as it was when its confirmation is lost", async (t) => {
    const { port, frames } = await startScripted(t, STEPWISE, loseFinals(1));
    const told = { leaseId: "mine", failed: "no page" };
    await clientOf(t, port).submitMessage("a job", "result", told);
    const [first, second, ...more] = pushesIn(frames);
    expect([second, more]).toEqual([first, []]);
    expect(second).toMatchObject({ failed: "no page" });
  });
});

test("a result that is kept no more is told apart from one that was not there", async (t) => {
  const reason = "Result expired at 2026-01-02T03:04:05Z";
  const { port } = await startScripted(t, STEPWISE, async (_, line) => {
    line.say({ code: 1, reason });
  });
  const client = clientOf(t, port);
  const expired = { code: "QUEUE_RESULT_EXPIRED", message: reason, retry: false };
  await expect(client.fetchMessage("a job")).rejects.toMatchObject(expired);
  await expect(client.fetchDelivery("a job")).rejects.toMatchObject(expired);
});

describe("cancel", () => {
  test.for(["cancelled", "over", "unknown"] as const)("tells that a job is %s", async (end, t) => {
    const { port, frames } = await startScripted(t, STEPWISE, async (_, line) => {
      line.say({ response: end });
    });
    expect(await clientOf(t, port).cancel('a "job"')).toBe(end);
    expect(frames).toEqual([{ command: "CANCEL", job_id: 'a "job"' }]);
  });

  test("takes no other word for an answer", async (t) => {
    const { port } = await startScripted(t, STEPWISE, async (_, line) => {
      line.say({ response: "perhaps" });
    });
    await expect(clientOf(t, port).cancel("a job")).rejects.toMatchObject({
      code: "WIRE_RESPONSE_INVALID",
    });
  });
});

describe("dead letters", () => {
  const WIRE_LETTER = {
    job_id: "4f1c",
    queue_name: QUEUE,
    cause: "deliveries",
    reason: "It was handed out 5 times.",
    deliveries: 5,
    stored_at: "2026-01-02T03:04:05.678Z",
    given_up_at: "2026-01-02T04:04:05.678Z",
    bytes: 9,
  };
  const LETTER = {
    jobId: "4f1c",
    queueName: QUEUE,
    cause: "deliveries",
    reason: "It was handed out 5 times.",
    deliveries: 5,
    storedAt: "2026-01-02T03:04:05.678Z",
    givenUpAt: "2026-01-02T04:04:05.678Z",
    bytes: 9,
  };
  const answering = (letters: readonly object[], count: number): Script => {
    return async (_, line) => line.say({ response: JSON.stringify({ letters, count }) });
  };

  test("are listed in pages, in our names", async (t) => {
    const { port, frames } = await startScripted(t, STEPWISE, answering([WIRE_LETTER], 12));
    const { deadLetters } = clientOf(t, port);
    expect(await deadLetters.list()).toEqual({ letters: [LETTER], count: 12 });
    await deadLetters.list({ after: "4f1c" });
    expect(frames).toEqual([
      { command: "DEAD", action: "list" },
      { command: "DEAD", action: "list", after: "4f1c" },
    ]);
  });

  test("are shown with their text, or are none", async (t) => {
    const letters = [{ ...WIRE_LETTER, message: '{"a": 1}' }];
    const { port, frames } = await startScripted(t, STEPWISE, async (request, line) => {
      const isKnown = JSON.stringify(request).includes("4f1c");
      await answering(isKnown ? letters : [], 0)(request, line);
    });
    const { deadLetters } = clientOf(t, port);
    expect(await deadLetters.show("4f1c")).toEqual({ ...LETTER, message: '{"a": 1}' });
    expect(await deadLetters.show("other")).toBeUndefined();
    expect(frames).toMatchObject([{ action: "show", job_id: "4f1c" }, { job_id: "other" }]);
  });

  test("are replayed and dropped one by one, or all when that is said", async (t) => {
    const { port, frames } = await startScripted(t, STEPWISE, answering([], 3));
    const { deadLetters } = clientOf(t, port);
    for (const action of ["replay", "drop"] as const) {
      expect(await deadLetters[action]({ jobId: "4f1c" })).toBe(3);
      expect(await deadLetters[action]({ all: true })).toBe(3);
    }
    const questions = frames.map((frame) => parseRequest(Buffer.from(JSON.stringify(frame))));
    expect(questions).toMatchObject([
      { question: { action: "replay", jobId: "4f1c" } },
      { question: { action: "replay", jobId: undefined } },
      { question: { action: "drop", jobId: "4f1c" } },
      { question: { action: "drop", jobId: undefined } },
    ]);
  });

  test.for([{}, { jobId: undefined }, { jobId: "" }, { jobId: null }, { all: false }, { all: 1 }])(
    "are not all taken for %o",
    async (which, t) => {
      const { port, frames } = await startScripted(t, STEPWISE, answering([], 3));
      const { deadLetters } = clientOf(t, port);
      await expect(deadLetters.drop(which as never)).rejects.toThrow(TypeError);
      await expect(deadLetters.replay(which as never)).rejects.toThrow(TypeError);
      expect(frames).toEqual([]);
    },
  );

  test("that cannot be read are not guessed", async (t) => {
    const { port } = await startScripted(t, STEPWISE, answering([{ job_id: "4f1c" }], 1));
    await expect(clientOf(t, port).deadLetters.list()).rejects.toMatchObject({
      code: "WIRE_RESPONSE_INVALID",
    });
  });
});

test("commands that a broker does not know are not sent to it", async (t) => {
  const old = await startScripted(t, OLD_FEATURES, async (_, line) => {
    line.say({ code: 1, reason: "Unknown command" });
  });
  const upstream = await startUpstreamLike(t);
  for (const { port } of [old, upstream]) {
    const client = clientOf(t, port);
    const missing = (feature: string) => ({
      code: "CLIENT_FEATURE_MISSING",
      retry: false,
      message: expect.stringContaining(`127.0.0.1:${port} does not have the feature "${feature}"`),
    });
    await expect(client.cancel("a job")).rejects.toMatchObject(missing("cancel"));
    await expect(client.deadLetters.list()).rejects.toMatchObject(missing("dead"));
    await expect(client.deadLetters.drop({ all: true })).rejects.toMatchObject(missing("dead"));
  }
  expect(old.frames).toEqual([]);
  expect(new Set(upstream.commands)).toEqual(new Set(["PING"]));
});

/** Takes pushes, and hangs up instead of confirming the first ones. */
function loseFinals(lostCount: number): Script {
  let count = 0;
  return async (_, line: ScriptLine) => {
    line.say({ response: "Transaction initiated. Waiting for ACK.", id: ID });
    await line.next();
    if (count++ < lostCount) line.hangUp();
    else line.say({ response: "Data stored.", id: ID });
  };
}

function pushesIn(frames: readonly ClientFrame[]): ClientFrame[] {
  return frames.filter(({ command = "" }) => command.startsWith("PUSH"));
}

function clientOf(
  t: Cleanup,
  port: number,
  options: { readonly maxRetries?: number; readonly connectionTimeoutMs?: number } = {},
) {
  const client = new SimpleClient({ host: "127.0.0.1", port, maxBackoffMs: 20, ...options });
  t.onTestFinished(() => client.close());
  return client;
}
