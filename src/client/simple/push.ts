/**
 * PUSH: the message, its first response, the ACK, the final response; a broker of ours takes the ACK
 * with the message. What got no ACK has stored nothing and is repeated. After the ACK only a broker
 * that recognises a push may see it again; elsewhere it is unknown then whether the message is stored,
 * and said so.
 */
import { hasCode, type MillraceError } from "../../core/index.js";
import {
  encodeAck,
  encodePush,
  QueueErrors,
  type Response,
  ResponseCode,
} from "../../wire/index.js";
import { ClientErrors } from "../errors.js";
import type { Receipt, SubmitOptions } from "../message-broker-client.js";
import { type CallBounds, whileFull } from "../retry.js";
import { isPushRefusal, refusedPush, transactionOf } from "./answers.js";
import type { BrokerTraits } from "./broker-traits.js";
import type { Calls } from "./calls.js";
import { finish } from "./finish.js";
import type { Line } from "./line.js";

/** What is pushed, and where to. */
interface Submission extends SubmitOptions {
  readonly queueName: string;
  readonly message: string;
}

/** Errors in which the broker has judged a push: whether it was stored before is no question then. */
const JUDGED: readonly string[] = [
  ClientErrors.REFUSED.code,
  QueueErrors.FULL.code,
  QueueErrors.JOB_OVER.code,
  QueueErrors.LEASE_OVER.code,
];

/** Stores a message, waiting for a place, and returns what the broker says of it. */
export async function push(
  calls: Calls,
  submission: Submission,
  bounds: CallBounds,
): Promise<Receipt> {
  const { queueName } = submission;
  const frameFor = framesOf(submission, bounds);
  /** Set once the message may be stored although nobody said so. */
  let unknown: MillraceError | undefined;
  const pushOn = async (line: Line, traits: BrokerTraits) => {
    if (unknown !== undefined && !traits.dedups) throw unknown;
    const [frame, means] = [frameFor(traits), { calls, bounds }];
    try {
      // A broker of ours judges in one exchange.
      if (traits.isDirect) return await finish({ line, frame }, "stored", means);
      return await pushInSteps(line, frame, means);
    } catch (error) {
      if (!traits.dedups || !hasCode(error, ClientErrors.DELIVERY_UNKNOWN.code)) throw error;
      unknown = error as MillraceError;
      throw unknown.cause;
    }
  };
  const attempt = async () => {
    const answer = await calls.repeat(bounds, pushOn, (traits) => frameFor(traits).length);
    if (answer.code !== ResponseCode.SUCCESS) throw refusedPush(queueName, answer.reason);
    return { transactionId: transactionOf(answer) };
  };
  try {
    return await whileFull(attempt, bounds);
  } catch (error) {
    if (unknown === undefined || JUDGED.some((code) => hasCode(error, code))) throw error;
    throw unknown;
  }
}

/** The frame for a kind of broker, written once: a push is recognised by its bytes. */
function framesOf(
  { queueName, message, forNvIngest = false, leaseId, failed }: Submission,
  { deadline }: CallBounds,
): (traits: BrokerTraits) => Buffer {
  const timeoutS = Math.max(1, Math.ceil(deadline.leftMs / 1000));
  const frames: Buffer[] = [];
  return ({ fences, keepsFailed, isDirect }) => {
    const kind = Number(fences) + 2 * Number(keepsFailed) + 4 * Number(isDirect);
    frames[kind] ??= encodePush(queueName, message, {
      ...{ forNvIngest, timeoutS },
      leaseId: fences ? leaseId : undefined,
      failed: keepsFailed ? failed : undefined,
      isDirect,
    });
    return frames[kind];
  };
}

/** The broker's judgement: the first response, with its transaction, or a refusal. */
async function pushInSteps(
  line: Line,
  frame: Buffer,
  { calls, bounds }: { readonly calls: Calls; readonly bounds: CallBounds },
): Promise<Response> {
  const { host, port } = calls.config;
  const first = await line.ask(frame, calls.silenceMs(bounds), bounds.signals);
  if (first.code !== ResponseCode.SUCCESS) {
    calls.release(line);
    return first;
  }
  const transactionId = transactionOf(first);
  if (!line.isOpen) {
    const reason = "the connection ended before the acknowledgement";
    throw ClientErrors.CONNECTION_LOST({ host, port, reason });
  }
  const ack = encodeAck(transactionId, true);
  const final = await finish({ line, frame: ack }, "stored", { calls, bounds });
  if (final.code !== ResponseCode.SUCCESS) line.close();
  if (isPushRefusal(final)) return final;
  // The broker missed the ACK: nothing is stored.
  if (final.code !== ResponseCode.SUCCESS) {
    throw ClientErrors.CONNECTION_LOST({ host, port, reason: final.reason });
  }
  return first;
}
