/**
 * Goal: a job that is cancelled while its body is read from the disk is handed to nobody, and the
 * consumer that waited for it gets the next one. Method: a durable broker without a cache whose reads
 * wait for the test.
 */
import { expect, test } from "vitest";
import { type FileLayer, realFiles } from "../../src/broker/store/segments/disk/file-layer.js";
import { SimpleMessageBroker } from "../../src/runtime/index.js";
import { decodeBody, encodeBody } from "../../src/wire/index.js";
import { deferred, textJob } from "../helpers/pipeline-bench.js";
import { connectPeer } from "../helpers/raw-peer.js";
import { pop } from "../helpers/requests.js";
import type { Cleanup } from "../helpers/start-broker.js";
import { temporaryFolder } from "../helpers/temporary-folder.js";

async function startWithSlowReads(t: Cleanup) {
  const asked = deferred();
  const allowed = deferred();
  let isSlow = false;
  const read: FileLayer["read"] = async (...given) => {
    if (isSlow) {
      asked.resolve();
      await allowed.promise;
    }
    return realFiles.read(...given);
  };
  const dataDir = await temporaryFolder(t);
  const options = {
    port: 0,
    durability: "os",
    dataDir,
    minFreeBytes: 0,
    maxCachedBytes: 0,
  } as const;
  const broker = new SimpleMessageBroker(options, { files: { ...realFiles, read } });
  await broker.start();
  t.onTestFinished(() => broker.stop({ drainTimeoutMs: 1 }));
  const store = (text: string) =>
    broker.store("q", encodeBody(textJob(text)), { stampJobId: true });
  const first = await store("first");
  const second = await store("second");
  isSlow = true;
  return { broker, first, second, asked: asked.promise, allow: () => allowed.resolve() };
}

test("over TCP the consumer gets the next job", async (t) => {
  const { broker, first, second, asked, allow } = await startWithSlowReads(t);
  const peer = await connectPeer(t, broker.port);
  const answer = peer.ask(pop("q"));
  await asked;
  expect(await broker.cancel(first)).toBe("cancelled");
  allow();
  expect((await answer).response).toContain(second);
});

test("in process the consumer gets the next job", async (t) => {
  const { broker, first, second, asked, allow } = await startWithSlowReads(t);
  const taken = broker.take("q", { waitMs: 10_000 });
  await asked;
  expect(await broker.cancel(first)).toBe("cancelled");
  allow();
  const held = await taken;
  expect(decodeBody(held?.body ?? Buffer.alloc(0))).toContain(second);
});
