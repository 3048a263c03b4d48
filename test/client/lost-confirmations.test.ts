/**
 * Goal: with a broker of ours nothing is stored twice and nothing is gone when the line ends between a
 * step and the word that it is done. Method: a real broker behind a proxy that ends connections in the
 * very moment in which the broker says that word.
 */
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { SimpleClient } from "../../src/client/index.js";
import { type Cleanup, startBroker } from "../helpers/start-broker.js";
import { startServer } from "../helpers/upstream-like-broker.js";

const QUEUE = "jobs";
const JOB = '{"job_id":"None"}';

describe("a push whose confirmation is lost", () => {
  test.for([1, 2])("%i times is stored once, under the id that is told", async (count, t) => {
    const { client, direct } = await startBehind(t, "Data stored.", count);
    const { transactionId } = await client.submitMessage(QUEUE, JOB, { forNvIngest: true });
    expect(await direct.size(QUEUE)).toBe(1);
    expect(JSON.parse((await direct.fetchMessage(QUEUE)) ?? "")).toEqual({ job_id: transactionId });
  });

  test("is told from the same message sent a second time", async (t) => {
    const { client, direct } = await startBehind(t, "Data stored.", 1);
    const first = await client.submitMessage(QUEUE, JOB, { forNvIngest: true });
    const second = await client.submitMessage(QUEUE, JOB, { forNvIngest: true });
    expect(first.transactionId).not.toBe(second.transactionId);
    expect(await direct.size(QUEUE)).toBe(2);
  });

  test("of a result leaves the job with that one result", async (t) => {
    const { client, direct } = await startBehind(t, "Data stored.", 1);
    const { transactionId: jobId } = await direct.submitMessage(QUEUE, JOB, { forNvIngest: true });
    const delivery = await direct.fetchDelivery(QUEUE);
    if (delivery === undefined) throw new Error("there is a job");
    await client.submitMessage(jobId, "the result", { leaseId: delivery.leaseId });
    await delivery.acknowledge();
    expect(await direct.fetchMessage(jobId)).toBe("the result");
  });
});

test("a result whose confirmation is lost was fetched, and can be fetched again", async (t) => {
  const { client, direct } = await startBehind(t, "Data processed.", 1);
  const { transactionId: jobId } = await direct.submitMessage(QUEUE, JOB, { forNvIngest: true });
  const delivery = await direct.fetchDelivery(QUEUE);
  await direct.submitMessage(jobId, "the result", { leaseId: delivery?.leaseId });
  await delivery?.acknowledge();
  expect(await client.fetchMessage(jobId)).toBe("the result");
  expect(await client.fetchMessage(jobId)).toBe("the result");
});

/** A broker, a client that reaches it through the proxy, and one that does not need to. */
async function startBehind(t: Cleanup, word: string, count: number) {
  const broker = await startBroker(t);
  const port = await startCutter(t, broker.port, { word, count });
  const clientOf = (at: number) => {
    const client = new SimpleClient({ host: "127.0.0.1", port: at, maxBackoffMs: 20 });
    t.onTestFinished(() => client.close());
    return client;
  };
  return { client: clientOf(port), direct: clientOf(broker.port) };
}

/** A proxy that ends the first connections on which the server says `word`, without handing it on. */
function startCutter(
  t: Cleanup,
  targetPort: number,
  { word, count }: { readonly word: string; readonly count: number },
): Promise<number> {
  let leftCount = count;
  return startServer(t, async (near) => {
    const far = connect({ host: "127.0.0.1", port: targetPort, noDelay: true });
    far.on("error", () => {});
    near.on("close", () => far.destroy());
    near.pipe(far);
    far.on("data", (chunk) => {
      if (leftCount > 0 && chunk.includes(word)) {
        leftCount--;
        // An orderly end would tell the broker that its word was heard.
        far.resetAndDestroy();
        near.destroy();
      } else near.write(chunk);
    });
    await new Promise((resolve) => far.once("close", resolve));
  });
}
