/** A consumer that dies with its message: it takes one, says so, and waits for its end. */
import process from "node:process";
import { createClient } from "../../dist/index.js";

const [, , config, queueName, leaseMs] = process.argv;
const client = createClient(JSON.parse(config));
const delivery = await client.fetchDelivery(queueName, {
  timeoutMs: 5_000,
  leaseMs: Number(leaseMs),
});
process.stdout.write(`${delivery?.leaseId ?? "nothing"}\n`);
setInterval(() => {}, 60_000);
