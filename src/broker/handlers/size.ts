import { encodeText, type SizeRequest } from "../../wire/index.js";
import type { BrokerState } from "../broker-state.js";
import type { Session } from "../session.js";

/** SIZE: how many messages are ready. Asking makes no queue. */
export function handleSize(request: SizeRequest, session: Session, broker: BrokerState): void {
  broker.counters.sizes++;
  session.reply(encodeText(String(broker.queues.size(request.queueName))));
}
