// A client that lost its final response and repeats at once was stored twice: the broker took note of
// the loss only when the connection had closed, and the repetition was there before that. And one that
// closed while the final response was written counted as one that had read it.
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { type FileLayer, realFiles } from "../../src/broker/store/segments/disk/file-layer.js";
import { SimpleMessageBroker } from "../../src/runtime/index.js";
import { until } from "../../src/testing/index.js";
import { connectPeer, frameOf } from "../helpers/raw-peer.js";
import { ack, push, pushThrough } from "../helpers/requests.js";
import { systemError } from "../helpers/segment-store.js";
import { type Cleanup, startBroker, takeAll } from "../helpers/start-broker.js";
import { temporaryFolder } from "../helpers/temporary-folder.js";

async function startDurable(t: Cleanup, files: FileLayer = realFiles) {
  const dataDir = await temporaryFolder(t);
  const options = { port: 0, durability: "fsync", dataDir, minFreeBytes: 0 } as const;
  const broker = new SimpleMessageBroker(options, { files });
  await broker.start();
  t.onTestFinished(() => broker.stop({ drainTimeoutMs: 1 }));
  return broker;
}

/** Sends the ACK of a push and is gone, at once or when `mayLeave` says so. */
async function pushAndLeave(
  port: number,
  text: string,
  how: "reset" | "close",
  mayLeave = () => true,
): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(frameOf(push("q", text)));
  const chunk = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
  const { transaction_id } = JSON.parse(chunk.subarray(8).toString());
  await new Promise((resolve) => socket.write(frameOf(ack(transaction_id)), resolve));
  if (!mayLeave()) await until("the client may leave", mayLeave);
  if (how === "reset") socket.resetAndDestroy();
  else socket.destroy();
  await closed;
}

for (const how of ["reset", "close"] as const) {
  test(`a push that is repeated right after a ${how} is stored once`, async (t) => {
    // A flush that takes its time, so that both find the first push on its way to the disk.
    const flush: FileLayer["flush"] = async (fd) => {
      await realFiles.flush(fd);
      await delay(5);
    };
    const broker = await startDurable(t, { ...realFiles, flush });
    for (let number = 0; number < 20; number++) {
      await pushAndLeave(broker.port, `${number}`, how);
      const peer = await connectPeer(t, broker.port);
      expect(await pushThrough(peer, "q", `${number}`)).toMatchObject({ response: "Data stored." });
    }
    const numbers = Array.from({ length: 20 }, (_, number) => `${number}`);
    expect(await takeAll(broker, "q")).toEqual(numbers);
  });
}

test("a push whose client closed as the response was written is stored once", async (t) => {
  const broker = await startBroker(t);
  for (let number = 0; number < 20; number++) {
    await pushAndLeave(broker.port, `${number}`, "close");
    const peer = await connectPeer(t, broker.port);
    await pushThrough(peer, "q", `${number}`);
  }
  expect(await takeAll(broker, "q")).toHaveLength(20);
});

test("equal pushes of clients that close when they have read are two", async (t) => {
  const broker = await startBroker(t);
  for (let number = 0; number < 20; number++) {
    const peer = await connectPeer(t, broker.port);
    await pushThrough(peer, "q", "equal");
    peer.socket.destroy();
  }
  expect(await takeAll(broker, "q")).toHaveLength(20);
});

test("a push whose client left and that found no room is stored when it comes again", async (t) => {
  let isFull = false;
  let isWriting = false;
  const write: FileLayer["write"] = async (...given) => {
    if (!isFull) return realFiles.write(...given);
    isWriting = true;
    await until("the client is gone", () => broker.getStats().connections === 0);
    isFull = false;
    throw systemError("ENOSPC");
  };
  const broker = await startDurable(t, { ...realFiles, write });
  isFull = true;
  await pushAndLeave(broker.port, "a", "reset", () => isWriting);
  await until("the write has failed", () => broker.getStats().store.isFull);
  await until("there is room again", () => !broker.getStats().store.isFull);
  const peer = await connectPeer(t, broker.port);
  expect(await pushThrough(peer, "q", "a")).toMatchObject({ response: "Data stored." });
  expect(await takeAll(broker, "q")).toEqual(["a"]);
});
