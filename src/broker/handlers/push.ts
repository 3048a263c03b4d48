import { newId } from "../../core/index.js";
import {
  encodeInitiated,
  encodeQueueFull,
  encodeUnavailable,
  type PushRequest,
  stampJobId,
  Text,
} from "../../wire/index.js";
import type { BrokerState } from "../broker-state.js";
import type { Session } from "../session.js";
import { ackWaitMs, refuseTimeout } from "./ack-wait.js";

/** A push and the memory that its frame holds; 0: the frame is a view on what was received. */
interface ReceivedPush {
  readonly request: PushRequest;
  readonly heldBytes: number;
}

/**
 * PUSH and PUSH_FOR_NV_INGEST: a place is kept with the first response, and filled after the ACK. For
 * the second, the transaction id is also written into the message as its `job_id`.
 */
export function handlePush(push: ReceivedPush, session: Session, broker: BrokerState): void {
  const { request, heldBytes } = push;
  const { config, counters, queues } = broker;
  counters.pushes++;
  if (Number.isNaN(request.timeoutS)) refuseTimeout(request.timeoutS);
  if (broker.phase !== "open") {
    queues.budget.giveBack(heldBytes);
    counters.pushesRefused++;
    session.refuse(encodeUnavailable());
    return;
  }
  const id = newId();
  const reservation =
    request.command === "PUSH_FOR_NV_INGEST"
      ? reserveStamped(push, id, broker)
      : queues.reserve(request.queueName, request.message, heldBytes);
  if (reservation === undefined) {
    counters.pushesRefused++;
    session.reply(encodeQueueFull());
    return;
  }
  session.transact([encodeInitiated(id)], {
    id,
    ackWaitMs: ackWaitMs(request.timeoutS, config.maxAckWaitMs),
    finalText: Text.STORED,
    commit: () => {
      reservation.store();
      counters.stored++;
    },
    abort: () => reservation.cancel(),
  });
}

function reserveStamped({ request, heldBytes }: ReceivedPush, id: string, broker: BrokerState) {
  const stamped = stampJobId(request.message, id);
  broker.queues.budget.giveBack(heldBytes);
  return broker.queues.reserve(request.queueName, stamped, 0);
}
