/**
 * Goal: a connection that is split carries many dialogues, each of which behaves like a connection of
 * its own, and what a peer does wrong on one of them ends the connection and loses nothing.
 * Method: raw peers against a broker in this process.
 */
import { describe, expect, test } from "vitest";
import { type ChannelPeer, channelFrame, connectChannels } from "../helpers/channel-peer.js";
import { connectPeer, settled } from "../helpers/raw-peer.js";
import { collectingLogger, preload, startBroker, takeAll } from "../helpers/start-broker.js";

const QUEUE = "q";
const PING = { command: "PING" };
const POP = { command: "POP", queue_name: QUEUE, timeout: 30 };
const PUSH = { command: "PUSH", queue_name: QUEUE, message: "m", ack: true };
const pushOf = (message: string) => ({ ...PUSH, message });
const ackOf = (id: string | null, more: object = {}) => ({
  ...{ transaction_id: id, ack: true },
  ...more,
});

/** Resolves when the broker has done all that the peer has sent before, on a channel of its own. */
async function done(peer: ChannelPeer, channel = 999): Promise<void> {
  peer.send(channel, PING);
  while ((await peer.frame()).channel !== channel);
}

test("CHANNELS tells how many there may be, and the next frame may be sent with it", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const together = [channelFrame(0, { command: "CHANNELS" }), channelFrame(7, PING)];
  peer.write(Buffer.concat(together));
  expect(await peer.frame()).toMatchObject({ code: 0, response: "1024" });
  expect((await peer.bytes(8)).readUInt32BE(0)).toBe(7);
});

test("requests on several channels are answered as each is ready", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectChannels(t, broker.port);
  peer.send(1, POP);
  expect(await peer.ask(2, PING)).toMatchObject({ channel: 2, response: "PONG" });
  peer.send(3, pushOf("late"));
  const [first, second] = [await peer.frame(), await peer.frame()];
  const answers = [first, second].sort((a, b) => a.channel - b.channel);
  expect(answers).toMatchObject([
    { channel: 1, response: "late" },
    { channel: 3, response: "Data stored." },
  ]);
  const settledAs = await peer.ask(1, ackOf(answers[0]?.id ?? null));
  expect(settledAs).toMatchObject({ channel: 1, response: "Data processed." });
  expect(broker.getStats()).toMatchObject({ ready: 0, inFlight: 0, connections: 1 });
});

test("a channel goes through a whole handshake, one after the other", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectChannels(t, broker.port);
  for (const message of ["one", "two"]) {
    const { id, response } = await peer.ask(5, { command: "PUSH", queue_name: QUEUE, message });
    expect(response).toBe("Transaction initiated. Waiting for ACK.");
    expect(await peer.ask(5, ackOf(id))).toMatchObject({ response: "Data stored.", id });
  }
  expect(await takeAll(broker, QUEUE)).toEqual(["one", "two"]);
});

test("a push with its ACK is stored in one exchange, also without channels", async (t) => {
  const broker = await startBroker(t);
  const whole = await connectPeer(t, broker.port);
  expect(await whole.ask(pushOf("whole"))).toMatchObject({ response: "Data stored." });
  const job = { ...PUSH, command: "PUSH_FOR_NV_INGEST", message: "{}" };
  const { id } = await whole.ask(job);
  const peer = await connectChannels(t, broker.port);
  expect(await peer.ask(1, pushOf("channel"))).toMatchObject({ response: "Data stored." });
  expect(await takeAll(broker, QUEUE)).toEqual(["whole", `{"job_id": "${id}"}`, "channel"]);
});

test("a push with its ACK is refused like any other, and the channel goes on", async (t) => {
  const broker = await startBroker(t, { brokerParams: { maxQueueSize: 1 } });
  const peer = await connectChannels(t, broker.port);
  await peer.ask(1, pushOf("one"));
  expect(await peer.ask(1, pushOf("two"))).toMatchObject({ code: 1, reason: "Queue is full" });
  const wrong = await peer.ask(1, { ...PUSH, ack: "yes" });
  expect(wrong.reason).toContain('ack: must be true, is "yes"');
  expect(await peer.ask(1, { command: "SIZE", queue_name: QUEUE })).toMatchObject({
    response: "1",
  });
});

test("a quiet ACK settles, and the next answer is that to the next request", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, QUEUE, "one", "two");
  const peer = await connectChannels(t, broker.port);
  const one = await peer.ask(1, POP);
  peer.send(1, ackOf(one.id, { final: false }));
  const two = await peer.ask(1, POP);
  expect([one.response, two.response]).toEqual(["one", "two"]);
  expect(broker.getStats()).toMatchObject({ delivered: 1, inFlight: 1 });
});

test("a quiet ACK at a durable broker does not keep the channel waiting for the disk", async (t) => {
  const broker = await startBroker(t, { durability: "fsync" });
  await preload(broker, QUEUE, "one", "two");
  const peer = await connectChannels(t, broker.port);
  const one = await peer.ask(1, POP);
  // Both in one piece: the second is read while the first is still on its way to the disk.
  const ack = channelFrame(1, ackOf(one.id, { final: false }));
  peer.peer.write(Buffer.concat([ack, channelFrame(1, POP)]));
  expect(await peer.frame()).toMatchObject({ channel: 1, response: "two" });
});

describe("a channel that ends", () => {
  test("gives up its held POP, and no message is lost", async (t) => {
    const broker = await startBroker(t);
    const peer = await connectChannels(t, broker.port);
    peer.send(1, POP);
    await done(peer);
    expect(broker.getStats().waiters).toBe(1);
    peer.end(1);
    await done(peer);
    expect(broker.getStats().waiters).toBe(0);
    await preload(broker, QUEUE, "kept");
    expect(await takeAll(broker, QUEUE)).toEqual(["kept"]);
  });

  test("gives its message back at once, which is no lost delivery", async (t) => {
    const broker = await startBroker(t, { maxDeliveries: 1 });
    const peer = await connectChannels(t, broker.port);
    const { id } = await peer.ask(1, { ...PUSH, command: "PUSH_FOR_NV_INGEST", message: "{}" });
    await peer.ask(2, POP);
    peer.end(2);
    const again = await peer.ask(3, POP);
    expect(again).toMatchObject({ response: `{"job_id": "${id}"}` });
    expect(broker.getStats().jobs).toMatchObject({ openJobs: 1, givenUp: 0 });
  });

  test("while its push is stored leaves the push to be recognised", async (t) => {
    const broker = await startBroker(t, { durability: "fsync" });
    const peer = await connectChannels(t, broker.port);
    const push = channelFrame(1, pushOf("once"));
    const end = channelFrame(1, "");
    peer.peer.write(Buffer.concat([push, end]));
    expect(await peer.ask(2, pushOf("once"))).toMatchObject({ response: "Data stored." });
    expect(await takeAll(broker, QUEUE)).toEqual(["once"]);
  });
});

describe("a connection that ends", () => {
  test("with jobs on its channels has lost them, however short it had them", async (t) => {
    const broker = await startBroker(t, { maxDeliveries: 1 });
    const peer = await connectChannels(t, broker.port);
    const { id } = await peer.ask(1, { ...PUSH, command: "PUSH_FOR_NV_INGEST", message: "{}" });
    await peer.ask(2, POP);
    peer.peer.socket.destroy();
    const other = await connectChannels(t, broker.port);
    const result = await other.ask(1, { ...POP, queue_name: id });
    expect(result.response).toContain("1 consumer was lost while it had it (maxDeliveries)");
    expect(broker.getStats().jobs).toMatchObject({ givenUp: 1 });
  });

  test("hands nothing that it gives back to its own waiting POPs", async (t) => {
    const broker = await startBroker(t, { maxDeliveries: 3 });
    const peer = await connectChannels(t, broker.port);
    for (let channel = 1; channel <= 4; channel++) peer.send(channel, POP);
    await peer.ask(5, { ...PUSH, command: "PUSH_FOR_NV_INGEST", message: "{}" });
    await peer.frame();
    peer.peer.socket.resetAndDestroy();
    await settled(t, broker.port);
    expect(broker.getStats()).toMatchObject({ ready: 1, waiters: 0, jobs: { givenUp: 0 } });
  });

  test("by a reset leaves pushes whose answers may be lost to be recognised", async (t) => {
    const broker = await startBroker(t);
    const peer = await connectChannels(t, broker.port);
    await peer.ask(1, pushOf("unheard"));
    await peer.ask(2, pushOf("heard"));
    await peer.ask(2, PING);
    peer.peer.socket.resetAndDestroy();
    await settled(t, broker.port);
    expect(broker.getStats().doubts).toBe(1);
    const other = await connectChannels(t, broker.port);
    await other.ask(1, pushOf("unheard"));
    await other.ask(1, pushOf("heard"));
    expect(await takeAll(broker, QUEUE)).toEqual(["unheard", "heard", "heard"]);
  });

  test("in good order leaves no doubts", async (t) => {
    const broker = await startBroker(t);
    const peer = await connectChannels(t, broker.port);
    await peer.ask(1, pushOf("heard"));
    peer.peer.end();
    await peer.peer.untilClosed();
    await settled(t, broker.port);
    expect(broker.getStats().doubts).toBe(0);
  });
});

describe("a peer that does not keep to the rules is told, and its connection ends:", () => {
  test.for([
    ["a frame on no channel", [channelFrame(0, PING)], "channel 0 is none"],
    ["CHANNELS again", [channelFrame(1, { command: "CHANNELS" })], "is split into channels"],
    [
      "a request before the answer to the last one",
      [channelFrame(1, POP), channelFrame(1, PING)],
      "a request came before the last one was answered",
    ],
    [
      "a frame that would keep the others waiting",
      [channelFrame(1, pushOf("x".repeat(70_000)))],
      "a frame on a channel may have 65536 bytes at most",
    ],
    [
      "more channels than there may be",
      Array.from({ length: 1_025 }, (_, index) => channelFrame(index + 1, POP)),
      "more than 1024 channels",
    ],
  ] as const)("%s", async ([, frames, reason], t) => {
    const logger = collectingLogger();
    const broker = await startBroker(t, {}, logger);
    const peer = await connectChannels(t, broker.port);
    peer.peer.write(Buffer.concat(frames));
    const rest = (await peer.peer.untilClosed()).toString();
    expect(rest).toContain(reason);
    await settled(t, broker.port);
    expect(broker.getStats()).toMatchObject({ waiters: 0, inFlight: 0, connections: 0 });
    expect(logger.lines.join("\n")).not.toMatch(/error|xxx/);
  });

  test("a request that is none is refused, and costs nobody else anything", async (t) => {
    const broker = await startBroker(t);
    const peer = await connectChannels(t, broker.port);
    peer.send(1, POP);
    expect(await peer.ask(2, { command: "TELL" })).toMatchObject({ reason: "Unknown command" });
    expect(await peer.ask(2, PING)).toMatchObject({ response: "PONG" });
    await preload(broker, QUEUE, "for the first");
    expect(await peer.frame()).toMatchObject({ channel: 1, response: "for the first" });
  });

  test("a wrong ACK ends its channel alone, and what crosses with that is not looked at", async (t) => {
    const broker = await startBroker(t);
    await preload(broker, QUEUE, "one");
    const peer = await connectChannels(t, broker.port);
    await peer.ask(1, POP);
    expect(await peer.ask(1, ackOf("another"))).toMatchObject({ reason: "ACK not received." });
    peer.send(1, { transaction_id: "another", extend: 5 });
    expect(await peer.ask(2, POP)).toMatchObject({ channel: 2, response: "one" });
    peer.end(1);
    expect(await peer.ask(1, PING)).toMatchObject({ channel: 1, response: "PONG" });
  });

  test("a frame that never ends, after its deadline", async (t) => {
    const broker = await startBroker(t, { frameTimeoutMs: 30 });
    const peer = await connectChannels(t, broker.port);
    peer.peer.write(channelFrame(1, PING).subarray(0, 12));
    await peer.peer.untilClosed();
    await settled(t, broker.port);
    expect(broker.getStats().connections).toBe(0);
  });

  test("answers that are not read, after their deadline", async (t) => {
    const broker = await startBroker(t, { frameTimeoutMs: 200 });
    await preload(broker, QUEUE, ...Array.from({ length: 64 }, () => "x".repeat(500_000)));
    const peer = await connectChannels(t, broker.port);
    peer.peer.socket.pause();
    for (let channel = 1; channel <= 64; channel++) peer.send(channel, POP);
    peer.send(65, PING);
    await expect.poll(() => broker.getStats().connections).toBe(0);
    expect(broker.getStats()).toMatchObject({ ready: 64, inFlight: 0 });
  });
});

test("an idle connection ends, and one with a held POP does not", async (t) => {
  const broker = await startBroker(t, { idleTimeoutMs: 30 });
  const held = await connectChannels(t, broker.port);
  held.send(1, POP);
  const idle = await connectChannels(t, broker.port);
  await idle.peer.untilClosed();
  await preload(broker, QUEUE, "late");
  expect(await held.frame()).toMatchObject({ channel: 1, response: "late" });
});

test("a stop answers what is held and waits for what is in work, on each channel", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, "work", "one");
  const peer = await connectChannels(t, broker.port);
  const { id } = await peer.ask(1, { ...POP, queue_name: "work" });
  peer.send(2, POP);
  peer.send(3, POP);
  await done(peer);
  const stopped = broker.stop();
  for (const channel of [2, 3]) {
    expect(await peer.frame()).toMatchObject({ channel, code: 2, reason: "Job not ready" });
  }
  expect(await peer.ask(4, pushOf("new"))).toMatchObject({ reason: "Queue is not available" });
  expect(await peer.ask(1, ackOf(id))).toMatchObject({ response: "Data processed." });
  await peer.peer.untilClosed();
  await stopped;
  expect(broker.getStats()).toMatchObject({ delivered: 1, dropped: 0 });
});
