// Goal: an endpoint that fails is spared, and found again when it is well. Method: calls that fail as
// told, and circuits that open for no time or for ever.
import { expect, test } from "vitest";
import { CircuitBreaker, CircuitBreakers } from "./circuit-breaker.js";

const away = () => Promise.reject(Object.assign(new Error("away"), { status: 503 }));
const refused = () => Promise.reject(Object.assign(new Error("refused"), { status: 400 }));
const here = async () => "here";
const FOR_EVER_MS = 2_000_000_000;

async function fail(circuit: CircuitBreaker, count: number): Promise<void> {
  for (let call = 0; call < count; call++) await expect(circuit.run(away)).rejects.toThrow("away");
}

test("failures in a row open it, and then nobody is called", async () => {
  const circuit = new CircuitBreaker("http://model", { failureLimit: 3, openMs: FOR_EVER_MS });
  await fail(circuit, 3);
  expect(circuit.state).toBe("open");
  let calls = 0;
  const call = circuit.run(() => calls++);
  await expect(call).rejects.toMatchObject({ code: "CIRCUIT_OPEN", retry: true });
  await expect(call).rejects.toThrow(/http:\/\/model/);
  await expect(call).rejects.toMatchObject({ details: { retryAfterMs: expect.any(Number) } });
  expect(calls).toBe(0);
});

test("a success between failures starts the count anew", async () => {
  const circuit = new CircuitBreaker("e", { failureLimit: 3, openMs: FOR_EVER_MS });
  await fail(circuit, 2);
  expect(await circuit.run(here)).toBe("here");
  await fail(circuit, 2);
  expect(circuit.state).toBe("closed");
});

test("an answer that refuses shows that the endpoint lives", async () => {
  const circuit = new CircuitBreaker("e", { failureLimit: 1 });
  await expect(circuit.run(refused)).rejects.toThrow("refused");
  expect(circuit.state).toBe("closed");
});

test.each([
  ["an abort", new DOMException("stop", "AbortError")],
  ["the reason of a stage's signal", Object.assign(new Error("late"), { kind: "stage" })],
  [
    "that of one that may be tried again",
    Object.assign(new Error("x"), { kind: "stage", retry: true }),
  ],
])("a call that was given up, by %s, shows nothing", async (_, reason) => {
  const giveUp = (circuit: CircuitBreaker) =>
    expect(circuit.run(() => Promise.reject(reason))).rejects.toBe(reason);
  const closed = new CircuitBreaker("e", { failureLimit: 2, openMs: FOR_EVER_MS });
  await fail(closed, 1);
  await giveUp(closed);
  expect(closed.state).toBe("closed");
  await fail(closed, 1);
  expect(closed.state).toBe("open");
  const halfOpen = new CircuitBreaker("e", { failureLimit: 1, openMs: 0 });
  await fail(halfOpen, 1);
  await giveUp(halfOpen);
  expect(halfOpen.state).toBe("half-open");
  expect(await halfOpen.run(here)).toBe("here");
  expect(halfOpen.state).toBe("closed");
});

test("half-open, one call is let through: it decides", async () => {
  const circuit = new CircuitBreaker("e", { failureLimit: 1, openMs: 0 });
  await fail(circuit, 1);
  expect(circuit.state).toBe("half-open");
  let answer = (_: string) => {};
  const probe = circuit.run(
    () =>
      new Promise<string>((resolve) => {
        answer = resolve;
      }),
  );
  await expect(circuit.run(here)).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
  answer("well");
  expect(await probe).toBe("well");
  expect(circuit.state).toBe("closed");
  await fail(circuit, 1);
  await fail(circuit, 1);
  expect(circuit.state).toBe("half-open");
});

test("an endpoint may ask for a longer rest", async () => {
  const circuit = new CircuitBreaker("e", { failureLimit: 1, openMs: 0 });
  const busy = Object.assign(new Error("busy"), { status: 429, headers: { "retry-after": "60" } });
  await expect(circuit.run(() => Promise.reject(busy))).rejects.toBe(busy);
  expect(circuit.state).toBe("open");
});

test("circuits are kept by endpoint, and not without end", () => {
  const circuits = new CircuitBreakers({}, 3);
  const first = circuits.of("a");
  for (const name of ["b", "c"]) circuits.of(name);
  expect(circuits.of("a")).toBe(first);
  circuits.of("d");
  expect(circuits.states()).toEqual({ a: "closed", c: "closed", d: "closed" });
});
