/** What the tests of the client suite share. */
import assert from "node:assert/strict";
import type { MessageBrokerClient } from "../client/index.js";
import { hasCode } from "../core/index.js";
import { until } from "./until.js";

export interface ClientBenchOptions {
  /** Messages a queue may hold, those handed out included; else as the broker likes. */
  readonly maxQueueSize?: number;
}

/** A broker of its own; disposing ends it and all its clients. */
export interface ClientBench extends AsyncDisposable {
  /** Another client of the broker. */
  connect(): MessageBrokerClient;
  /** How many fetches the broker holds at this moment, where one can look into it. */
  readonly heldCount?: () => number;
}

export type Body = (client: MessageBrokerClient, bench: ClientBench) => Promise<void>;

export const QUEUE = "jobs";
/** A client that asks again only after so long is not the one that a test waits for. */
export const NEVER_POLLS = { pollIntervalMs: 60_000, timeoutMs: 60_000 };

export async function expectDelivery(client: MessageBrokerClient) {
  const delivery = await client.fetchDelivery(QUEUE);
  assert.ok(delivery !== undefined, "there is a message, so it must be delivered");
  return delivery;
}

/** The call must fail, and with this code. */
export async function rejectsWith(code: string, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => hasCode(error, code) || assert.equal(codeOf(error), code));
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code ?? error;
}

/** Resolves when the broker holds so many fetches; at once where one cannot look. */
export async function untilHeld({ heldCount }: ClientBench, count: number): Promise<void> {
  if (heldCount !== undefined) await until(`${count} fetches are held`, () => heldCount() >= count);
}
