import { type CancelRequest, encodeRefusal, encodeText } from "../../wire/index.js";
import type { BrokerState } from "../broker-state.js";
import type { Session } from "../session.js";
import { answerLater } from "./answer-later.js";

/** CANCEL: ends a job wherever it is. The answer says whether it did, or what had come before. */
export function handleCancel(request: CancelRequest, session: Session, broker: BrokerState): void {
  const { ledger } = broker;
  if (ledger === undefined) session.reply(encodeRefusal("this broker keeps no ledger of jobs"));
  else answerLater(session, async () => encodeText(await ledger.cancel(request.jobId)));
}
