/** Queues on a store in memory, as a broker opens them. */
import { BrokerOptions } from "../../src/broker/options.js";
import { type Push, Queues } from "../../src/broker/queues.js";
import { MemoryStore } from "../../src/broker/store/memory-store.js";
import { newId, parseOptions, silentLogger } from "../../src/core/index.js";

/** Queues that know no jobs. */
export function openQueues(options: BrokerOptions, now = () => Date.now()): Queues {
  const config = parseOptions(BrokerOptions, options, "test");
  const store = new MemoryStore();
  const queues = new Queues({ config, store, ledger: undefined, logger: silentLogger, now });
  queues.open(store.open());
  return queues;
}

export function newPush(
  queueName: string,
  body: string | Buffer,
  more: Partial<Omit<Push, "queueName" | "body">> = {},
): Push {
  const digest = Buffer.alloc(16);
  const own = typeof body === "string" ? Buffer.from(body) : body;
  return { queueName, body: own, heldBytes: 0, isJob: false, id: newId(), digest, ...more };
}
