/** What a stage must return, and the times it leaves on a message. */
import { epochNanoseconds } from "../core/index.js";
import {
  channelInEntryKey,
  channelInExitKey,
  entryKey,
  exitKey,
  IngestControlMessage,
  LATENCY_TS_SEND,
} from "../message/index.js";
import { PipelineErrors } from "./errors.js";
import type { BatchOutcome } from "./stage.js";

/** @throws PIPELINE_STAGE_RETURNED_NOTHING, PIPELINE_STAGE_RETURNED_FOREIGN */
export function checkResult(
  result: unknown,
  stage: string,
): asserts result is IngestControlMessage {
  if (result instanceof IngestControlMessage) return;
  if (result === undefined || result === null) {
    throw PipelineErrors.STAGE_RETURNED_NOTHING({ stage });
  }
  throw PipelineErrors.STAGE_RETURNED_FOREIGN({ stage, type: `a value of type ${typeof result}` });
}

/** @throws PIPELINE_BATCH_MISMATCHED unless there is one outcome for each message. */
export function checkBatch(
  outcome: unknown,
  { stage, count }: { readonly stage: string; readonly count: number },
): BatchOutcome {
  if (Array.isArray(outcome) && outcome.length === count) return outcome as BatchOutcome;
  const returned = Array.isArray(outcome) ? `${outcome.length} messages` : `a ${typeof outcome}`;
  throw PipelineErrors.BATCH_MISMATCHED({ stage, count, returned });
}

export function traceArrival(message: IngestControlMessage, stage: string): void {
  const now = epochNanoseconds();
  message.setTimestamp(channelInEntryKey(stage), message.getTimestamp(LATENCY_TS_SEND) ?? now);
  message.setTimestamp(channelInExitKey(stage), now);
  message.setTimestamp(entryKey(stage), now);
}

export function traceExit(message: IngestControlMessage, stage: string): void {
  const now = epochNanoseconds();
  message.setTimestamp(exitKey(stage), now);
  message.setTimestamp(LATENCY_TS_SEND, now);
}
