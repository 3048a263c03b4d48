/** The configuration types of the original framework: how a source or a sink reaches its broker. */
import { z } from "zod";
import { MiB } from "../core/index.js";
import type { MessageExchange } from "../wire/index.js";
import { ObjectsConfig } from "./objects/objects-config.js";
import { STRATEGIES } from "./redis/sub-queues.js";

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

const address = z.strictObject({
  host: z.string().min(1),
  port: z.number().int().min(1).max(65_535),
});

/** Without a URL everything lies in Redis. */
const ObjectsSettings = z.strictObject({
  ...ObjectsConfig.shape,
  url: ObjectsConfig.shape.url.optional(),
});

/** Two days, as long as nv-ingest's service remembers a job. */
const KNOWN_MS = 172_800_000;

export const BrokerParamsRedis = z.strictObject({
  db: z.number().int().min(0).default(0).describe("Number of the database."),
  useSsl: z.boolean().default(false).describe("Connect with TLS, verifying the server."),
  username: z.string().min(1).optional().describe("User of the access control list."),
  password: z.string().min(1).optional().describe("Its password; better in a file."),
  passwordFile: z
    .string()
    .min(1)
    .optional()
    .describe("File that holds the password, read anew for each connection."),
  caFile: z.string().min(1).optional().describe("Certificates that TLS trusts besides, as PEM."),
  serverName: z
    .string()
    .min(1)
    .optional()
    .describe("Name that the server's certificate must have, where it is not the host."),
  sentinels: z.array(address).default([]).meta({
    description: "Sentinels that know which server is the primary; host and port are not used.",
    typeText: "list of {host, port}",
  }),
  sentinelName: z.string().min(1).default("mymaster").describe("Name of the primary there."),
  clusterNodes: z.array(address).default([]).meta({
    description: "Some nodes of a Redis Cluster; host and port are not used.",
    typeText: "list of {host, port}",
  }),
  strategy: z
    .enum(STRATEGIES)
    .default("lottery")
    .describe(
      "How deliveries are chosen among the queues by size (_micro, _small and so on) behind those of " +
        "_immediate; simple: the queue itself alone.",
    ),
  maxQueueSize: z
    .number()
    .int()
    .min(0)
    .default(100_000)
    .describe(
      "Messages a queue may hold, those in work included; 0: as many as Redis has memory for.",
    ),
  maxDeliveries: z
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(3)
    .describe("How often a job may kill or lose its consumer before it is given up."),
  jobTimeoutMs: ms()
    .default(KNOWN_MS)
    .describe("How long a job that nobody answers is known as one."),
  resultMs: ms().default(KNOWN_MS).describe("How long a result waits for its first fetch."),
  fetchedResultMs: z
    .number()
    .int()
    .min(0)
    .max(2_147_483_647)
    .default(600_000)
    .describe("How long a fetched result can be fetched again; 0: it goes with the fetch."),
  maxFragmentBytes: z
    .number()
    .int()
    .min(1_024)
    .max(256 * MiB)
    .default(128 * MiB)
    .describe("A longer result is divided into fragments of whole records, as nv-ingest does."),
  maxDeadLetters: z
    .number()
    .int()
    .min(0)
    .default(10_000)
    .describe("Dead letters kept; beyond it the oldest are dropped."),
  objects: ObjectsSettings.prefault({}).describe("Where large messages lie outside of Redis."),
});
export type BrokerParamsRedis = z.input<typeof BrokerParamsRedis>;

/** What a URL does not say. */
export const RedisSettings = BrokerParamsRedis.omit({
  db: true,
  useSsl: true,
  sentinels: true,
  sentinelName: true,
  clusterNodes: true,
});

export const RedisClientConfig = z.strictObject({
  clientType: z.literal("redis").default("redis").describe("Redis or Valkey."),
  host: host(),
  port: port(6379),
  ...retries,
  brokerParams: BrokerParamsRedis.prefault({}),
});
export type RedisClientConfig = z.input<typeof RedisClientConfig> & {
  readonly clientType: "redis";
};

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
