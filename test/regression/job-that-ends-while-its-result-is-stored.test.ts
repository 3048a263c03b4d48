// A job that was cancelled, or lost its consumer once too often, while its result was on its way to
// the disk got a second result: the ledger's own one beside that of the worker.
import { expect, test } from "vitest";
import { type FileLayer, realFiles } from "../../src/broker/store/segments/disk/file-layer.js";
import { Gate } from "../../src/core/index.js";
import { SimpleMessageBroker } from "../../src/runtime/index.js";
import { until } from "../../src/testing/index.js";
import { decodeBody, encodeBody } from "../../src/wire/index.js";
import { connectPeer, settled } from "../helpers/raw-peer.js";
import { pop } from "../helpers/requests.js";
import { systemError } from "../helpers/segment-store.js";
import type { Cleanup } from "../helpers/start-broker.js";
import { temporaryFolder } from "../helpers/temporary-folder.js";

const GATE_MS = 20_000;

/** A broker with a job, whose disk waits before the write of its result and then may refuse it. */
async function startWithJob(t: Cleanup, outcome: "stored" | "refused") {
  const gate = new Gate();
  let isWatched = false;
  let isWriting = false;
  const write: FileLayer["write"] = async (fd, buffers, position) => {
    if (!isWatched || !Buffer.concat(buffers).includes("the answer")) {
      return realFiles.write(fd, buffers, position);
    }
    isWatched = false;
    isWriting = true;
    await gate.wait(GATE_MS);
    if (outcome === "refused") throw systemError("ENOSPC");
    return realFiles.write(fd, buffers, position);
  };
  const dataDir = await temporaryFolder(t);
  const options = { port: 0, durability: "fsync", dataDir, minFreeBytes: 0 } as const;
  const broker = new SimpleMessageBroker(
    { ...options, maxDeliveries: 1 },
    { files: { ...realFiles, write } },
  );
  await broker.start();
  t.onTestFinished(() => broker.stop({ drainTimeoutMs: 1 }));
  const jobId = await broker.store("jobs", encodeBody('{"job_id":""}'), { stampJobId: true });
  /** Resolves when the answer is on its way to the disk, with what comes of it. */
  const answer = async () => {
    isWatched = true;
    const options = { stampJobId: false };
    const stored = broker.store(jobId, encodeBody("the answer"), options).then(
      () => "stored",
      () => "refused",
    );
    await until("the answer is being written", () => isWriting);
    return { stored };
  };
  return { broker, jobId, gate, answer };
}

/** The one result; and once more, for it is kept and another one would come then. */
async function resultOf(broker: SimpleMessageBroker, jobId: string): Promise<string> {
  const texts: string[] = [];
  for (let time = 0; time < 3; time++) {
    const held = await broker.take(jobId, { waitMs: 0 });
    texts.push(decodeBody(held?.body ?? Buffer.alloc(0)));
    await held?.acknowledge();
  }
  expect(new Set(texts).size).toBe(1);
  return texts[0] as string;
}

test("a cancel while the result is being stored comes too late", async (t) => {
  const { broker, jobId, gate, answer } = await startWithJob(t, "stored");
  const { stored } = await answer();
  const cancelled = broker.cancel(jobId);
  gate.open();
  expect(await stored).toBe("stored");
  expect(await cancelled).toBe("over");
  expect(broker.getStats().jobs).toMatchObject({ answered: 1, cancelled: 0, openJobs: 0 });
  expect(await resultOf(broker, jobId)).toBe("the answer");
});

test("a cancel while a result is being stored counts when that finds no room", async (t) => {
  const { broker, jobId, gate, answer } = await startWithJob(t, "refused");
  const { stored } = await answer();
  const cancelled = broker.cancel(jobId);
  gate.open();
  expect(await stored).toBe("refused");
  expect(await cancelled).toBe("cancelled");
  expect(await resultOf(broker, jobId)).toContain("cancelled");
});

for (const outcome of ["stored", "refused"] as const) {
  test(`a consumer that is lost while the result is ${outcome}`, async (t) => {
    const { broker, jobId, gate, answer } = await startWithJob(t, outcome);
    const consumer = await connectPeer(t, broker.port);
    const { id } = await consumer.ask(pop("jobs"));
    // A sign of life: without one it would not count as lost.
    consumer.send({ transaction_id: id, extend: 60 });
    await settled(t, broker.port);
    const { stored } = await answer();
    consumer.socket.resetAndDestroy();
    await until("it is gone", () => broker.getStats().connections === 0);
    gate.open();
    expect(await stored).toBe(outcome);
    // One delivery is all that a job gets here, so without its answer it is given up.
    const isStored = outcome === "stored";
    await until("the job is over", () => broker.getStats().jobs?.openJobs === 0);
    expect(broker.getStats().jobs?.deadLetters).toBe(isStored ? 0 : 1);
    expect(await resultOf(broker, jobId)).toContain(isStored ? "the answer" : "given up");
  });
}
