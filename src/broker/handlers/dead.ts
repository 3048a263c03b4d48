import { type DeadRequest, encodeRefusal, encodeText } from "../../wire/index.js";
import type { BrokerState } from "../broker-state.js";
import type { Session } from "../session.js";
import { answerLater } from "./answer-later.js";

/** DEAD: tells of dead letters, or replays or drops them; the answer is JSON text. */
export function handleDead(request: DeadRequest, session: Session, broker: BrokerState): void {
  const { ledger } = broker;
  if (ledger === undefined) session.reply(encodeRefusal("this broker keeps no ledger of jobs"));
  else {
    answerLater(session, async () =>
      encodeText(JSON.stringify(await ledger.dead(request.question))),
    );
  }
}
