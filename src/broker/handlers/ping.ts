import { encodePong, type PingRequest } from "../../wire/index.js";
import type { BrokerState } from "../broker-state.js";
import type { Session } from "../session.js";

/** PING: PONG, and for a peer that asks, who answers and what it can do. */
export function handlePing(request: PingRequest, session: Session, broker: BrokerState): void {
  broker.counters.pings++;
  session.reply(encodePong(request.asksFeatures ? broker.facts : undefined));
}
