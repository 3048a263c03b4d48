/** Who works at a queue. */
import type { CallBounds } from "../retry.js";
import { queueKeys } from "./keys.js";
import type { Network } from "./network.js";

export interface WorkerFacts {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly leaseMs: number;
  /** Until its lease ends, unless it says again that it lives; below 0: it is dead. */
  readonly leaseLeftMs: number;
  /** What it had in work when it was heard last, at most 100. */
  readonly holds: readonly HeldJob[];
}

export interface HeldJob {
  /** Null: the message is no job. */
  readonly jobId: string | null;
  readonly queueName: string;
  /** For how long, in ms. */
  readonly forMs: number;
}

export async function listWorkers(
  network: Network,
  queueName: string,
  bounds: CallBounds,
): Promise<WorkerFacts[]> {
  const keys = queueKeys(queueName);
  const range = await network.command(
    keys.workers,
    ["ZRANGE", keys.workers, "0", "-1", "WITHSCORES"],
    bounds,
  );
  const time = (await network.command(keys.workers, ["TIME"], bounds)) as [string, string];
  const nowMs = Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000);
  const workers = pairs(range).map(async ([id, endsMs]) => {
    const hash = keys.worker(id);
    const names = ["host", "pid", "started", "lease", "holds", "seen"];
    const values = await network.command(hash, ["HMGET", hash, ...names], bounds);
    const [host, pid, startedAt, leaseMs, holds, seenMs] = values as (string | null)[];
    const sinceMs = Math.max(0, nowMs - Number(seenMs ?? nowMs));
    return {
      id,
      host: host ?? "",
      pid: Number(pid ?? 0),
      startedAt: startedAt ?? "",
      leaseMs: Number(leaseMs ?? 0),
      leaseLeftMs: endsMs - nowMs,
      holds: readHolds(holds).map((held) => ({ ...held, forMs: held.forMs + sinceMs })),
    };
  });
  return Promise.all(workers);
}

/** Flat in older protocols of Redis, in pairs in the newer one. */
function pairs(answer: unknown): [string, number][] {
  const list = answer as readonly unknown[];
  if (list.every(Array.isArray)) {
    return (list as [string, unknown][]).map(([id, score]) => [id, Number(score)]);
  }
  return list.flatMap((id, index) =>
    index % 2 === 0 ? [[String(id), Number(list[index + 1])] as [string, number]] : [],
  );
}

function readHolds(text: string | null | undefined): HeldJob[] {
  try {
    const held = JSON.parse(text ?? "[]") as { job: string | null; forMs: number; queue: string }[];
    return held.map(({ job, forMs, queue }) => ({ jobId: job, queueName: queue, forMs }));
  } catch {
    return [];
  }
}
