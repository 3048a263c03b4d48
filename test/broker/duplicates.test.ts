/**
 * Goal: a push whose confirmation was lost is stored once, however its sender repeats it, while honest
 * equal pushes are never merged.
 * Method: peers that speak bytes, and end their lines at the moments that matter; a disk whose flushes
 * wait until the test lets them go.
 */
import { describe, expect, test } from "vitest";
import { realFiles } from "../../src/broker/store/segments/disk/file-layer.js";
import type { SimpleMessageBroker } from "../../src/runtime/index.js";
import { until } from "../../src/testing/index.js";
import { deferred } from "../helpers/pipeline-bench.js";
import { connectPeer, settled } from "../helpers/raw-peer.js";
import { ack, closed, job, popThrough, push, size } from "../helpers/requests.js";
import { filesWith, systemError } from "../helpers/segment-store.js";
import { type Cleanup, startBroker, takeAll } from "../helpers/start-broker.js";

const REQUESTS = { PUSH: push, PUSH_FOR_NV_INGEST: job };
type Command = keyof typeof REQUESTS;

/** A push that is stored, and whose line its sender resets before it has read that. */
async function lostPush(t: Cleanup, broker: SimpleMessageBroker, request: object): Promise<string> {
  const { stored } = broker.getStats();
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(request);
  peer.send(ack(first.id));
  await until("it is stored", () => broker.getStats().stored > stored);
  peer.socket.resetAndDestroy();
  return first.id;
}

/** A push whose sender reads its confirmation and closes in good order. */
async function heardPush(t: Cleanup, port: number, request: object): Promise<string> {
  const peer = await connectPeer(t, port);
  const first = await peer.ask(request);
  const final = await peer.ask(ack(first.id));
  expect(final).toMatchObject({ response: "Data stored.", id: first.id });
  await closed(peer);
  return first.id;
}

describe.each(["memory", "fsync"] as const)("with durability %s", (durability) => {
  describe.each(["PUSH", "PUSH_FOR_NV_INGEST"] as const)("a %s", (command: Command) => {
    const request = REQUESTS[command]("work", '{"a":1}');

    test("whose confirmation was lost is answered with its old id, and stored once", async (t) => {
      const broker = await startBroker(t, { durability });
      const id = await lostPush(t, broker, request);
      expect(await heardPush(t, broker.port, request)).toBe(id);
      expect(broker.getStats()).toMatchObject({ ready: 1, stored: 1, duplicates: 1 });
      const [text] = await takeAll(broker, "work");
      const jobId = command === "PUSH" ? {} : { job_id: id };
      expect(JSON.parse(String(text))).toEqual({ a: 1, ...jobId });
    });

    test("that is new after the repetition was heard is a push of its own", async (t) => {
      const broker = await startBroker(t, { durability });
      const id = await lostPush(t, broker, request);
      await heardPush(t, broker.port, request);
      await until("nobody doubts", () => broker.getStats().doubts === 0);
      expect(await heardPush(t, broker.port, request)).not.toBe(id);
      expect(broker.getStats()).toMatchObject({ ready: 2, duplicates: 1 });
    });

    test("may lose the answer to its repetition too", async (t) => {
      const broker = await startBroker(t, { durability });
      const id = await lostPush(t, broker, request);
      for (let i = 1; i <= 3; i++) {
        const peer = await connectPeer(t, broker.port);
        const first = await peer.ask(request);
        expect(first.id).toBe(id);
        peer.send(ack(id));
        await until("it is repeated", () => broker.getStats().duplicates === i);
        peer.socket.resetAndDestroy();
      }
      expect(await heardPush(t, broker.port, request)).toBe(id);
      expect(broker.getStats()).toMatchObject({ ready: 1, stored: 1, duplicates: 4 });
    });

    test("whose repetition is not acknowledged stays in doubt", async (t) => {
      const broker = await startBroker(t, { durability });
      const id = await lostPush(t, broker, request);
      const peer = await connectPeer(t, broker.port);
      await peer.ask(request);
      expect((await peer.ask(ack(id, false))).reason).toBe("ACK not received.");
      expect(broker.getStats()).toMatchObject({ duplicates: 0, doubts: 1 });
      expect(await heardPush(t, broker.port, request)).toBe(id);
    });

    test("that was lost and consumed already is not stored again", async (t) => {
      const broker = await startBroker(t, { durability });
      const id = await lostPush(t, broker, request);
      expect(await takeAll(broker, "work")).toHaveLength(1);
      expect(await heardPush(t, broker.port, request)).toBe(id);
      expect(await takeAll(broker, "work")).toEqual([]);
    });

    test("is one of its own when its sender heard of an equal one", async (t) => {
      const broker = await startBroker(t, { durability });
      const ids = new Set<string>();
      for (let i = 0; i < 5; i++) ids.add(await heardPush(t, broker.port, request));
      const all = Array.from({ length: 20 }, () => heardPush(t, broker.port, request));
      for (const id of await Promise.all(all)) ids.add(id);
      expect(ids.size).toBe(25);
      expect(broker.getStats()).toMatchObject({ ready: 25, duplicates: 0, doubts: 0 });
    });

    test("is one of its own when it follows an equal one on the same line", async (t) => {
      const broker = await startBroker(t, { durability });
      const peer = await connectPeer(t, broker.port);
      const ids = new Set<string>();
      for (let i = 0; i < 5; i++) {
        const first = await peer.ask(request);
        ids.add(first.id);
        await peer.ask(ack(first.id));
      }
      expect(ids.size).toBe(5);
      peer.socket.resetAndDestroy();
      await until("the last is in doubt", () => broker.getStats().doubts === 1);
      expect(ids).toContain(await heardPush(t, broker.port, request));
      expect(broker.getStats()).toMatchObject({ ready: 5, duplicates: 1 });
    });

    test("is one of its own while the line of an equal one stands", async (t) => {
      const broker = await startBroker(t, { durability });
      const peer = await connectPeer(t, broker.port);
      const first = await peer.ask(request);
      await peer.ask(ack(first.id));
      expect(await heardPush(t, broker.port, request)).not.toBe(first.id);
      expect(broker.getStats()).toMatchObject({ ready: 2, duplicates: 0 });
    });
  });

  test.for(["one after the other", "at the same time"])(
    "equal pushes that were lost together and are repeated %s are each stored once",
    async (how, t) => {
      const broker = await startBroker(t, { durability });
      const request = push("work", "m");
      const lost = [];
      for (let i = 0; i < 3; i++) {
        const peer = await connectPeer(t, broker.port);
        const { id } = await peer.ask(request);
        peer.send(ack(id));
        lost.push({ peer, id });
      }
      await until("all are stored", () => broker.getStats().stored === 3);
      for (const { peer } of lost) peer.socket.resetAndDestroy();
      await until("all are in doubt", () => broker.getStats().doubts === 3);
      const ids: string[] = [];
      const repeat = async () => ids.push(await heardPush(t, broker.port, request));
      if (how === "at the same time") await Promise.all([repeat(), repeat(), repeat()]);
      else for (let i = 0; i < 3; i++) await repeat();
      expect(ids.sort()).toEqual(lost.map(({ id }) => id).sort());
      expect(broker.getStats()).toMatchObject({ ready: 3, stored: 3, duplicates: 3, doubts: 0 });
    },
  );

  test("a repetition that comes in the very moment of the reset is known", async (t) => {
    const broker = await startBroker(t, { durability });
    for (let i = 0; i < 50; i++) {
      const request = push("work", `message ${i}`);
      const next = await connectPeer(t, broker.port);
      const id = await lostPush(t, broker, request);
      next.send(request);
      expect((await next.frame()).id).toBe(id);
      await next.ask(ack(id));
      await closed(next);
    }
    expect(broker.getStats()).toMatchObject({ ready: 50, duplicates: 50 });
  });

  test.for([
    ["the message", push("work", "another")],
    ["the queue", push("other", "same")],
    ["the command", job("work", '{"same":1}')],
  ] as const)("a push that differs in %s is no repetition", async ([, other], t) => {
    const broker = await startBroker(t, { durability });
    const isJob = other.command === "PUSH_FOR_NV_INGEST";
    const id = await lostPush(t, broker, push("work", isJob ? '{"same":1}' : "same"));
    expect(await heardPush(t, broker.port, other)).not.toBe(id);
    expect(broker.getStats()).toMatchObject({ ready: 2, duplicates: 0, doubts: 1 });
  });

  test("a result whose confirmation was lost can be repeated, though its job is over", async (t) => {
    const broker = await startBroker(t, { durability });
    const jobId = await heardPush(t, broker.port, job("work"));
    const id = await lostPush(t, broker, push(jobId, "done"));
    expect(await heardPush(t, broker.port, push(jobId, "done"))).toBe(id);
    const peer = await connectPeer(t, broker.port);
    expect((await peer.ask(push(jobId, "else"))).reason).toBe("Job is over");
    expect(await popThrough(peer, jobId)).toBe("done");
  });

  test("a repetition is answered when its queue has become full", async (t) => {
    const broker = await startBroker(t, { durability, brokerParams: { maxQueueSize: 1 } });
    const request = push("work", "m");
    const id = await lostPush(t, broker, request);
    expect(await heardPush(t, broker.port, request)).toBe(id);
    const peer = await connectPeer(t, broker.port);
    expect((await peer.ask(request)).reason).toBe("Queue is full");
  });
});

/** A broker whose flushes wait for the test. */
async function startHeldUp(t: Cleanup) {
  let gate: Promise<void> = Promise.resolve();
  let flushing = 0;
  const files = filesWith({
    flush: async (fd) => {
      flushing++;
      await gate;
      await realFiles.flush(fd);
      flushing--;
    },
  });
  const broker = await startBroker(t, { durability: "fsync" }, undefined, files);
  const open = deferred();
  gate = open.promise;
  return { broker, open: () => open.resolve(), isFlushing: () => flushing > 0 };
}

describe("while a push is on its way to the disk", () => {
  test.for(["closes", "resets"])(
    "a sender that %s its line has not heard of it",
    async (how, t) => {
      const { broker, open, isFlushing } = await startHeldUp(t);
      const request = push("work", "m");
      const peer = await connectPeer(t, broker.port);
      const first = await peer.ask(request);
      peer.send(ack(first.id));
      await until("it is flushed", isFlushing);
      if (how === "closes") peer.end();
      else peer.socket.resetAndDestroy();
      await settled(t, broker.port);
      expect(broker.getStats()).toMatchObject({ stored: 0, ready: 0 });
      open();
      await until("it is stored", () => broker.getStats().stored === 1);
      await until("it is in doubt", () => broker.getStats().doubts === 1);
      expect(await heardPush(t, broker.port, request)).toBe(first.id);
      expect(broker.getStats()).toMatchObject({ ready: 1, stored: 1, duplicates: 1 });
    },
  );

  test("its repetition is confirmed when it is on the disk, and not before", async (t) => {
    const { broker, open, isFlushing } = await startHeldUp(t);
    const request = push("work", "m");
    const peer = await connectPeer(t, broker.port);
    const first = await peer.ask(request);
    peer.send(ack(first.id));
    await until("it is flushed", isFlushing);
    peer.socket.resetAndDestroy();
    await until("it is in doubt", () => broker.getStats().doubts === 1);
    const next = await connectPeer(t, broker.port);
    expect((await next.ask(request)).id).toBe(first.id);
    next.send(ack(first.id));
    await settled(t, broker.port);
    const { bytesRead } = next.socket;
    await settled(t, broker.port);
    expect(next.socket.bytesRead).toBe(bytesRead);
    open();
    expect((await next.frame()).response).toBe("Data stored.");
    expect((await next.ask(size("work"))).response).toBe("1");
  });
});

test("a push that the disk did not take after all is a new one when it comes again", async (t) => {
  let isFull = false;
  const fail = deferred();
  const files = filesWith({
    write: async (...given) => {
      if (!isFull) return await realFiles.write(...given);
      await fail.promise;
      throw systemError("ENOSPC");
    },
  });
  const broker = await startBroker(t, { durability: "fsync" }, undefined, files);
  const request = push("work", "m");
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(request);
  isFull = true;
  peer.send(ack(first.id));
  await settled(t, broker.port);
  peer.socket.resetAndDestroy();
  await until("it is in doubt", () => broker.getStats().doubts === 1);
  fail.resolve();
  await until("it is not stored", () => broker.getStats().doubts === 0);
  isFull = false;
  await until("there is room again", () => !broker.getStats().store.isFull);
  expect(await heardPush(t, broker.port, request)).not.toBe(first.id);
  expect(broker.getStats()).toMatchObject({ ready: 1, stored: 1, duplicates: 0 });
});

test("a sender whose push was not kept sees the end of the line, and nothing of it is there", async (t) => {
  let isFull = false;
  const files = filesWith({
    write: async (...given) => {
      if (isFull) throw systemError("ENOSPC");
      return await realFiles.write(...given);
    },
  });
  const broker = await startBroker(t, { durability: "fsync" }, undefined, files);
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(push("work", "m"));
  isFull = true;
  peer.send(ack(first.id));
  expect(await peer.untilClosed()).toHaveLength(0);
  const other = await connectPeer(t, broker.port);
  expect((await other.ask(push("work", "m"))).reason).toBe("Queue is full");
  expect(broker.getStats()).toMatchObject({ ready: 0, stored: 0, doubts: 0, heldBytes: 0 });
  isFull = false;
  await until("there is room again", () => !broker.getStats().store.isFull);
  await heardPush(t, broker.port, push("work", "m"));
});
