/**
 * Goal: SimpleClient works with brokers that are not ours, and says what is wrong with those that are
 * no brokers. Method: a stand-in that behaves like the original over TCP, and servers that misbehave.
 */
import { createServer as createHttpServer } from "node:http";
import { describe, expect, test } from "vitest";
import { SimpleClient } from "../../src/client/index.js";
import { SimpleMessageBroker } from "../../src/runtime/index.js";
import type { Cleanup } from "../helpers/start-broker.js";
import {
  answer,
  framesOf,
  startServer,
  startUpstreamLike,
} from "../helpers/upstream-like-broker.js";

const QUEUE = "jobs";

describe("a broker that closes after every answer and holds nothing", () => {
  test("stores, counts and hands out in order", async (t) => {
    const { port } = await startUpstreamLike(t);
    const client = clientOf(t, port);
    await client.ping();
    await client.submitMessage(QUEUE, "one");
    await client.submitMessage(QUEUE, "two");
    expect(await client.size(QUEUE)).toBe(2);
    expect(await client.fetchMessage(QUEUE)).toBe("one");
    expect(await client.fetchMessage(QUEUE)).toBe("two");
  });

  test("names the job that it was given", async (t) => {
    const { port } = await startUpstreamLike(t);
    const client = clientOf(t, port);
    const job = '{"job_id":"None"}';
    const { transactionId } = await client.submitMessage(QUEUE, job, { forNvIngest: true });
    const fetched = JSON.parse((await client.fetchMessage(QUEUE)) ?? "") as unknown;
    expect(fetched).toEqual({ job_id: transactionId });
  });

  test("keeps a message until its consumer has settled it", async (t) => {
    const { port, queues } = await startUpstreamLike(t);
    const client = clientOf(t, port);
    await client.submitMessage(QUEUE, "work");
    const first = await client.fetchDelivery(QUEUE);
    expect(await client.size(QUEUE)).toBe(0);
    await first?.release();
    const second = await client.fetchDelivery(QUEUE);
    expect(second?.message).toBe("work");
    await second?.acknowledge();
    expect(queues.get(QUEUE)).toEqual(["work"].slice(1));
  });

  test("is asked again, a while later each time, until a message is there", async (t) => {
    const broker = await startUpstreamLike(t);
    const client = clientOf(t, broker.port);
    const waiting = client.fetchMessage(QUEUE, { pollIntervalMs: 1 });
    const pops = () => broker.commands.filter((command) => command === "POP").length;
    await expect.poll(pops).toBeGreaterThan(2);
    await clientOf(t, broker.port).submitMessage(QUEUE, "late");
    expect(await waiting).toBe("late");
  });

  test("may say that its queue is empty in the words of before 25.6", async (t) => {
    const { port } = await startUpstreamLike(t, { empty: { code: 1, reason: "Queue is empty" } });
    const client = clientOf(t, port);
    expect(await client.fetchMessage(QUEUE, { timeoutMs: 20, pollIntervalMs: 5 })).toBeUndefined();
    await client.submitMessage(QUEUE, "there");
    expect(await client.fetchMessage(QUEUE)).toBe("there");
  });

  test("is told as it says it when it refuses for another reason", async (t) => {
    const { port } = await startUpstreamLike(t, { empty: { code: 1, reason: "No such luck" } });
    const fetched = clientOf(t, port).fetchMessage(QUEUE);
    await expect(fetched).rejects.toMatchObject({
      code: "CLIENT_REFUSED",
      message: expect.stringContaining("No such luck"),
    });
  });
});

describe("a connection that is lost", () => {
  test("before the first answer changed nothing, and the request is repeated", async (t) => {
    const { port, queues } = await startUpstreamLike(t, { requestsLost: 2 });
    await clientOf(t, port, { maxRetries: 2 }).submitMessage(QUEUE, "once");
    expect(queues.get(QUEUE)).toEqual(["once"]);
  });

  test("after the acknowledgement leaves the outcome unknown, and nothing is repeated", async (t) => {
    const { port, queues, commands } = await startUpstreamLike(t, { finalsLost: 3 });
    const client = clientOf(t, port);
    const unknown = { code: "CLIENT_DELIVERY_UNKNOWN" };
    await expect(client.submitMessage(QUEUE, "one")).rejects.toMatchObject(unknown);
    expect(queues.get(QUEUE)).toEqual(["one"]);
    // Fetched at once, the message is handed on all the same: nowhere else would it be.
    expect(await client.fetchMessage(QUEUE)).toBe("one");
    await client.submitMessage(QUEUE, "two").catch(() => {});
    const delivery = await client.fetchDelivery(QUEUE);
    await delivery?.acknowledge();
    expect(commands.filter((command) => command !== "PING")).toEqual([
      "PUSH",
      "POP",
      "PUSH",
      "POP",
    ]);
  });

  test("for a restart of the broker is not noticed by the next call", async (t) => {
    const first = new SimpleMessageBroker({ port: 0 });
    await first.start();
    const { port } = first;
    const client = clientOf(t, port, { maxRetries: 0 });
    await client.submitMessage(QUEUE, "lost with the memory");
    await first.stop();
    const second = new SimpleMessageBroker({ port });
    await second.start();
    t.onTestFinished(() => second.stop({ drainTimeoutMs: 1 }));
    await client.submitMessage(QUEUE, "kept");
    expect(await client.fetchMessage(QUEUE)).toBe("kept");
  });
});

describe("what is no broker", () => {
  test("a server that closes every connection is tried maxRetries times more", async (t) => {
    let connections = 0;
    const port = await startServer(t, async () => {
      connections++;
    });
    const pinged = clientOf(t, port, { maxRetries: 3 }).ping();
    await expect(pinged).rejects.toMatchObject({ code: "CLIENT_BROKER_UNAVAILABLE", retry: true });
    expect(connections).toBe(4);
  });

  test("a port where nobody listens is told with host and port", async (t) => {
    const broker = new SimpleMessageBroker({ port: 0 });
    await broker.start();
    const { port } = broker;
    await broker.stop();
    const client = clientOf(t, port, { maxRetries: 1 });
    for (const call of ["ping", "size", "fetchMessage"] as const) {
      await expect(client[call](QUEUE as never)).rejects.toMatchObject({
        code: "CLIENT_BROKER_UNAVAILABLE",
        message: expect.stringContaining(`127.0.0.1:${port}`),
      });
    }
    // The question for the broker's features must not fail where nobody hears it.
    const signal = AbortSignal.abort(new Error("before"));
    await expect(clientOf(t, port).ping({ signal })).rejects.toThrow("before");
  });

  test("an HTTP server is told apart from a broker", async (t) => {
    const server = createHttpServer((_, response) => response.end("hello"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as { port: number };
    await expect(clientOf(t, port).ping()).rejects.toMatchObject({
      code: "CLIENT_NOT_A_BROKER",
      message: expect.stringContaining(`127.0.0.1:${port} is no message broker`),
    });
  });

  test("a server that answers other frames is told apart too", async (t) => {
    const port = await startServer(t, async (socket) => {
      const next = framesOf(socket);
      await next();
      socket.write(Buffer.from("\0\0\0\0\0\0\0\u0005hello"));
    });
    await expect(clientOf(t, port).ping()).rejects.toMatchObject({ code: "CLIENT_NOT_A_BROKER" });
  });

  test("a server that says nothing is given up", async (t) => {
    const port = await startServer(t, (socket) => new Promise((end) => socket.once("close", end)));
    const options = { connectionTimeoutMs: 40, maxRetries: 1 };
    await expect(clientOf(t, port, options).ping()).rejects.toMatchObject({
      code: "CLIENT_BROKER_UNAVAILABLE",
      cause: { code: "CLIENT_SILENCE" },
    });
  });

  test("a server that says nothing does not outlast the call or the client", async (t) => {
    const port = await startServer(t, (socket) => new Promise((end) => socket.once("close", end)));
    // Without either, the wait would be longer than a test may take.
    const patient = { connectionTimeoutMs: 60_000, maxRetries: Number.POSITIVE_INFINITY };
    const short = clientOf(t, port, patient).ping({ timeoutMs: 30 });
    await expect(short).rejects.toMatchObject({ code: "CLIENT_BROKER_UNAVAILABLE" });
    const closed = clientOf(t, port, patient);
    const pinged = expect(closed.ping()).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
    await closed.close();
    await pinged;
  });
});

describe("a broker with a bad line", () => {
  test("may send its answer byte by byte, for longer than it may be silent", async (t) => {
    const port = await startServer(t, async (socket) => {
      const { command } = (await framesOf(socket)()) as { command: string };
      if (command === "PING") {
        socket.write(answer({ response: "PONG" }));
        return;
      }
      for (const byte of answer({ response: "7" })) {
        socket.write(Uint8Array.of(byte));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    });
    const client = clientOf(t, port, { connectionTimeoutMs: 60, maxRetries: 0 });
    expect(await client.size(QUEUE)).toBe(7);
  });

  test("that says more than it was asked is not believed in the next answer", async (t) => {
    const features = ["keepalive"];
    let served = 0;
    const port = await startServer(t, async (socket) => {
      const next = framesOf(socket);
      for (;;) {
        const { command } = (await next()) as { command: string };
        if (command === "PING") socket.write(answer({ response: "PONG", features }));
        else {
          const right = answer({ response: String(++served) });
          socket.write(Buffer.concat([right, answer({ response: "999" })]));
        }
      }
    });
    const client = clientOf(t, port);
    expect(await client.size(QUEUE)).toBe(1);
    expect(await client.size(QUEUE)).toBe(2);
  });

  test("that hands out a message without a transaction is refused, and its line closed", async (t) => {
    let closed = () => {};
    const isClosed = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const port = await startServer(t, async (socket) => {
      const next = framesOf(socket);
      const { command } = (await next()) as { command: string };
      if (command === "PING") {
        socket.end(answer({ response: "PONG" }));
        return;
      }
      socket.once("close", closed);
      socket.write(answer({ response: "a message" }));
      await isClosed;
    });
    const fetched = clientOf(t, port).fetchMessage(QUEUE);
    await expect(fetched).rejects.toMatchObject({ code: "WIRE_RESPONSE_INVALID" });
    await isClosed;
  });
});

function clientOf(
  t: Cleanup,
  port: number,
  options: { readonly maxRetries?: number; readonly connectionTimeoutMs?: number } = {},
): SimpleClient {
  const client = new SimpleClient({ host: "127.0.0.1", port, maxBackoffMs: 20, ...options });
  t.onTestFinished(() => client.close());
  return client;
}
