/** A ledger of jobs at its queues, without network and threads: in memory, or on a store that is given. */
import type { PushRefusal } from "../../src/broker/job-ledger.js";
import { type Loan, Queues } from "../../src/broker/queues.js";
import { MemoryStore } from "../../src/broker/store/memory-store.js";
import type { MessageStore, Recovered } from "../../src/broker/store/message-store.js";
import { parseOptions, silentLogger } from "../../src/core/index.js";
import {
  type SimpleMessageBrokerOptions as Options,
  SimpleMessageBrokerOptions,
} from "../../src/runtime/index.js";
import { Ledger } from "../../src/runtime/ledger/ledger.js";
import { decodeBody, encodeBody } from "../../src/wire/index.js";
import { newPush } from "./queues.js";
import type { Cleanup } from "./start-broker.js";

export interface OpenedLedger {
  readonly queues: Queues;
  readonly ledger: Ledger;
  readonly store: MessageStore;
  /** Accepts a job of the queue "work"; its id. */
  accept(text?: string): Promise<string>;
  /** Pushes a result as far as its ACK; `failed`: it says that its job failed, and why. */
  answer(
    jobId: string,
    text?: string,
    leaseId?: string,
    failed?: string,
  ): Promise<"stored" | PushRefusal>;
  /** Takes a job, or fails. */
  take(queueName?: string): Loan;
  /** Takes and acknowledges; undefined when nothing is there. */
  fetch(queueName: string): Promise<string | undefined>;
}

export function openLedger(
  t: Cleanup,
  options: Options = {},
  kept: { readonly store: MessageStore; readonly recovered: Recovered } = inMemory(),
): OpenedLedger {
  const config = parseOptions(SimpleMessageBrokerOptions, options, "test");
  const logger = silentLogger;
  const { store, recovered } = kept;
  const ledger = new Ledger(config, { logger });
  const queues = new Queues({ config, store, ledger, logger, now: () => Date.now() });
  queues.open(recovered);
  t.onTestFinished(() => ledger.close());
  return {
    queues,
    ledger,
    store,
    async accept(text = "work") {
      const id = ledger.newJobId();
      const reservation = queues.reserve(newPush("work", encodeBody(text), { isJob: true, id }));
      if (typeof reservation === "string") throw new Error(`the job is refused: ${reservation}`);
      const accepted = reservation.store();
      if (accepted === "jobOver") throw new Error("a job cannot be over");
      await accepted.stored;
      return id;
    },
    async answer(jobId, text = "result", leaseId, failed) {
      const reservation = queues.reserve(newPush(jobId, encodeBody(text), { leaseId, failed }));
      if (typeof reservation === "string") return reservation;
      const answered = reservation.store();
      if (answered === "jobOver") return answered;
      await answered.stored;
      return "stored";
    },
    take(queueName = "work") {
      const loan = queues.take(queueName);
      if (loan === undefined) throw new Error(`nothing is ready in ${queueName}`);
      return loan;
    },
    async fetch(queueName) {
      const loan = queues.take(queueName);
      if (loan === undefined) return undefined;
      const text = decodeBody(await loan.body());
      await loan.settle()?.kept;
      return text;
    },
  };
}

function inMemory(): { store: MessageStore; recovered: Recovered } {
  const store = new MemoryStore();
  return { store, recovered: store.open() };
}
