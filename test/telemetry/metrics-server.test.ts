/**
 * Goal: metrics and health are served to whoever asks properly; who does not, harms nothing.
 * Method: a server of its own for each test, fetch for good requests and raw sockets for the others.
 */
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { silentLogger } from "../../src/core/index.js";
import { MetricsServer } from "../../src/telemetry/metrics-server.js";
import { lifecycleSuite, until } from "../../src/testing/index.js";
import { getText, rawAnswer } from "../helpers/http.js";
import { type Cleanup, collectingLogger } from "../helpers/start-broker.js";

const OPTIONS = { host: "127.0.0.1", port: 0, allowRemote: false };
const well = { isWell: true, facts: { idleMs: 5 } };
const unwell = { isWell: false, facts: { reason: "it hangs" } };
const PAGES = {
  metrics: { contentType: "text/plain; version=0.0.4", text: async () => "up 1\n" },
  health: { live: () => well, ready: async () => unwell },
};

async function startServer(t: Cleanup, pages = PAGES, logger = silentLogger) {
  const server = new MetricsServer(OPTIONS, pages, { logger });
  await server.start();
  t.onTestFinished(() => server.stop());
  return { server, port: server.port, url: `http://127.0.0.1:${server.port}` };
}

lifecycleSuite(
  "the metrics server",
  async () => {
    const component = new MetricsServer(OPTIONS, PAGES, { logger: silentLogger });
    return { component, [Symbol.asyncDispose]: () => component.stop() };
  },
  { describe, test },
);

test("the pages are where supervisors look for them", async (t) => {
  const { url } = await startServer(t);
  const response = await fetch(`${url}/metrics?from=somewhere`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4");
  expect(response.headers.get("connection")).toBe("close");
  expect(await response.text()).toBe("up 1\n");
  const live = await getText(`${url}/health/live`);
  expect([live.status, JSON.parse(live.text)]).toEqual([200, { status: "live", idleMs: 5 }]);
  const ready = await getText(`${url}/health/ready`);
  const notReady = { status: "not ready", reason: "it hangs" };
  expect([ready.status, JSON.parse(ready.text)]).toEqual([503, notReady]);
});

test("other paths are not found, other methods are not allowed", async (t) => {
  const { url } = await startServer(t);
  for (const path of ["/", "/metrics/", "/health", "/metrics%00", "//metrics"]) {
    expect((await getText(`${url}${path}`)).status, path).toBe(404);
  }
  for (const method of ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"]) {
    const response = await fetch(`${url}/metrics`, { method });
    expect(response.status, method).toBe(405);
    expect(response.headers.get("allow")).toBe("GET");
  }
});

test("what cannot be told is an error of one answer only", async (t) => {
  const logger = collectingLogger();
  let isBroken = true;
  const text = async () => {
    if (isBroken) throw new Error("no numbers");
    return "up 1\n";
  };
  const pages = { ...PAGES, metrics: { contentType: "text/plain", text } };
  const { url } = await startServer(t, pages, logger);
  const failed = await getText(`${url}/metrics`);
  expect(failed.status).toBe(500);
  expect(failed.text).not.toMatch("no numbers");
  expect(logger.lines.join("\n")).toMatch("no numbers");
  isBroken = false;
  expect((await getText(`${url}/metrics`)).status).toBe(200);
});

test("a taken port and a foreign address are refused by code", async (t) => {
  const { port } = await startServer(t);
  const second = new MetricsServer({ ...OPTIONS, port }, PAGES, { logger: silentLogger });
  await expect(second.start()).rejects.toMatchObject({
    code: "TELEMETRY_PORT_TAKEN",
    message: expect.stringContaining(String(port)),
  });
  const remote = new MetricsServer({ ...OPTIONS, host: "0.0.0.0" }, PAGES, {
    logger: silentLogger,
  });
  await expect(remote.start()).rejects.toMatchObject({ code: "TELEMETRY_REMOTE_REFUSED" });
  const nowhere = { ...OPTIONS, host: "192.0.2.1", allowRemote: true };
  const unbound = new MetricsServer(nowhere, PAGES, { logger: silentLogger });
  await expect(unbound.start()).rejects.toMatchObject({ code: "TELEMETRY_LISTEN_FAILED" });
  expect(unbound.state).toBe("failed");
});

test.each([
  ["no HTTP", "\u0000\u0001\u0002\r\n\r\n", /^HTTP\/1\.1 400/],
  ["a header without end", `GET /metrics HTTP/1.1\r\nX: ${"x".repeat(20_000)}`, /^HTTP\/1\.1 431/],
  ["a tunnel", "CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n", /^$/],
  [
    "an upgrade",
    "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    /^HTTP\/1\.1 200/,
  ],
  [
    "a body for a GET",
    `GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n${"x".repeat(100_000)}`,
    /^HTTP\/1\.1 200|^$/,
  ],
  [
    "a row of requests at once",
    "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000),
    /^HTTP\/1\.1 200(?!.*HTTP\/1\.1 200)/s,
  ],
])("%s gets one answer at most, and the next one is served", async (_, bytes, answer) => {
  const server = new MetricsServer(OPTIONS, PAGES, { logger: silentLogger });
  await server.start();
  try {
    expect(await rawAnswer(server.port, bytes)).toMatch(answer);
    const next = await getText(`http://127.0.0.1:${server.port}/metrics`);
    expect(next.text).toBe("up 1\n");
  } finally {
    await server.stop();
  }
});

test("a crowd of silent connections is cut, and its end lets others in", async (t) => {
  const { port, url } = await startServer(t);
  let closedCount = 0;
  const sockets = Array.from({ length: 200 }, () => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("error", () => {});
    socket.once("close", () => closedCount++);
    return socket;
  });
  await until("those beyond the limit are closed", () => closedCount >= 200 - 64);
  expect(closedCount).toBe(200 - 64);
  for (const socket of sockets) socket.destroy();
  await until("all are closed", () => closedCount === 200);
  expect((await getText(`${url}/metrics`)).status).toBe(200);
});

test("a stop does not wait for who is connected", async () => {
  const server = new MetricsServer(OPTIONS, PAGES, { logger: silentLogger });
  await server.start();
  const closed = rawAnswer(server.port, "GET /metrics HTTP/1.1\r\n");
  await getText(`http://127.0.0.1:${server.port}/metrics`);
  await server.stop();
  expect(await closed).toBe("");
});
