import {
  encodeInitiated,
  encodeQueueFull,
  encodeRefusal,
  encodeUnavailable,
  type PushRequest,
  stampJobId,
  Text,
} from "../../wire/index.js";
import type { BrokerState } from "../broker-state.js";
import type { PushRefusal } from "../job-ledger.js";
import { type Doubt, digestOf } from "../push-doubts.js";
import type { Reservation } from "../queues.js";
import type { Session, Transaction } from "../session.js";
import { ackWaitMs, refuseTimeout } from "./ack-wait.js";

/** A push and the memory that its frame holds; 0: the frame is a view on what was received. */
interface ReceivedPush {
  readonly request: PushRequest;
  readonly heldBytes: number;
}

/** How long a push may wait for a look at the connection of an equal one; it never takes so long. */
const LOOK_MS = 1_000;

/**
 * PUSH and PUSH_FOR_NV_INGEST: a place is kept with the first response, and filled after the ACK, or
 * at once when the ACK came with the request. For the second command, the transaction id is also
 * written into the message as its `job_id`.
 *
 * A push that repeats one whose final response was lost is answered with that one's id and not stored.
 */
export function handlePush(push: ReceivedPush, session: Session, broker: BrokerState): void {
  const { request, heldBytes } = push;
  const { counters, queues, doubts } = broker;
  counters.pushes++;
  if (Number.isNaN(request.timeoutS)) refuseTimeout(request.timeoutS);
  if (broker.phase !== "open") {
    queues.budget.giveBack(heldBytes);
    counters.pushesRefused++;
    session.refuse(encodeUnavailable());
    return;
  }
  const digest = digestOf(request.command, request.queueName, request.message);
  const content = { digest, key: digest.toString("latin1") };
  const doubt = doubts.find(content.key);
  if (doubt !== undefined || !doubts.isOpen(content.key)) {
    storeOrRepeat(push, { content, doubt }, { session, broker });
    return;
  }
  // An equal push is stored, and its connection seems to stand. If it has just been lost, that is
  // known once this turn of the event loop is over.
  const look = setImmediate(() => {
    session.endHold();
    storeOrRepeat(push, { content, doubt: doubts.find(content.key) }, { session, broker });
  });
  const cancel = () => {
    clearImmediate(look);
    queues.budget.giveBack(heldBytes);
  };
  session.hold({ holdMs: LOOK_MS, answer: encodeUnavailable(), cancel });
}

/** What a push and its repetition have in common, as the store and as the doubts know it. */
interface Content {
  readonly digest: Buffer;
  readonly key: string;
}

interface Means {
  readonly session: Session;
  readonly broker: BrokerState;
}

function storeOrRepeat(
  push: ReceivedPush,
  { content, doubt }: { content: Content; doubt: Doubt | undefined },
  { session, broker }: Means,
): void {
  if (doubt !== undefined) {
    broker.queues.budget.giveBack(push.heldBytes);
    session.transact(firstResponse(push, doubt.id), repetition(push, doubt, broker));
    return;
  }
  const id = broker.queues.newId(push.request.command === "PUSH_FOR_NV_INGEST");
  const reservation = reserve(push, { id, digest: content.digest, broker });
  if (typeof reservation === "string") {
    broker.counters.pushesRefused++;
    session.reply(answerTo(reservation));
    return;
  }
  session.transact(firstResponse(push, id), storing(push, { id, content, reservation, broker }));
}

function firstResponse({ request }: ReceivedPush, id: string): Buffer[] | undefined {
  return request.isDirect ? undefined : [encodeInitiated(id)];
}

/** The handshake of a push that is new. */
function storing(
  { request }: ReceivedPush,
  means: { id: string; content: Content; reservation: Reservation; broker: BrokerState },
): Transaction {
  const { id, content, reservation, broker } = means;
  const { config, counters, doubts, store } = broker;
  const { key } = content;
  let kept: Exclude<ReturnType<Reservation["store"]>, "jobOver"> | undefined;
  return {
    id,
    ackWaitMs: ackWaitMs(request.timeoutS, config.maxAckWaitMs),
    finalText: Text.STORED,
    commit: () => {
      const outcome = reservation.store();
      if (outcome === "jobOver") return "refused";
      kept = outcome;
      doubts.open(key);
      if (kept.stored === undefined) counters.stored++;
      return kept.stored?.then(
        () => {
          counters.stored++;
        },
        (error: unknown) => {
          // Unless its connection ended before, and it counts as doubtful already.
          if (kept !== undefined) doubts.close(key);
          kept = undefined;
          throw error;
        },
      );
    },
    abort: () => reservation.cancel(),
    concluded: (isHeard) => {
      if (kept === undefined) return;
      doubts.close(key);
      if (isHeard) store.mark(kept.entry, { kind: "confirmed" });
      else doubts.add({ key, id, ...kept });
      kept = undefined;
    },
  };
}

/** The handshake of a push that is stored already. */
function repetition({ request }: ReceivedPush, doubt: Doubt, broker: BrokerState): Transaction {
  const { config, counters, doubts, logger } = broker;
  doubt.repetitions++;
  return {
    id: doubt.id,
    ackWaitMs: ackWaitMs(request.timeoutS, config.maxAckWaitMs),
    finalText: Text.STORED,
    commit: () => {
      counters.duplicates++;
      logger.info({ id: doubt.id }, "a push was repeated and is not stored again");
      return doubt.stored;
    },
    abort: () => {
      doubt.repetitions--;
    },
    concluded: (isHeard) => {
      doubt.repetitions--;
      if (isHeard) doubts.resolve(doubt);
    },
  };
}

function reserve(
  { request, heldBytes }: ReceivedPush,
  { id, digest, broker }: { id: string; digest: Buffer; broker: BrokerState },
): Reservation | PushRefusal {
  const { queues } = broker;
  const { queueName, leaseId, failed } = request;
  if (request.command === "PUSH") {
    const body = request.message;
    const push = { queueName, body, heldBytes, isJob: false, id, digest, leaseId, failed };
    return queues.reserve(push);
  }
  const body = stampJobId(request.message, id);
  queues.budget.giveBack(heldBytes);
  return queues.reserve({ queueName, body, heldBytes: 0, isJob: true, id, digest });
}

function answerTo(refusal: PushRefusal): Buffer {
  switch (refusal) {
    case "full":
      return encodeQueueFull();
    case "unavailable":
      return encodeUnavailable();
    case "jobOver":
      return encodeRefusal(Text.JOB_OVER);
    case "leaseOver":
      return encodeRefusal(Text.LEASE_OVER);
  }
}
