/** What commands share that talk to a broker which runs already. */
import { z } from "zod";
import { createClient, type MessageBrokerClient, RedisSettings } from "../client/index.js";
import { shapeOf } from "../core/index.js";
import { parseBrokerUrl } from "../runtime/index.js";

/** How long a broker may take to say that it is there. */
const PING_MS = 10_000;

/** The broker, and what its URL does not say. */
export const BROKER_OPTIONS = {
  broker: z
    .string()
    .default("simple://127.0.0.1:7671")
    .describe(
      "The broker: simple://host:port, redis://host:port/db, rediss://… with TLS, " +
        "redis+sentinel://host,host/name or redis+cluster://host,host.",
    ),
  redis: RedisSettings.prefault({}),
};

/** For the help. */
export const REDIS_GROUP = {
  "Redis:": Object.keys(RedisSettings.shape).filter((name) => name !== "objects"),
  "Large messages, outside of Redis:": Object.keys(shapeOf(RedisSettings.shape.objects) ?? {}),
};

export interface BrokerOptions {
  readonly broker: string;
  readonly redis: z.output<typeof RedisSettings>;
}

/**
 * Runs `work` with a client of the broker, which must answer, and closes the client.
 *
 * @throws RUNTIME_BROKER_URL_INVALID, CLIENT_BROKER_UNAVAILABLE, CLIENT_NOT_A_BROKER
 */
export async function askBroker<T>(
  { broker, redis }: BrokerOptions,
  signal: AbortSignal,
  work: (client: MessageBrokerClient) => Promise<T>,
): Promise<T> {
  const client = createClient(parseBrokerUrl(broker, redis));
  try {
    await client.ping({ timeoutMs: PING_MS, signal });
    return await work(client);
  } finally {
    await client.close();
  }
}
