// Our RedisClient against a Redis that upstream's clients use too. Prints one JSON object.
// Usage: node redis-client.mjs submit HOST PORT QUEUE HINT...   a job for each hint, in this order;
//          "none" is a job without one. Prints {"ids": [...]}.
//        node redis-client.mjs fetch HOST PORT JOB_ID...         Prints {"results": [...]}.
import { createClient, createJob, encodeJob } from "millrace";

const FETCH_MS = 30_000;

const [command, host, port, ...names] = process.argv.slice(2);
const client = createClient({ clientType: "redis", host, port: Number(port) });

async function submit(queue, hint) {
  const content = `a letter for ${hint}`;
  const job = createJob({ documents: [{ name: `${hint}.txt`, content }] });
  const routing = hint === "none" ? {} : { routing_options: { queue_hint: hint } };
  const text = encodeJob({ ...job, ...routing });
  const { transactionId } = await client.submitMessage(queue, text, { forNvIngest: true });
  return transactionId;
}

async function fetch(jobId) {
  const text = await client.fetchMessage(jobId, { timeoutMs: FETCH_MS });
  return text === undefined ? null : JSON.parse(text);
}

const seen = {};
if (command === "submit") {
  const [queue, ...hints] = names;
  seen.ids = [];
  for (const hint of hints) seen.ids.push(await submit(queue, hint));
} else {
  seen.results = await Promise.all(names.map(fetch));
}
await client.close();
process.stdout.write(`${JSON.stringify(seen)}\n`);
