/** The configuration types of the original framework: how a source or a sink reaches its broker. */
import { z } from "zod";
import { MiB } from "../core/index.js";
import type { MessageExchange } from "../wire/index.js";

const ms = () => z.number().int().min(1).max(2_147_483_647);
const host = () => z.string().min(1).default("localhost").describe("Host name or address.");
const port = (standard: number) =>
  z.number().int().min(1).max(65_535).default(standard).describe("TCP port.");

const retries = {
  maxRetries: z
    .union([z.number().min(0), z.literal(Number.POSITIVE_INFINITY)])
    .default(5)
    .meta({
      description: "Repetitions after a lost connection.",
      typeText: "number from 0, or Infinity",
    }),
  maxBackoffMs: ms().default(5_000).describe("Longest pause between two attempts."),
  connectionTimeoutMs: ms()
    .default(30_000)
    .describe("Longest wait for a connection, and for an answer of a silent broker."),
};

export const SimpleClientConfig = z.strictObject({
  clientType: z.literal("simple").default("simple").describe("A broker over TCP."),
  host: host(),
  port: port(7671),
  ...retries,
  maxConnections: z
    .number()
    .int()
    .min(1)
    .default(256)
    .describe(
      "Calls at a time, and deliveries not yet acknowledged: each has a connection, or a channel of one " +
        "where the broker has those.",
    ),
  maxFrameBytes: z
    .number()
    .int()
    .min(1_024)
    .max(480 * MiB)
    .default(480 * MiB)
    .describe("Largest answer taken in, in bytes."),
  brokerParams: z.strictObject({}).prefault({}).describe("Has no members for this client."),
});
export type SimpleClientConfig = z.input<typeof SimpleClientConfig>;

export const BrokerParamsRedis = z.strictObject({
  db: z.number().int().min(0).default(0).describe("Number of the database."),
  useSsl: z.boolean().default(false).describe("Connect with TLS, verifying the server."),
});
export type BrokerParamsRedis = z.input<typeof BrokerParamsRedis>;

export const RedisClientConfig = z.strictObject({
  clientType: z.literal("redis").describe("Redis; not available in this version."),
  host: host(),
  port: port(6379),
  ...retries,
  brokerParams: BrokerParamsRedis.prefault({}),
});
export type RedisClientConfig = z.input<typeof RedisClientConfig>;

export const MemoryClientConfig = z.strictObject({
  clientType: z.literal("memory").describe("A broker in this process, without the network."),
  broker: z
    .custom<MessageExchange>(
      (value) => typeof value === "object" && value !== null && "store" in value && "take" in value,
      "must be a SimpleMessageBroker of this process",
    )
    .meta({ description: "The broker itself.", typeText: "SimpleMessageBroker" }),
});
export type MemoryClientConfig = z.input<typeof MemoryClientConfig>;

export type BrokerClientConfig = SimpleClientConfig | RedisClientConfig | MemoryClientConfig;
