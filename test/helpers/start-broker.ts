/** A broker in this process on a free port, stopped when its test ends. */
import type { TestContext } from "vitest";
import type { FileLayer } from "../../src/broker/index.js";
import type { Logger } from "../../src/core/index.js";
import { SimpleMessageBroker, type SimpleMessageBrokerOptions } from "../../src/runtime/index.js";
import { decodeBody, encodeBody } from "../../src/wire/index.js";
import { temporaryFolder } from "./temporary-folder.js";

/** The part of a test's context that helpers need: where they leave their clean-up. */
export type Cleanup = Pick<TestContext, "onTestFinished">;

/** One that keeps its messages on the disk does so in a folder of its own, unless told. */
export async function startBroker(
  t: Cleanup,
  options: SimpleMessageBrokerOptions = {},
  logger?: Logger,
  files?: FileLayer,
): Promise<SimpleMessageBroker> {
  const { durability = "memory" } = options;
  const folder = durability === "memory" ? {} : { dataDir: await temporaryFolder(t) };
  const broker = new SimpleMessageBroker(
    { port: 0, ...folder, ...options },
    { ...(logger && { logger }), ...(files && { files }) },
  );
  await broker.start();
  t.onTestFinished(() => broker.stop({ drainTimeoutMs: 1 }));
  return broker;
}

/** Stores texts in process, in order. */
export async function preload(
  broker: SimpleMessageBroker,
  queueName: string,
  ...texts: string[]
): Promise<void> {
  for (const text of texts) await broker.store(queueName, encodeBody(text), { stampJobId: false });
}

/** Takes and acknowledges everything that is ready, in order. */
export async function takeAll(broker: SimpleMessageBroker, queueName: string): Promise<string[]> {
  const texts: string[] = [];
  for (;;) {
    const held = await broker.take(queueName, { waitMs: 0 });
    if (held === undefined) return texts;
    texts.push(decodeBody(held.body));
    await held.acknowledge();
  }
}

/** A logger that remembers every line as one text. */
export function collectingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (level: string) => (details: object, text: string) => {
    lines.push(`${level} ${text} ${JSON.stringify(details)}`);
  };
  return {
    lines,
    debug: keep("debug"),
    info: keep("info"),
    warn: keep("warn"),
    error: keep("error"),
  };
}
