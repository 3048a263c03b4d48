// Our SimpleClient against any broker of the protocol: does one thing after the other and prints
// what came back, as one JSON object. Usage: node simple-client.mjs HOST PORT QUEUE
import { SimpleClient } from "millrace";

const [host, port, queue] = process.argv.slice(2);
const client = new SimpleClient({ host, port: Number(port) });
const seen = {};

await client.ping();
seen.empty = (await client.fetchMessage(queue, { timeoutMs: 300 })) ?? null;

const texts = ["one", "Grüße 🌾 \u0000 \u2028", '{"a":"\\"b\\""}'];
for (const text of texts) await client.submitMessage(queue, text);
seen.sizeOfThree = await client.size(queue);
seen.inOrder = [];
for (const _ of texts) seen.inOrder.push(await client.fetchMessage(queue));
seen.sentInOrder = texts;

// What is not acknowledged stays invisible, counts no longer as ready, and goes back to its place.
await client.submitMessage(queue, "first");
await client.submitMessage(queue, "second");
const first = await client.fetchDelivery(queue);
const second = await client.fetchDelivery(queue);
seen.deliveries = [first?.message, second?.message];
seen.sizeWhileInWork = await client.size(queue);
await second?.acknowledge();
await first?.release();
seen.afterRelease = await client.fetchMessage(queue);

// A consumer that waits gets what comes later.
const waiting = client.fetchMessage(queue, { timeoutMs: 30_000, pollIntervalMs: 50 });
await client.submitMessage(queue, "late");
seen.late = await waiting;

const large = "ß🌾\n".repeat(700_000);
await client.submitMessage(queue, large);
seen.largeIsEqual = (await client.fetchMessage(queue)) === large;

const { transactionId } = await client.submitMessage(
  queue,
  '{"job_id":"None","n":12345678901234567890}',
  { forNvIngest: true },
);
seen.job = await client.fetchMessage(queue);
seen.jobId = transactionId;

// Not more at once than upstream's listen backlog of 5 can take.
const messages = Array.from({ length: 5 }, (_, index) => `message ${index}`);
await Promise.all(messages.map((message) => client.submitMessage(queue, message)));
const fetched = await Promise.all(messages.map(() => client.fetchMessage(queue)));
seen.manyAtOnceAreAllThere = [...fetched].sort().join() === [...messages].sort().join();

const nothing = new AbortController();
const cancelled = client.fetchMessage(queue, { signal: nothing.signal }).catch((error) => error);
nothing.abort(new Error("enough"));
seen.cancelledWith = (await cancelled).message;
await client.submitMessage(queue, "not taken by the cancelled call");
seen.afterCancelling = await client.fetchMessage(queue);
seen.sizeAtTheEnd = await client.size(queue);

await client.close();
process.stdout.write(`${JSON.stringify(seen)}\n`);
