import { expect, test } from "vitest";
import { withinLimits } from "./call-limits.js";

const NEVER = () => new Promise<never>(() => {});
const limits = { signal: undefined, timeoutMs: 20, where: "/shared" };

test("a call ends when its time is over, also when its work never does", async () => {
  let ended: AbortSignal | undefined;
  const call = withinLimits(limits, (signal) => {
    ended = signal;
    return NEVER();
  });
  await expect(call).rejects.toMatchObject({
    code: "OBJECT_STORE_UNAVAILABLE",
    retry: true,
    message: "the object store /shared does not answer: not within 20 ms",
  });
  expect(ended?.aborted).toBe(true);
});

test("a call ends with the reason of whichever of its caller's signals fires", async () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const signal = [first.signal, second.signal];
  const call = withinLimits({ ...limits, signal, timeoutMs: 60_000 }, NEVER);
  const reason = new Error("enough");
  second.abort(reason);
  await expect(call).rejects.toBe(reason);
});

test("a call whose signal has fired before does not begin", async () => {
  let hasBegun = false;
  const call = withinLimits({ ...limits, signal: AbortSignal.abort("no") }, async () => {
    hasBegun = true;
  });
  await expect(call).rejects.toBe("no");
  expect(hasBegun).toBe(false);
});
