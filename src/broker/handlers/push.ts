import { newId } from "../../core/index.js";
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
 * PUSH and PUSH_FOR_NV_INGEST: a place is kept with the first response, and filled after the ACK. For
 * the second, the transaction id is also written into the message as its `job_id`.
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
  const key = digest.toString("latin1");
  if (doubts.find(key) !== undefined || !doubts.isOpen(key)) {
    storeOrRepeat(push, digest, { session, broker });
    return;
  }
  // An equal push is stored, and its connection seems to stand. If it has just been lost, that is
  // known once this turn of the event loop is over.
  const look = setImmediate(() => {
    session.endHold();
    storeOrRepeat(push, digest, { session, broker });
  });
  const cancel = () => {
    clearImmediate(look);
    queues.budget.giveBack(heldBytes);
  };
  session.hold({ holdMs: LOOK_MS, answer: encodeUnavailable(), cancel });
}

interface Means {
  readonly session: Session;
  readonly broker: BrokerState;
}

function storeOrRepeat(push: ReceivedPush, digest: Buffer, means: Means): void {
  const { session, broker } = means;
  const doubt = broker.doubts.find(digest.toString("latin1"));
  if (doubt !== undefined) {
    broker.queues.budget.giveBack(push.heldBytes);
    session.transact([encodeInitiated(doubt.id)], repetition(push, doubt, broker));
    return;
  }
  const id = newIdFor(push.request, broker);
  const reservation = reserve(push, { id, digest, broker });
  if (typeof reservation === "string") {
    broker.counters.pushesRefused++;
    session.reply(answerTo(reservation));
    return;
  }
  session.transact([encodeInitiated(id)], storing(push, { id, digest, reservation, broker }));
}

/** The handshake of a push that is new. */
function storing(
  { request }: ReceivedPush,
  means: { id: string; digest: Buffer; reservation: Reservation; broker: BrokerState },
): Transaction {
  const { id, digest, reservation, broker } = means;
  const { config, counters, doubts, store } = broker;
  const key = digest.toString("latin1");
  let kept: Exclude<ReturnType<Reservation["store"]>, "jobOver"> | undefined;
  let isConcluded = false;
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
          kept = undefined;
          if (isConcluded) doubts.withdraw(key, id);
          else doubts.close(key);
          throw error;
        },
      );
    },
    abort: () => reservation.cancel(),
    concluded: (isHeard) => {
      if (kept === undefined) return;
      isConcluded = true;
      doubts.close(key);
      if (isHeard) store.mark(kept.entry, { kind: "confirmed" });
      else doubts.add({ key, id, ...kept });
    },
  };
}

/** The handshake of a push that is stored already. */
function repetition({ request }: ReceivedPush, doubt: Doubt, broker: BrokerState): Transaction {
  const { config, counters, doubts, logger } = broker;
  return {
    id: doubt.id,
    ackWaitMs: ackWaitMs(request.timeoutS, config.maxAckWaitMs),
    finalText: Text.STORED,
    commit: () => {
      counters.duplicates++;
      logger.info({ id: doubt.id }, "a push was repeated and is not stored again");
      return doubt.stored;
    },
    abort: () => {},
    concluded: (isHeard) => {
      if (isHeard) doubts.resolve(doubt);
    },
  };
}

function newIdFor({ command }: PushRequest, { ledger }: BrokerState): string {
  return command === "PUSH_FOR_NV_INGEST" && ledger !== undefined ? ledger.newJobId() : newId();
}

function reserve(
  { request, heldBytes }: ReceivedPush,
  { id, digest, broker }: { id: string; digest: Buffer; broker: BrokerState },
): Reservation | PushRefusal {
  const { queues } = broker;
  const { queueName, leaseId } = request;
  if (request.command === "PUSH") {
    const body = request.message;
    return queues.reserve({ queueName, body, heldBytes, isJob: false, id, digest, leaseId });
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
