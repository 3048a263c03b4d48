/** What is read of a broker in this process, and of single queues of it. */
import type { BrokerFacts, QueueFacts } from "./facts.js";
import { each, type Reading, seconds } from "./reading.js";

const JOBS: readonly Reading<BrokerFacts>[] = [
  {
    name: "millrace_broker_open_jobs",
    help: "Jobs accepted and not yet answered.",
    read: ({ jobs }) => jobs?.openJobs,
  },
  {
    name: "millrace_broker_dead_letters",
    help: "Jobs that were given up and are kept.",
    read: ({ jobs }) => jobs?.deadLetters,
  },
  {
    name: "millrace_broker_retained_results",
    help: "Fetched results that are kept for another fetch.",
    read: ({ jobs }) => jobs?.retainedResults,
  },
  {
    name: "millrace_broker_jobs_total",
    help: "Jobs by what happened to them.",
    by: "event",
    read: ({ jobs }) => {
      if (jobs === undefined) return {};
      const { accepted, answered, givenUp, cancelled, replayed } = jobs;
      return { accepted, answered, given_up: givenUp, cancelled, replayed };
    },
  },
  {
    name: "millrace_broker_late_results_total",
    help: "Results that came for a job that was over, or from a lease that was.",
    read: ({ jobs }) => jobs?.lateResults,
  },
];

export const BROKER_READINGS: readonly Reading<BrokerFacts>[] = [
  {
    name: "millrace_broker_running",
    help: "1 while the broker takes connections, else 0.",
    read: ({ running }) => Number(running),
  },
  {
    name: "millrace_broker_connections",
    help: "Open connections.",
    read: ({ connections }) => connections,
  },
  {
    name: "millrace_broker_queues",
    help: "Queues that hold or await something.",
    read: ({ queues }) => queues,
  },
  {
    name: "millrace_broker_ready",
    help: "Messages that wait in all queues.",
    read: ({ ready }) => ready,
  },
  {
    name: "millrace_broker_in_flight",
    help: "Messages in the hands of consumers.",
    read: ({ inFlight }) => inFlight,
  },
  {
    name: "millrace_broker_waiters",
    help: "Consumers that wait for a message.",
    read: ({ waiters }) => waiters,
  },
  {
    name: "millrace_broker_held_bytes",
    help: "Memory held for messages and arriving frames.",
    read: ({ heldBytes }) => heldBytes,
  },
  {
    name: "millrace_broker_stored_total",
    help: "Messages stored.",
    read: ({ stored }) => stored,
  },
  {
    name: "millrace_broker_delivered_total",
    help: "Messages delivered and acknowledged.",
    read: ({ delivered }) => delivered,
  },
  {
    name: "millrace_broker_duplicates_total",
    help: "Repeated pushes of what was stored already.",
    read: ({ duplicates }) => duplicates,
  },
  {
    name: "millrace_broker_dropped_total",
    help: "Messages in memory that a stop threw away.",
    read: ({ dropped }) => dropped,
  },
  {
    name: "millrace_broker_refusals_total",
    help: "What was refused.",
    by: "of",
    read: (facts) => ({
      request: facts.requestsRefused,
      push: facts.pushesRefused,
      frame: facts.framesRefused,
      ack: facts.acksRefused,
      connection: facts.connectionsRefused,
    }),
  },
  {
    name: "millrace_broker_store_file_bytes",
    help: "Bytes of files that messages are kept in.",
    read: ({ store }) => store.storedBytes,
  },
  {
    name: "millrace_broker_store_live_bytes",
    help: "Bytes of messages that are not done.",
    read: ({ store }) => store.liveBytes,
  },
  {
    name: "millrace_broker_store_full",
    help: "1 while the store takes no messages because the disk or its limit is full, else 0.",
    read: ({ store }) => Number(store.isFull),
  },
  {
    name: "millrace_broker_store_damaged_records_total",
    help: "Records whose checksum was wrong.",
    read: ({ store }) => store.damagedRecords,
  },
  ...JOBS,
];

export const QUEUE_READINGS: readonly Reading<Readonly<Record<string, QueueFacts>>>[] = [
  {
    name: "millrace_queue_ready",
    help: "Messages that wait in a queue.",
    by: "queue",
    read: (queues) => each(queues, ({ ready }) => ready),
  },
  {
    name: "millrace_queue_in_flight",
    help: "Messages of a queue in the hands of consumers.",
    by: "queue",
    read: (queues) => each(queues, ({ inFlight }) => inFlight),
  },
  {
    name: "millrace_queue_oldest_age_seconds",
    help: "How long the oldest message of a queue waits; 0 when none does.",
    by: "queue",
    read: (queues) => each(queues, ({ oldestAgeMs = 0 }) => seconds(oldestAgeMs)),
  },
];
