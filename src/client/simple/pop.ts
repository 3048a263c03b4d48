/** POP: takes a message, and settles it or gives it back in the ACK's place. */
import { firedIn, hasCode } from "../../core/index.js";
import {
  encodeAck,
  encodePop,
  encodeQuietAck,
  type Response,
  ResponseCode,
} from "../../wire/index.js";
import { ClientErrors } from "../errors.js";
import type { DeliveryOptions } from "../message-broker-client.js";
import { type CallBounds, pause } from "../retry.js";
import { refusedPop, saysEmpty, transactionOf } from "./answers.js";
import type { BrokerTraits } from "./broker-traits.js";
import type { Calls } from "./calls.js";
import { finish } from "./finish.js";
import type { Line } from "./line.js";
import { popTimes } from "./pop-times.js";

const POLL_INTERVAL_MS = 100;
/** A lease that nobody prolongs must outlast the work: an hour, which is what brokers allow. */
const FIXED_LEASE_MS_MIN = 3_600_000;
/** What a character of a queue's name may take in a frame. */
const ESCAPED_BYTES_MAX = 6;
/** How long the answer to a give-back is awaited; then the closed line says the same. */
const GIVE_BACK_MS = 1_000;

/** A message, and the handshake in which it came, still open. */
export interface OpenPop {
  readonly line: Line;
  readonly transactionId: string;
  readonly message: string;
  /** The lease in milliseconds where extensions are to prolong it. */
  readonly renewedMs: number | undefined;
  /** The broker need not answer the ACK. */
  readonly canBeQuiet: boolean;
}

/** Asks until a message comes or the time is over. Without `leaseMs` it is settled at once. */
export async function pop(
  calls: Calls,
  { queueName, ...options }: DeliveryOptions & { readonly queueName: string },
  bounds: CallBounds,
): Promise<OpenPop | undefined> {
  const { pollIntervalMs = POLL_INTERVAL_MS, leaseMs } = options;
  const { deadline } = bounds;
  for (let quickCount = 0; ; quickCount++) {
    const askedAtLeftMs = deadline.leftMs;
    const popped = await calls.repeat(
      bounds,
      (line, traits) => popOnce(line, { queueName, leaseMs, traits }, { calls, bounds }),
      () => queueName.length * ESCAPED_BYTES_MAX,
    );
    if (popped !== undefined || deadline.leftMs === 0) return popped;
    // A broker that held the question need not be spared the next one.
    if (askedAtLeftMs - deadline.leftMs > pollIntervalMs) quickCount = 0;
    else {
      const pauseMs = Math.min(calls.config.maxBackoffMs, pollIntervalMs * 2 ** quickCount);
      await pause(pauseMs, bounds);
    }
  }
}

/** Undefined: nothing is there, or the time is over. */
async function popOnce(
  line: Line,
  question: {
    readonly queueName: string;
    readonly leaseMs: number | undefined;
    readonly traits: BrokerTraits;
  },
  { calls, bounds }: { readonly calls: Calls; readonly bounds: CallBounds },
): Promise<OpenPop | undefined> {
  const { queueName, traits } = question;
  const { connectionTimeoutMs } = calls.config;
  const leaseMs = leaseFor(traits, question.leaseMs);
  const { leftMs } = bounds.deadline;
  const times = popTimes({ leftMs, leaseMs, holds: traits.holds, connectionTimeoutMs });
  let answer: Response;
  try {
    const frame = encodePop(queueName, times.timeoutS);
    answer = await line.ask(frame, times.silenceMs, bounds.signals);
  } catch (error) {
    const isOver = times.endsWithCall && hasCode(error, ClientErrors.SILENCE.code);
    if (isOver) return undefined;
    throw error;
  }
  const { code, response } = answer;
  if (code === ResponseCode.SUCCESS && response !== null) {
    const renewedMs = traits.renews ? leaseMs : undefined;
    return {
      line,
      transactionId: transactionOf(answer),
      message: response,
      renewedMs,
      canBeQuiet: traits.isDirect,
    };
  }
  calls.release(line);
  if (saysEmpty(answer)) return undefined;
  throw refusedPop(answer);
}

function leaseFor({ renews }: BrokerTraits, leaseMs: number | undefined): number | undefined {
  if (leaseMs === undefined) return undefined;
  return Math.max(leaseMs, renews ? 1 : FIXED_LEASE_MS_MIN);
}

/**
 * The message is gone for good.
 *
 * @param needNotHear what is not settled after all does no harm when it comes again.
 * @throws CLIENT_LEASE_OVER, CLIENT_DELIVERY_UNKNOWN
 */
export async function settle(
  { line, transactionId, canBeQuiet }: OpenPop,
  needNotHear: boolean,
  { calls, bounds }: { readonly calls: Calls; readonly bounds: CallBounds },
): Promise<void> {
  if (!line.isOpen) {
    throw ClientErrors.LEASE_OVER({ reason: "the connection ended before the acknowledgement" });
  }
  if (needNotHear && canBeQuiet && firedIn(bounds.signals) === undefined) {
    line.tell(encodeQuietAck(transactionId));
    calls.release(line);
    return;
  }
  const frame = encodeAck(transactionId, true);
  const { code, reason } = await finish({ line, frame }, "settled", { calls, bounds });
  if (code === ResponseCode.SUCCESS) return;
  line.close();
  throw ClientErrors.LEASE_OVER({ reason });
}

export async function giveBack({ line, transactionId }: OpenPop): Promise<void> {
  // The answer tells that the message is back. Should it not come, the lost line gives it back.
  await line.ask(encodeAck(transactionId, false), GIVE_BACK_MS).catch(() => {});
  line.close();
}
