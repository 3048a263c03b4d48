// Goal: linked signals fire with the right reason and leave no listener behind.
// Method: count listeners on the given signals through getEventListeners.
import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { Gate } from "./gate.js";
import { linkSignals } from "./signals.js";

test("the linked signal fires with the reason of the one that fired", () => {
  const [a, b] = [new AbortController(), new AbortController()];
  const linked = linkSignals(a.signal, undefined, b.signal);
  b.abort("second");
  expect(linked.signal.aborted).toBe(true);
  expect(linked.signal.reason).toBe("second");
});

test("a signal that has fired before fires the link at once", () => {
  const linked = linkSignals(AbortSignal.abort("early"), new AbortController().signal);
  expect(linked.signal.reason).toBe("early");
});

test("a single signal is passed through", () => {
  const { signal } = new AbortController();
  expect(linkSignals(undefined, signal).signal).toBe(signal);
});

test("unlink removes every listener", () => {
  const [a, b] = [new AbortController(), new AbortController()];
  const linked = linkSignals(a.signal, b.signal);
  expect(getEventListeners(a.signal, "abort")).toHaveLength(1);
  linked.unlink();
  expect(getEventListeners(a.signal, "abort")).toHaveLength(0);
  expect(getEventListeners(b.signal, "abort")).toHaveLength(0);
  a.abort();
  expect(linked.signal.aborted).toBe(false);
});

test("a gate lets everyone through when it opens, and later ones at once", async () => {
  const gate = new Gate();
  const waiting = Promise.all([gate.wait(60_000), gate.wait(60_000)]);
  gate.open();
  await waiting;
  await gate.wait(60_000);
});

test("a wait at a gate ends with its signal and with its time", async () => {
  const gate = new Gate();
  const controller = new AbortController();
  const waiting = gate.wait(60_000, controller.signal);
  controller.abort();
  await waiting;
  expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
  await gate.wait(1);
});

test("many may listen to a linked signal without a warning", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  const { signal } = linkSignals(new AbortController().signal, new AbortController().signal);
  for (let count = 0; count < 20; count++) signal.addEventListener("abort", () => {});
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", onWarning);
  expect(warnings).toEqual([]);
});
