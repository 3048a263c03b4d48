/** Jobs for the pipeline of `processes/pipeline.mjs`, and what their results say. */
import {
  type BrokerClientConfig,
  createJob,
  encodeJob,
  failureCause,
  parseResult,
  type ResultDocument,
} from "millrace";
import type { Trial } from "./fault.js";
import { Proc } from "./processes.js";

export const TASK_QUEUE = "ingest_task_queue";

/** A job that says what is to be done to it; the name makes its bytes unlike those of others. */
export function jobText(order: string, name: string): string {
  const documents = [{ name: `${name}.txt`, type: "text", content: order }];
  return encodeJob(createJob({ documents }));
}

export interface PipelineSettings {
  readonly port?: number;
  /** How a broker is reached that is none of ours. */
  readonly brokerClient?: BrokerClientConfig;
  readonly leaseMs?: number;
  readonly concurrency?: number;
  readonly stageTimeoutMs?: number;
  /** It does not tell of each job. */
  readonly isQuiet?: boolean;
}

/** Starts the pipeline and waits until it works. */
export async function startPipeline(trial: Trial, settings: PipelineSettings): Promise<Proc> {
  const pipeline = Proc.script(trial, ["pipeline.mjs", JSON.stringify(settings)]);
  await pipeline.event("ready");
  return pipeline;
}

export type Ending = "success" | "failed" | "cancelled" | "givenUp";

/** How a job ended, told from its result's text. */
export function endingOf(text: string): Ending {
  const result = parseResult(text);
  if (result.status === "success") return "success";
  const tasks = annotationsOf(result).map(({ task_id }) => task_id);
  if (tasks.includes("cancelled")) return "cancelled";
  // Who gives up a job: the broker's ledger, or with Redis the clients themselves.
  const isGivenUp = tasks.includes("job_ledger") || tasks.includes("message_broker");
  return isGivenUp ? "givenUp" : "failed";
}

/** Why it failed, and the names of what failed. */
export function failureOf(text: string): { readonly cause: string; readonly stages: string[] } {
  const result = parseResult(text);
  const failures = annotationsOf(result).filter(({ task_result }) => task_result === "FAILURE");
  return { cause: failureCause(result) ?? "", stages: failures.map(({ task_id }) => `${task_id}`) };
}

function annotationsOf(result: ResultDocument): Record<string, unknown>[] {
  return Object.values(result.annotations ?? {}) as unknown as Record<string, unknown>[];
}
