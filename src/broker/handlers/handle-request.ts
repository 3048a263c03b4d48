/** Reads a request and gives it to the handler of its command. */
import { hasCode, messageOf } from "../../core/index.js";
import {
  encodeRefusal,
  type Frame,
  parseRequest,
  type Request,
  WireErrors,
} from "../../wire/index.js";
import type { BrokerState } from "../broker-state.js";
import type { Session } from "../session.js";
import { handleCancel } from "./cancel.js";
import { handleDead } from "./dead.js";
import { handlePing } from "./ping.js";
import { handlePop } from "./pop.js";
import { handlePush } from "./push.js";
import { handleSize } from "./size.js";

const REFUSED_CODES: readonly string[] = [
  WireErrors.JSON_INVALID.code,
  WireErrors.REQUEST_INVALID.code,
  WireErrors.MESSAGE_INVALID.code,
];

/** Answers one request. What is wrong with it is told to its sender and to no log. */
export function handleRequest(frame: Frame, session: Session, broker: BrokerState): void {
  let { heldBytes } = frame;
  try {
    const request = parseRequest(frame.body);
    checkQueueName(request, broker.config.maxQueueNameBytes);
    if ("message" in request) {
      handlePush({ request, heldBytes }, session, broker);
      return;
    }
    broker.queues.budget.giveBack(heldBytes);
    heldBytes = 0;
    switch (request.command) {
      case "POP":
        handlePop(request, session, broker);
        break;
      case "SIZE":
        handleSize(request, session, broker);
        break;
      case "CANCEL":
        handleCancel(request, session, broker);
        break;
      case "DEAD":
        handleDead(request, session, broker);
        break;
      case "CHANNELS":
        session.split();
        break;
      default:
        handlePing(request, session, broker);
    }
  } catch (error) {
    broker.queues.budget.giveBack(heldBytes);
    if (!REFUSED_CODES.some((code) => hasCode(error, code))) throw error;
    broker.counters.requestsRefused++;
    session.refuse(encodeRefusal(messageOf(error)));
  }
}

function checkQueueName(request: Request, maxQueueNameBytes: number): void {
  if (!("queueName" in request)) return;
  const bytes = Buffer.byteLength(request.queueName);
  if (bytes <= maxQueueNameBytes) return;
  const reason = `queue_name: ${bytes} bytes are more than maxQueueNameBytes (${maxQueueNameBytes})`;
  throw WireErrors.REQUEST_INVALID({ reason });
}
