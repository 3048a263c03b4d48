/**
 * Goal: bodies that are much larger than one received chunk keep every byte, and cost no more memory
 * than they are long.
 */
import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { until } from "../../src/testing/index.js";
import { connectPeer, headerOf } from "../helpers/raw-peer.js";
import { ack, pop } from "../helpers/requests.js";
import { startBroker } from "../helpers/start-broker.js";

const MiB = 1024 * 1024;

function hash(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Escaped content of a JSON string: letters, escapes of every kind and raw UTF-8. */
function escapedContent(bytes: number): Buffer {
  const piece = Buffer.from(`${randomBytes(3_000).toString("base64")}\\n\\"\\u00e9é😀\\\\`);
  return Buffer.concat(Array.from({ length: Math.ceil(bytes / piece.length) }, () => piece));
}

function framed(...parts: Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([headerOf(length), ...parts]);
}

test.for([1, 8, 40])(
  "a message of %d MiB comes out with the bytes it came in with",
  async (n, t) => {
    const broker = await startBroker(t);
    const content = escapedContent(n * MiB);
    const peer = await connectPeer(t, broker.port);
    const head = Buffer.from('{"command":"PUSH","timeout":60,"queue_name":"q","message":"');
    peer.write(framed(head, content, Buffer.from('"}')));
    const first = await peer.frame();
    expect((await peer.ask(ack(first.id))).response).toBe("Data stored.");
    const { heldBytes } = broker.getStats();
    expect(heldBytes).toBeGreaterThanOrEqual(content.length);
    expect(heldBytes).toBeLessThan(content.length + 2_000);

    peer.send(pop("q", 60));
    const popped = await peer.body();
    const start = popped.indexOf('"response":"') + 12;
    const got = popped.subarray(start, start + content.length);
    expect(hash(got)).toBe(hash(content));
    const tail = JSON.parse(`{"x":"${popped.subarray(start + content.length).toString()}`);
    expect((await peer.ask(ack(tail.transaction_id))).response).toBe("Data processed.");
    await until("memory is free", () => broker.getStats().heldBytes < 10_000);
  },
);

test("a job of 40 MiB is stamped, and nothing else of it changes", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const content = randomBytes(30 * MiB).toString("base64");
  const job = (id: string) =>
    `{"job_payload": {"content": ["${content}"]}, "job_id": "${id}", "ts": 1763862000123456789}`;
  const message = JSON.stringify(job("None")).slice(1, -1);
  const head = Buffer.from('{"command":"PUSH_FOR_NV_INGEST","queue_name":"q","message":"');
  peer.write(framed(head, Buffer.from(message), Buffer.from('"}')));
  const first = await peer.frame();
  expect((await peer.ask(ack(first.id))).response).toBe("Data stored.");
  const popped = await peer.ask(pop("q", 60));
  expect(hash(Buffer.from(String(popped.response)))).toBe(hash(Buffer.from(job(first.id))));
  expect((await peer.ask(ack(popped.id))).response).toBe("Data processed.");
  await until("memory is free", () => broker.getStats().heldBytes < 10_000);
});
