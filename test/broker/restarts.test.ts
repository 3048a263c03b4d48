/**
 * Goal: what a broker said it stored is there once after its death, at its place, and what it could not
 * say is known again when it is repeated.
 * Method: brokers as processes of their own that are killed, and brokers in this process that are
 * stopped, on the same data directory.
 */
import { describe, expect, test } from "vitest";
import type { SimpleMessageBroker } from "../../src/runtime/index.js";
import { until } from "../../src/testing/index.js";
import { connectPeer, type RawPeer, settled } from "../helpers/raw-peer.js";
import {
  ack,
  cancel,
  closed,
  extend,
  job,
  jobThrough,
  pop,
  popThrough,
  push,
  pushThrough,
  size,
} from "../helpers/requests.js";
import { type Cleanup, startBroker } from "../helpers/start-broker.js";
import { listeningPort, startCli } from "../helpers/start-cli.js";
import { temporaryFolder } from "../helpers/temporary-folder.js";

interface Mortal {
  readonly port: number;
  /** Ends it by SIGKILL; resolves when it is dead. */
  kill(): Promise<void>;
}

async function startMortal(
  t: Cleanup,
  dataDir: string,
  ...more: readonly string[]
): Promise<Mortal> {
  const cli = startCli(t, ["broker", "--port", "0", "--data-dir", dataDir, ...more]);
  const port = await listeningPort(cli);
  return {
    port,
    async kill() {
      cli.child.kill("SIGKILL");
      await cli.ended;
    },
  };
}

/** Resolves when so many messages are ready in the queue. */
async function untilReady(t: Cleanup, port: number, queueName: string, count: number) {
  const peer = await connectPeer(t, port);
  while ((await peer.ask(size(queueName))).response !== String(count));
  await closed(peer);
}

/** A push as far as its ACK, whose answer nobody reads. */
async function acknowledged(peer: RawPeer, request: object): Promise<string> {
  const { id } = await peer.ask(request);
  peer.send(ack(id));
  return id;
}

describe.each(["fsync", "os"])("after a broker with durability %s was killed", (durability) => {
  test("every confirmed message is there once, in its order, and those in work are back", async (t) => {
    const dataDir = await temporaryFolder(t);
    const first = await startMortal(t, dataDir, "--durability", durability);
    const peer = await connectPeer(t, first.port);
    for (const text of ["a", "b", "c", "d"]) await pushThrough(peer, "q", text);
    const jobId = await jobThrough(peer, "work", '{"n":1}');
    expect(await popThrough(peer, "q")).toBe("a");
    for (const queueName of ["q", "work"]) {
      const consumer = await connectPeer(t, first.port);
      await consumer.ask(pop(queueName, 60));
    }
    await first.kill();
    const second = await startMortal(t, dataDir, "--durability", durability);
    const again = await connectPeer(t, second.port);
    const texts = [];
    for (let i = 0; i < 4; i++) texts.push(await popThrough(again, "q"));
    expect(texts).toEqual(["b", "c", "d", null]);
    expect(JSON.parse(String(await popThrough(again, "work")))).toEqual({ n: 1, job_id: jobId });
    expect((await pushThrough(again, jobId, "done")).response).toBe("Data stored.");
  });

  test("a push that it stored and did not confirm is known when it is repeated", async (t) => {
    const dataDir = await temporaryFolder(t);
    const first = await startMortal(t, dataDir, "--durability", durability);
    const requests = [push("q", "m"), job("work", '{"n":1}')];
    const ids: string[] = [];
    for (const request of requests) {
      const peer = await connectPeer(t, first.port);
      ids.push(await acknowledged(peer, request));
      await untilReady(t, first.port, request.queue_name, 1);
    }
    await first.kill();
    const second = await startMortal(t, dataDir, "--durability", durability);
    for (const [index, request] of requests.entries()) {
      const peer = await connectPeer(t, second.port);
      const answer = await peer.ask(request);
      expect(answer.id).toBe(ids[index]);
      expect((await peer.ask(ack(answer.id))).response).toBe("Data stored.");
      expect((await peer.ask(size(request.queue_name))).response).toBe("1");
      // That was heard, so the next one is another.
      const { id } = await peer.ask(request);
      expect(id).not.toBe(ids[index]);
      await peer.ask(ack(id));
      expect((await peer.ask(size(request.queue_name))).response).toBe("2");
    }
  });

  test("a job that kills its consumers is given up over all its deaths", async (t) => {
    const dataDir = await temporaryFolder(t);
    const args = ["--durability", durability, "--max-deliveries", "2"];
    let broker = await startMortal(t, dataDir, ...args);
    const jobId = await jobThrough(await connectPeer(t, broker.port), "work");
    for (let i = 0; i < 2; i++) {
      const consumer = await connectPeer(t, broker.port);
      const { id } = await consumer.ask(pop("work", 60));
      consumer.send(extend(id, 60));
      await settled(t, broker.port);
      await broker.kill();
      broker = await startMortal(t, dataDir, ...args);
    }
    const peer = await connectPeer(t, broker.port);
    const failed = await peer.ask(pop(jobId, 60));
    expect(failed.response).toContain("2 consumers were lost");
    await peer.ask(ack(failed.id));
    expect((await peer.ask(size("work"))).response).toBe("0");
  });

  test("results, fetched ones too, and what was cancelled stay what they are", async (t) => {
    const dataDir = await temporaryFolder(t);
    const first = await startMortal(t, dataDir, "--durability", durability);
    const peer = await connectPeer(t, first.port);
    const [fetched, waiting, cancelled] = [
      await jobThrough(peer, "work"),
      await jobThrough(peer, "work"),
      await jobThrough(peer, "work"),
    ];
    await pushThrough(peer, fetched, "fetched");
    await popThrough(peer, fetched);
    await pushThrough(peer, waiting, "waiting");
    expect((await peer.ask(cancel(cancelled))).response).toBe("cancelled");
    await first.kill();
    const second = await startMortal(t, dataDir, "--durability", durability);
    const again = await connectPeer(t, second.port);
    expect(await popThrough(again, fetched)).toBe("fetched");
    expect(await popThrough(again, waiting)).toBe("waiting");
    expect(await popThrough(again, cancelled)).toContain("cancelled");
    expect((await again.ask(size("work"))).response).toBe("0");
    for (const id of [fetched, waiting, cancelled]) {
      expect((await pushThrough(again, id, "late")).reason).toBe("Job is over");
    }
  });
});

/** Stops a broker and starts it again on the same data directory. */
async function restart(broker: SimpleMessageBroker): Promise<void> {
  await broker.stop();
  await broker.start();
}

describe("after a broker was stopped in good order", () => {
  test("a push that was heard is not mixed up with the next equal one", async (t) => {
    const broker = await startBroker(t, { durability: "fsync" });
    const peer = await connectPeer(t, broker.port);
    await pushThrough(peer, "q", "m");
    await closed(peer);
    await restart(broker);
    const again = await connectPeer(t, broker.port);
    await pushThrough(again, "q", "m");
    expect((await again.ask(size("q"))).response).toBe("2");
    expect(broker.getStats()).toMatchObject({ duplicates: 0, doubts: 0 });
  });

  test("a push that was lost before is still known", async (t) => {
    const broker = await startBroker(t, { durability: "fsync" });
    const peer = await connectPeer(t, broker.port);
    const id = await acknowledged(peer, push("q", "m"));
    await until("it is stored", () => broker.getStats().stored === 1);
    peer.socket.resetAndDestroy();
    await until("it is in doubt", () => broker.getStats().doubts === 1);
    await restart(broker);
    expect(broker.getStats().doubts).toBe(1);
    const again = await connectPeer(t, broker.port);
    expect((await again.ask(push("q", "m"))).id).toBe(id);
  });

  test.for(["held", "acknowledged"])("a job that was %s lost no chance by it", async (how, t) => {
    const queues = { work: { settle: "on-result" } } as const;
    const broker = await startBroker(t, { durability: "fsync", maxDeliveries: 1, queues });
    const jobId = await jobThrough(await connectPeer(t, broker.port), "work");
    const consumer = await connectPeer(t, broker.port);
    const { id } = await consumer.ask(pop("work", 60));
    consumer.send(how === "held" ? extend(id, 60) : ack(id));
    await settled(t, broker.port);
    await broker.stop({ drainTimeoutMs: 1 });
    await broker.start();
    const next = await connectPeer(t, broker.port);
    expect(String(await popThrough(next, "work"))).toContain(jobId);
    expect(broker.getStats().jobs).toMatchObject({ givenUp: 0, openJobs: 1 });
  });

  test("a result that went before the restart is told as expired, a made-up name is not", async (t) => {
    const broker = await startBroker(t, { durability: "fsync", maxRetainedBytes: 0 });
    const peer = await connectPeer(t, broker.port);
    const jobId = await jobThrough(peer, "work");
    await pushThrough(peer, jobId, "done");
    await popThrough(peer, jobId);
    await closed(peer);
    await restart(broker);
    const again = await connectPeer(t, broker.port);
    const answer = await again.ask(pop(jobId, 60));
    expect(answer.code).toBe(1);
    expect(answer.reason).toMatch(/^Result expired before \d{4}-\d\d-\d\dT/);
    const other = await again.ask(pop("00000000-0000-4000-8000-000000000000", 0));
    expect(other.reason).toBe("Job not ready");
  });

  test("jobs whose result it could not store any more are open, and get one later", async (t) => {
    const broker = await startBroker(t, { durability: "fsync" });
    const peer = await connectPeer(t, broker.port);
    const jobId = await jobThrough(peer, "work");
    const worker = await connectPeer(t, broker.port);
    await worker.ask(push(jobId, "never acknowledged", 60));
    await broker.stop({ drainTimeoutMs: 1 });
    await broker.start();
    const again = await connectPeer(t, broker.port);
    expect((await pushThrough(again, jobId, "done")).response).toBe("Data stored.");
    expect(await popThrough(again, jobId)).toBe("done");
  });
});
