import { newId } from "../../core/index.js";
import {
  encodeMessage,
  encodeNotReady,
  type PopRequest,
  Text,
  type TimeoutS,
} from "../../wire/index.js";
import type { BrokerState } from "../broker-state.js";
import type { Loan } from "../queues.js";
import type { Session } from "../session.js";
import { ackWaitMs, DEFAULT_ACK_WAIT_MS, refuseTimeout } from "./ack-wait.js";

/**
 * POP: the oldest message, on loan until the ACK. On an empty queue the request is held, so that a
 * client gets its result when it is there and not at its next poll.
 */
export function handlePop(request: PopRequest, session: Session, broker: BrokerState): void {
  const { config, counters, queues } = broker;
  const { queueName, timeoutS } = request;
  counters.pops++;
  if (timeoutS !== null && !(timeoutS >= 0)) refuseTimeout(timeoutS);
  if (broker.phase === "stopping") {
    session.refuse(encodeNotReady());
    return;
  }
  const waitMs = timeoutS === 0 ? DEFAULT_ACK_WAIT_MS : ackWaitMs(timeoutS, config.maxAckWaitMs);
  const handOut = (loan: Loan) => {
    const id = newId();
    session.transact(encodeMessage(loan.body, id), {
      id,
      ackWaitMs: waitMs,
      finalText: Text.PROCESSED,
      commit: () => {
        loan.settle();
        counters.delivered++;
      },
      abort: () => loan.giveBack(),
    });
  };
  const loan = queues.take(queueName);
  if (loan !== undefined) {
    handOut(loan);
    return;
  }
  const holdMs = Math.min(holdTimeMs(timeoutS), config.maxHoldMs);
  const onLoan = (late: Loan) => {
    session.endHold();
    handOut(late);
  };
  const cancel = holdMs <= 0 ? undefined : queues.wait(queueName, onLoan);
  if (cancel === undefined) session.reply(encodeNotReady());
  else session.hold(holdMs, cancel);
}

/**
 * How long a POP with this timeout may be held, in milliseconds. Old clients sleep 1 s after "not
 * ready" before they look at their own clock, so that second is left to them.
 */
function holdTimeMs(timeoutS: TimeoutS): number {
  if (timeoutS === null) return Number.POSITIVE_INFINITY;
  return timeoutS <= 2 ? timeoutS * 500 : (timeoutS - 1) * 1000;
}
