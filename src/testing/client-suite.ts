/** The one suite that every client of a broker passes, whatever carries its calls. */
import assert from "node:assert/strict";
import type { MessageBrokerClient } from "../client/index.js";
import { leaseIds, lostByClose, neverLost } from "./client-suite-deliveries.js";
import {
  abortDelivery,
  abortedBefore,
  abortFetch,
  abortSubmit,
  close,
  useAfterClose,
} from "./client-suite-ends.js";
import {
  type Body,
  type ClientBench,
  type ClientBenchOptions,
  expectDelivery,
  NEVER_POLLS,
  QUEUE,
  rejectsWith,
  untilHeld,
} from "./client-suite-kit.js";
import type { TestRunner } from "./test-runner.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

type Factory = (options?: ClientBenchOptions) => Promise<ClientBench>;

/** Tests a client. The factory gives each test a broker without messages. */
export function clientSuite(name: string, factory: Factory, runner: TestRunner): void {
  const { describe, test } = runner;
  const clientTest = (title: string, body: Body, options?: ClientBenchOptions) =>
    test(title, async () => {
      await using bench = await factory(options);
      await body(bench.connect(), bench);
    });

  describe(`what every client does: ${name}`, () => {
    clientTest("messages come out in the order they went in", order);
    clientTest("a message in work stays with its consumer until it is settled", settle);
    clientTest("a released message is back at its old place", oldPlace);
    clientTest("many consumers get each message once", consumers);
    clientTest("a job gets the id that its submitter is told, and keeps its digits", jobIds);
    clientTest("an empty queue gives nothing, at once or after the time given", nothing);
    clientTest("a fetch that waits is woken by a message", wokenByPush);
    clientTest("a fetch that waits is woken by a message that is given back", wokenByRelease);
    clientTest("a full queue is tried again until there is a place", placeComes, {
      maxQueueSize: 1,
    });
    clientTest("a queue that stays full is told when the time is over", staysFull, {
      maxQueueSize: 2,
    });
    clientTest("text of every script and sign comes back as it was", unicode);
    clientTest("what is no text, or names no queue, is refused", refusals);
    clientTest("5 MB of text come back as they were", large);
    clientTest("a call with a signal that fired before does nothing", abortedBefore);
    clientTest("a fetch that is aborted at any point loses no message", abortFetch);
    clientTest("a delivery that is aborted at any point loses no message", abortDelivery);
    clientTest("a submit that is aborted at any point stores once or not at all", abortSubmit);
    clientTest("closing ends the calls that wait and gives back what is in work", close);
    clientTest("each delivery has an id of its own", leaseIds);
    clientTest("closing tells consumers that their deliveries are lost, once", lostByClose);
    clientTest("a delivery that is settled is never lost", neverLost);
    clientTest("a closed client refuses every call", useAfterClose);
  });
}

const order: Body = async (client) => {
  const sent = Array.from({ length: 20 }, (_, index) => `message ${index}`);
  for (const text of sent) await client.submitMessage(QUEUE, text);
  await client.submitMessage("another queue", "elsewhere");
  assert.equal(await client.size(QUEUE), 20);
  const got: unknown[] = [];
  for (const _ of sent) got.push(await client.fetchMessage(QUEUE));
  assert.deepEqual(got, sent);
  assert.equal(await client.size(QUEUE), 0);
  assert.equal(await client.fetchMessage("another queue"), "elsewhere");
};

const settle: Body = async (client, bench) => {
  const other = bench.connect();
  await client.submitMessage(QUEUE, "one");
  const delivery = await expectDelivery(client);
  assert.equal(delivery.message, "one");
  assert.equal(await client.size(QUEUE), 0);
  assert.equal(await other.fetchMessage(QUEUE, { timeoutMs: 0 }), undefined);
  await delivery.acknowledge();
  assert.equal(await other.fetchMessage(QUEUE, { timeoutMs: 0 }), undefined);
  await rejectsWith("CLIENT_DELIVERY_SETTLED", delivery.acknowledge());
  await delivery.release();
  assert.equal(await client.size(QUEUE), 0);
};

const oldPlace: Body = async (client) => {
  for (const text of ["one", "two", "three"]) await client.submitMessage(QUEUE, text);
  const first = await expectDelivery(client);
  const second = await expectDelivery(client);
  await second.release();
  await first.release();
  await first.release();
  await rejectsWith("CLIENT_DELIVERY_SETTLED", first.acknowledge());
  const got = [];
  for (let count = 0; count < 3; count++) got.push(await client.fetchMessage(QUEUE));
  assert.deepEqual(got, ["one", "two", "three"]);
};

const consumers: Body = async (_, bench) => {
  const sent = Array.from({ length: 60 }, (_, index) => `message ${index}`);
  const producers = [bench.connect(), bench.connect(), bench.connect()];
  const got: string[] = [];
  const consume = async () => {
    const client = bench.connect();
    while (got.length < sent.length) {
      const text = await client.fetchMessage(QUEUE, { timeoutMs: 50 });
      if (text !== undefined) got.push(text);
    }
  };
  const produce = async (client: MessageBrokerClient, producer: number) => {
    for (let index = producer; index < sent.length; index += producers.length) {
      await client.submitMessage(QUEUE, sent[index] as string);
    }
  };
  await Promise.all([...producers.map(produce), ...Array.from({ length: 5 }, consume)]);
  assert.deepEqual(got.toSorted(), sent.toSorted());
};

const jobIds: Body = async (client) => {
  const job = '{"job_id": "None", "big": 12345678901234567890, "text": "\\u00e4"}';
  const { transactionId } = await client.submitMessage(QUEUE, job, { forNvIngest: true });
  assert.match(transactionId, UUID);
  const stamped = job.replace("None", transactionId);
  assert.equal(await client.fetchMessage(QUEUE), stamped);
  const without = await client.submitMessage(QUEUE, '{"a": 1}', { forNvIngest: true });
  const fetched = JSON.parse((await client.fetchMessage(QUEUE)) ?? "") as unknown;
  assert.deepEqual(fetched, { a: 1, job_id: without.transactionId });
  for (const text of ["[]", "no json"]) {
    await rejectsWith("CLIENT_REFUSED", client.submitMessage(QUEUE, text, { forNvIngest: true }));
  }
};

const nothing: Body = async (client) => {
  assert.equal(await client.size("never used"), 0);
  for (const timeoutMs of [0, 1, 40]) {
    assert.equal(await client.fetchMessage("never used", { timeoutMs }), undefined);
    assert.equal(await client.fetchDelivery("never used", { timeoutMs }), undefined);
  }
  await client.ping({ timeoutMs: 0 });
  await client.submitMessage(QUEUE, "there", { timeoutMs: 0 });
  assert.equal(await client.size(QUEUE, { timeoutMs: 0 }), 1);
  assert.equal(await client.fetchMessage(QUEUE, { timeoutMs: 0 }), "there");
};

const wokenByPush: Body = async (client, bench) => {
  const waiting = client.fetchMessage(QUEUE, NEVER_POLLS);
  const second = client.fetchDelivery(QUEUE, NEVER_POLLS);
  await untilHeld(bench, 2);
  const producer = bench.connect();
  await producer.submitMessage(QUEUE, "at last");
  await producer.submitMessage(QUEUE, "and one more");
  const got = [await waiting, (await second)?.message];
  assert.deepEqual(got.toSorted(), ["and one more", "at last"]);
};

const wokenByRelease: Body = async (client, bench) => {
  await client.submitMessage(QUEUE, "again");
  const delivery = await expectDelivery(client);
  const waiting = bench.connect().fetchMessage(QUEUE, NEVER_POLLS);
  await untilHeld(bench, 1);
  await delivery.release();
  assert.equal(await waiting, "again");
};

const placeComes: Body = async (client, bench) => {
  await client.submitMessage(QUEUE, "first");
  let isStored = false;
  const waiting = bench
    .connect()
    .submitMessage(QUEUE, "second")
    .then(() => {
      isStored = true;
    });
  await rejectsWith("QUEUE_FULL", client.submitMessage(QUEUE, "third", { timeoutMs: 200 }));
  assert.equal(isStored, false);
  assert.equal(await client.fetchMessage(QUEUE), "first");
  await waiting;
  assert.equal(await client.fetchMessage(QUEUE), "second");
};

const staysFull: Body = async (client) => {
  for (const text of ["one", "two"]) await client.submitMessage(QUEUE, text);
  const delivery = await expectDelivery(client);
  // The message in work may come back, so its place is not free.
  await rejectsWith("QUEUE_FULL", client.submitMessage(QUEUE, "three", { timeoutMs: 0 }));
  const stop = new AbortController();
  const waiting = client.submitMessage(QUEUE, "four", { signal: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await delivery.acknowledge();
  await client.submitMessage(QUEUE, "five", { timeoutMs: 0 });
  assert.equal(await client.size(QUEUE), 2);
};

const unicode: Body = async (client) => {
  const texts = [
    "äöü ß € 漢字 العربية 🚂 👩🏽‍🔬",
    '"quoted" \\back\\slash\\ /slash/ \n\r\t\b\f',
    "\u0000\u0001\u001f\u007f\u2028\u2029\ufeff",
    '{"looks": ["like", "JSON"]}',
    " ",
  ];
  for (const text of texts) {
    await client.submitMessage(`queue of ${text}`, text);
    assert.equal(await client.fetchMessage(`queue of ${text}`), text);
  }
};

const refusals: Body = async (client) => {
  for (const text of ["", "half a pair: \ud83d", "\udc00"]) {
    await rejectsWith("CLIENT_REFUSED", client.submitMessage(QUEUE, text));
    await rejectsWith("CLIENT_REFUSED", client.submitMessage(text, "text"));
    await rejectsWith("CLIENT_REFUSED", client.fetchMessage(text));
    await rejectsWith("CLIENT_REFUSED", client.fetchDelivery(text));
    await rejectsWith("CLIENT_REFUSED", client.size(text));
  }
  for (const foreign of [undefined, null, 7, {}, ["text"]]) {
    await rejectsWith("CLIENT_REFUSED", client.submitMessage(QUEUE, foreign as string));
  }
  assert.equal(await client.size(QUEUE), 0);
};

const large: Body = async (client) => {
  const text = 'Mühle \u{1f680} "\\\n'.repeat(400_000);
  assert.ok(Buffer.byteLength(text) > 5_000_000);
  await client.submitMessage(QUEUE, text);
  // A comparison that fails must not print it.
  assert.ok((await client.fetchMessage(QUEUE)) === text);
};
