import { messageOf } from "../../core/index.js";
import { encodeNotReady, encodeRefusal } from "../../wire/index.js";
import type { Session } from "../session.js";

/** Longer than anything that is waited for here. */
const ANSWER_MS = 60_000;

/** Keeps a request waiting for its one answer; what goes wrong is the answer then. */
export function answerLater(session: Session, work: () => Promise<Buffer>): void {
  let isCancelled = false;
  const cancel = () => {
    isCancelled = true;
  };
  session.hold({ holdMs: ANSWER_MS, answer: encodeNotReady(), cancel });
  const reply = (frame: Buffer) => {
    if (isCancelled) return;
    session.endHold();
    session.reply(frame);
  };
  work().then(reply, (error: unknown) => reply(encodeRefusal(messageOf(error))));
}
