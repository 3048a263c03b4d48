// Goal: whether a process runs is told for our own, for one that has ended, and for no process.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { processId, processRuns } from "./ids.js";

test("a process runs until it has ended", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"]);
  await once(child, "spawn");
  expect(processRuns(child.pid as number)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(processRuns(child.pid as number)).toBe(false);
  expect(processRuns(processId)).toBe(true);
});

test.each([0, -1, Number.NaN, 1.5])("%d is no process", (id) => {
  expect(processRuns(id)).toBe(false);
});
