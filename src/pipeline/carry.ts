/**
 * Carries one message from its source through the stages into the sink, and keeps the two promises:
 * whatever happens there is one result, and the result comes before the acknowledgement.
 */
import { type Logger, linkSignals, messageOf } from "../core/index.js";
import type { IngestControlMessage } from "../message/index.js";
import type { CheckpointPlan } from "./checkpoint/checkpoint-plan.js";
import type { Outcome } from "./repeat.js";
import type { Sink } from "./sink.js";
import type { DeliveryFacts, Source } from "./source.js";
import type { StageRunner } from "./stage-runner.js";

export interface Chain {
  readonly source: Source;
  readonly sink: Sink;
  readonly runners: readonly StageRunner[];
  readonly checkpoints?: CheckpointPlan | undefined;
  readonly logger: Logger;
}

/** How a stop reaches the messages in work. */
export interface Cutoffs {
  /** Ends stages. */
  readonly working: AbortController;
  /** Ends deliveries of results. */
  readonly delivering: AbortController;
  /** What becomes of messages whose stages were ended. */
  unfinished: "release" | "fail";
}

/** What it came to. Rejects only when a part breaks its own promises. */
export async function carry(
  message: IngestControlMessage,
  chain: Chain,
  cutoffs: Cutoffs,
): Promise<Outcome> {
  const { source, logger } = chain;
  const delivery = source.deliveryOf?.(message) ?? {};
  const worked = await throughStages(message, delivery, { ...chain, cutoffs });
  const isDelivered =
    worked !== undefined && (await deliver(worked, delivery, { ...chain, cutoffs }));
  try {
    if (isDelivered) await source.acknowledge(message);
    else await source.release(message);
  } catch (error) {
    if (!delivery.lost?.aborted) {
      // The job comes again. Its second result is the same, or refused as late.
      logger.error({ error: messageOf(error) }, "a job could not be settled");
      return isDelivered ? "failed" : "undelivered";
    }
  }
  if (delivery.lost?.aborted) return "lost";
  if (!isDelivered) return "undelivered";
  return worked.failed ? "failed" : "processed";
}

type Means = Chain & { readonly cutoffs: Cutoffs };

/** The message after the last stage; undefined when it is lost, or a stop sends it back. */
async function throughStages(
  message: IngestControlMessage,
  { lost }: DeliveryFacts,
  { runners, checkpoints, cutoffs }: Means,
): Promise<IngestControlMessage | undefined> {
  const stopped = cutoffs.working.signal;
  const ends = lost === undefined ? [stopped] : [lost, stopped];
  let current = message;
  const run = await checkpoints?.begin(message);
  for (const [index, runner] of runners.entries()) {
    if (index < (run?.next ?? 0)) continue;
    if (current.failed) break;
    const hasWork = runner.stage.accepts?.(current) !== false;
    try {
      current = await runner.run(current, ends);
      if (hasWork) await run?.after(index, current);
    } catch (cause) {
      if (lost?.aborted || cutoffs.unfinished === "release") return undefined;
      current.fail({ stage: runner.stage.name, cause });
    }
  }
  return current;
}

/** Whether the job may be acknowledged. A lost one is answered by another, or was when cancelled. */
async function deliver(
  worked: IngestControlMessage,
  { leaseId, lost }: DeliveryFacts,
  { sink, logger, cutoffs }: Means,
): Promise<boolean> {
  if (lost?.aborted) return false;
  const { signal, unlink } = linkSignals(cutoffs.delivering.signal, lost);
  try {
    return await sink.processMessage(worked, { signal, leaseId });
  } catch (error) {
    if (!lost?.aborted) logger.error({ error: messageOf(error) }, "the sink failed");
    return false;
  } finally {
    unlink();
  }
}
