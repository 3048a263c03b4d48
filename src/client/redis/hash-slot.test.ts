/** Goal: keys are looked for where Redis Cluster keeps them. Method: slots that Redis itself tells. */
import { expect, test } from "vitest";
import { hashSlot } from "./hash-slot.js";
import { jobKeys, queueKeys } from "./keys.js";

test.each([
  ["123456789", 12_739],
  ["foo", 12_182],
  ["{foo}bar", 12_182],
  ["a{foo}{bar}", 12_182],
  ["{}foo", 9_500],
  ["mühle", 12_892],
])("%s lies in slot %i", (key, slot) => {
  expect(hashSlot(key)).toBe(slot);
});

test.each(["ingest_task_queue", "ingest_task_queue_micro", "{tag}queue", "a{tag}"])(
  "what belongs to the queue %s lies where it lies",
  (queue) => {
    const keys = queueKeys(queue);
    const all = [
      ...[keys.last, keys.lastClaim, keys.deliveries, keys.workers],
      ...[keys.worker("w"), keys.claim("w", 3), keys.pushed("p")],
    ];
    for (const key of all) expect(hashSlot(key)).toBe(hashSlot(queue));
  },
);

test("what belongs to a job lies where its result lies", () => {
  const { result, staged, ...others } = jobKeys("0af76519-16cd-43dd-8448-eb211c80319c");
  for (const key of [staged("x"), ...Object.values(others)])
    expect(hashSlot(key)).toBe(hashSlot(result));
});
