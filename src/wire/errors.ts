import { defineErrors, quote } from "../core/index.js";

export const WireErrors = defineErrors("WIRE", {
  FRAME_TOO_LARGE: {
    kind: "limit",
    retry: false,
    about:
      "A frame announces more bytes than maxFrameBytes allows. Send less, or raise the option.",
    say: ({ bytes, maxFrameBytes }: { bytes: number; maxFrameBytes: number }) =>
      `a frame of ${bytes} bytes is larger than maxFrameBytes (${maxFrameBytes})`,
  },
  MEMORY_FULL: {
    kind: "limit",
    retry: true,
    about: "There is no memory left for a frame that is arriving. See the option maxHeldBytes.",
    say: ({ bytes, limitBytes }: { bytes: number; limitBytes: number }) =>
      `no memory for a frame of ${bytes} bytes: maxHeldBytes (${limitBytes}) is used up`,
  },
  JSON_INVALID: {
    kind: "input",
    retry: false,
    about: "A frame's body, or a message that must be JSON, is not JSON.",
    say: ({ offset, reason }: { offset: number; reason: string }) =>
      `not JSON at byte ${offset}: ${reason}`,
  },
  REQUEST_INVALID: {
    kind: "input",
    retry: false,
    about:
      "A request is no command of the protocol, or its members are wrong. The text lists all faults.",
    say: ({ reason }: { reason: string }) => reason,
  },
  MESSAGE_INVALID: {
    kind: "input",
    retry: false,
    about: "The message of PUSH_FOR_NV_INGEST is not the text of a JSON object.",
    say: (_: Record<never, never>) => "Invalid JSON message",
  },
  RESPONSE_INVALID: {
    kind: "transport",
    retry: false,
    about: "The peer's answer is no response of the protocol: it is probably another program.",
    say: ({ reason }: { reason: string }) => `not a broker's response: ${reason}`,
  },
});

/** What a queue may refuse, over the network and in process alike. */
export const QueueErrors = defineErrors("QUEUE", {
  FULL: {
    kind: "limit",
    retry: true,
    about: "The queue holds maxQueueSize messages, or all queues together hold maxHeldBytes.",
    say: ({ queueName }: { queueName: string }) => `queue ${quote(queueName)} is full`,
  },
  UNAVAILABLE: {
    kind: "limit",
    retry: true,
    about: "The broker is shutting down and takes nothing more.",
    say: ({ queueName }: { queueName: string }) =>
      `queue ${quote(queueName)} is not available: the broker is shutting down`,
  },
  JOB_OVER: {
    kind: "state",
    retry: false,
    about:
      "A result was pushed for a job that has ended already: it has a result, was cancelled or was " +
      "given up. A job has exactly one result, and this one is not it.",
    say: ({ queueName }: { queueName: string }) => `job ${quote(queueName)} is over`,
  },
  LEASE_OVER: {
    kind: "state",
    retry: false,
    about:
      "A result was pushed by a consumer whose delivery is over: the job was given to another one, " +
      "or it was kept longer than its lease without an extension.",
    say: ({ queueName }: { queueName: string }) =>
      `the delivery of job ${quote(queueName)} is over: its result is not taken`,
  },
  RESULT_EXPIRED: {
    kind: "state",
    retry: false,
    about:
      "The job that this queue is named by has ended and its result is kept no more. See the options " +
      "resultRetentionMs and maxRetainedBytes. The text says when it went.",
    say: ({ reason }: { reason: string }) => reason,
  },
  WAITERS_FULL: {
    kind: "limit",
    retry: true,
    about: "Too many consumers already wait at one queue. See the option maxWaitersPerQueue.",
    say: ({ queueName, maxWaitersPerQueue }: { queueName: string; maxWaitersPerQueue: number }) =>
      `${maxWaitersPerQueue} consumers already wait at ${quote(queueName)} (maxWaitersPerQueue)`,
  },
});
