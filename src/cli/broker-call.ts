/** What commands share that ask a running broker for something and end. */
import { z } from "zod";
import { createClient, type MessageBrokerClient } from "../client/index.js";
import { parseBrokerUrl } from "../runtime/index.js";

/** How long a broker may take to say that it is there. */
const PING_MS = 10_000;

export const brokerOption = z
  .string()
  .default("simple://127.0.0.1:7671")
  .describe("The broker to ask: simple://host:port.");

/**
 * Runs `work` with a client of the broker at the URL, which must answer, and closes the client.
 *
 * @throws RUNTIME_BROKER_URL_INVALID, CLIENT_BROKER_UNAVAILABLE, CLIENT_NOT_A_BROKER
 */
export async function askBroker<T>(
  url: string,
  signal: AbortSignal,
  work: (client: MessageBrokerClient) => Promise<T>,
): Promise<T> {
  const client = createClient(parseBrokerUrl(url));
  try {
    await client.ping({ timeoutMs: PING_MS, signal });
    return await work(client);
  } finally {
    await client.close();
  }
}
