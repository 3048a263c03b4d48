// Goal: live and ready say what supervisors act on: a hang is not live, an unreachable broker not ready.
// Method: stats as pipelines have them, with times of the past.
import { expect, test } from "vitest";
import type { PipelineFacts } from "./facts.js";
import { HealthChecks } from "./health.js";

const livenessMs = 60_000;

function pipelineFacts(idleMs: number | undefined, running = true): PipelineFacts {
  const idleSeconds = idleMs === undefined ? null : idleMs / 1000;
  return { running, inFlight: 0, idleSeconds, source: {}, sink: {}, stages: {} };
}

test("a pipeline lives for so long after its last work, or after the start of the watch", async () => {
  let facts: PipelineFacts | undefined;
  const checks = new HealthChecks({ pipeline: () => facts, livenessMs: 20 });
  expect(checks.live().isWell).toBe(true);
  facts = pipelineFacts(undefined);
  while (checks.live().isWell) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(checks.live()).toEqual({
    isWell: false,
    facts: {
      reason: expect.stringMatching(/took and asked for no work in \d+ ms$/),
      idleMs: expect.any(Number),
      livenessMs: 20,
    },
  });
  facts = pipelineFacts(0);
  expect(checks.live().isWell).toBe(true);
});

test("a broker lives unless it stopped, and is ready only while it runs", async () => {
  for (const state of ["idle", "starting", "running", "draining", "stopped", "failed"] as const) {
    const checks = new HealthChecks({ brokerState: () => state, livenessMs });
    expect(checks.live().isWell, state).toBe(state !== "stopped" && state !== "failed");
    expect((await checks.ready()).isWell, state).toBe(state === "running");
  }
});

test("a pipeline is ready when it runs and its broker answers, which is asked once a second", async () => {
  let asked = 0;
  let answer = async () => true;
  const pipeline = () => pipelineFacts(0);
  const isSourceReachable = () => {
    asked++;
    return answer();
  };
  const checks = new HealthChecks({ pipeline, isSourceReachable, livenessMs });
  expect(await checks.ready()).toEqual({ isWell: true, facts: {} });
  await checks.ready();
  expect(asked).toBe(1);
  answer = async () => {
    throw new Error("no broker");
  };
  const away = new HealthChecks({ pipeline, isSourceReachable, livenessMs });
  expect(await away.ready()).toEqual({
    isWell: false,
    facts: { reason: expect.stringContaining("does not answer") },
  });
  const stopped = new HealthChecks({ pipeline: () => pipelineFacts(0, false), livenessMs });
  expect((await stopped.ready()).isWell).toBe(false);
  const none = new HealthChecks({ pipeline: () => undefined, livenessMs });
  expect((await none.ready()).isWell).toBe(false);
});
