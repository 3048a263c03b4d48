/**
 * Goal: asking who has a taken port ends in bounded time, whatever listens there.
 * Method: a program that announces a frame and then sends one byte of it again and again, so that
 * the line is never silent.
 */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { SimpleMessageBroker } from "../../src/runtime/index.js";
import { headerOf } from "../helpers/raw-peer.js";

test("a port held by a program that drips bytes is told as taken", async (t) => {
  const server = createServer((socket) => {
    socket.write(headerOf(60_000));
    const timer = setInterval(() => socket.write("x"), 50);
    socket.on("error", () => {});
    socket.on("close", () => clearInterval(timer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.onTestFinished(() => {
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const broker = new SimpleMessageBroker({ port });
  await expect(broker.start()).rejects.toMatchObject({
    code: "BROKER_PORT_TAKEN",
    message: expect.stringContaining("another program"),
  });
});
