/**
 * Goal: a broker in a process of its own starts, says why it cannot, and never outlives its parent.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import {
  type SimpleMessageBrokerOptions,
  startSimpleMessageBroker,
} from "../../src/runtime/index.js";
import { connectPeer } from "../helpers/raw-peer.js";
import { ack, PING, pop, popThrough, push, pushThrough } from "../helpers/requests.js";
import type { Cleanup } from "../helpers/start-broker.js";

const DOOR = fileURLToPath(new URL("../../dist/runtime/index.js", import.meta.url));

async function start(t: Cleanup, options: SimpleMessageBrokerOptions = {}) {
  const broker = await startSimpleMessageBroker({ port: 0, ...options });
  t.onTestFinished(() => broker.stop());
  return broker;
}

test("it runs in a process of its own and carries messages", async (t) => {
  const broker = await start(t, { brokerParams: { maxQueueSize: 1 } });
  expect(broker.host).toBe("127.0.0.1");
  expect(broker.pid).not.toBe(process.pid);
  const peer = await connectPeer(t, broker.port);
  const { members } = await peer.ask({ ...PING, features: [] });
  expect(members).toMatchObject({ pid: broker.pid, server: "millrace" });
  expect((await pushThrough(peer, "q", "m")).response).toBe("Data stored.");
  expect((await pushThrough(peer, "q", "n")).reason).toBe("Queue is full");
  expect(await popThrough(peer, "q")).toBe("m");
});

test("it says who has the port: one of ours by its pid", async (t) => {
  const broker = await start(t);
  await expect(start(t, { port: broker.port })).rejects.toMatchObject({
    code: "BROKER_PORT_TAKEN",
    kind: "input",
    message: expect.stringContaining(`pid ${broker.pid}`),
  });
});

test("it says that another program has the port", async (t) => {
  const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await expect(start(t, { port })).rejects.toMatchObject({
    code: "BROKER_PORT_TAKEN",
    message: expect.stringContaining("another program"),
  });
});

test.for(["0.0.0.0", "::", "192.0.2.1", "example.invalid"])(
  "it does not listen at %s unless that is allowed",
  async (host, t) => {
    await expect(start(t, { host })).rejects.toMatchObject({ code: "BROKER_REMOTE_REFUSED" });
  },
);

test("it listens for other machines when that is allowed", async (t) => {
  const broker = await start(t, { host: "0.0.0.0", allowRemote: true });
  const peer = await connectPeer(t, broker.port);
  expect((await peer.ask(PING)).response).toBe("PONG");
});

test("it says that the system refuses the address", async (t) => {
  const nobody = { host: "192.0.2.1", allowRemote: true };
  await expect(start(t, nobody)).rejects.toMatchObject({ code: "BROKER_LISTEN_FAILED" });
});

test("an unknown option is refused with the one that was meant", async (t) => {
  const wrong = { maxFrameByte: 5 } as SimpleMessageBrokerOptions;
  await expect(start(t, wrong)).rejects.toMatchObject({
    code: "OPTIONS_INVALID",
    message: expect.stringContaining('did you mean "maxFrameBytes"?'),
  });
});

test("stopping it twice, in any way, does no harm, and its port is free again", async (t) => {
  const broker = await start(t);
  const { port } = broker;
  await Promise.all([broker.stop(), broker.stop()]);
  await broker.stop();
  await broker[Symbol.asyncDispose]();
  const next = await start(t, { port });
  expect(next.port).toBe(port);
});

test("a stop answers held POPs and lets a transaction end", async (t) => {
  const broker = await start(t);
  const waiting = await connectPeer(t, broker.port);
  const pushing = await connectPeer(t, broker.port);
  const first = await pushing.ask(push("q", "m"));
  waiting.send(pop("empty", 60));
  await pushing.ask(ack(first.id));
  const second = await pushing.ask(push("q", "n"));
  const stopped = broker.stop();
  expect((await waiting.frame()).code).toBe(2);
  waiting.end();
  expect((await pushing.ask(ack(second.id))).response).toBe("Data stored.");
  expect(await pushing.untilClosed()).toHaveLength(0);
  await stopped;
});

test("a process that was killed by someone else can be stopped without waiting", async (t) => {
  const broker = await start(t);
  const peer = await connectPeer(t, broker.port);
  await peer.ask(PING);
  process.kill(broker.pid, "SIGKILL");
  await peer.untilClosed();
  await broker.stop();
});

test.for(["SIGKILL", "SIGTERM", "its work is done"])(
  "it ends with its parent: %s",
  async (how, t) => {
    const lines = `
      import { startSimpleMessageBroker } from ${JSON.stringify(DOOR)};
      const broker = await startSimpleMessageBroker({ port: 0 });
      process.stdout.write(broker.port + "\\n");
      ${how === "its work is done" ? "process.stdin.once('data', () => process.stdin.destroy());" : "setInterval(() => {}, 1000);"}
    `;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", lines], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    t.onTestFinished(() => {
      parent.kill("SIGKILL");
    });
    const [port] = await once(createInterface(parent.stdout), "line");
    const peer = await connectPeer(t, Number(port));
    expect((await peer.ask(PING)).response).toBe("PONG");
    if (how === "its work is done") parent.stdin.write("go\n");
    else parent.kill(how as NodeJS.Signals);
    expect(await peer.untilClosed()).toHaveLength(0);
  },
);
