/** Every option of the broker, with its default, bounds and meaning. */
import { totalmem } from "node:os";
import { z } from "zod";
import { GiB, KiB, MiB } from "../core/index.js";
import { DURABILITIES } from "./store/message-store.js";

const ms = () => z.number().int().min(1).max(2_147_483_647);

export const BrokerOptions = z.strictObject({
  host: z
    .string()
    .min(1)
    .default("127.0.0.1")
    .describe("Address to listen at. Other than loopback needs allowRemote."),
  port: z
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(7671)
    .describe("TCP port; 0 lets the system pick a free one."),
  allowRemote: z
    .boolean()
    .default(false)
    .describe("Listen where other machines can connect. There is no password and no encryption."),
  brokerParams: z
    .strictObject({
      maxQueueSize: z
        .number()
        .int()
        .default(10_000)
        .describe("Messages a queue holds, those in work included; 0 or less: no limit."),
      maxQueueBytes: z
        .number()
        .int()
        .min(0)
        .default(0)
        .describe("Bytes of messages a queue holds; 0: no limit but that of all queues."),
    })
    .prefault({}),
  durability: z
    .enum(DURABILITIES)
    .default("memory")
    .describe(
      "When a message counts as stored: on the disk, with the operating system, or in memory, where " +
        "it is lost with the process.",
    ),
  dataDir: z
    .string()
    .min(1)
    .default("./.millrace")
    .describe("Directory of the messages, unless durability is memory."),
  maxStoredBytes: z
    .number()
    .int()
    .min(1 * MiB)
    .default(64 * GiB)
    .describe("Bytes of files in dataDir; a tenth of it is kept for results."),
  minFreeBytes: z
    .number()
    .int()
    .min(0)
    .default(64 * MiB)
    .describe("What must stay free on the disk for a message to be taken."),
  maxCachedBytes: z
    .number()
    .int()
    .min(0)
    .default(64 * MiB)
    .describe("Bodies kept in memory besides the disk, so that they need not be read back."),
  segmentBytes: z
    .number()
    .int()
    .min(64 * KiB)
    .max(4 * GiB)
    .default(64 * MiB)
    .describe("Length at which a new file is begun; a file goes when all in it is done."),
  maxFrameBytes: z
    .number()
    .int()
    .min(1_024)
    .max(480 * MiB)
    .default(384 * MiB)
    .describe("Largest frame taken in, in bytes."),
  maxHeldBytes: z
    .number()
    .int()
    .min(1 * MiB)
    .default(() => Math.floor(totalmem() / 4))
    .meta({
      description: "Bytes of messages and arriving frames kept in memory at a time.",
      defaultText: "a quarter of the machine's memory",
    }),
  maxConnections: z
    .number()
    .int()
    .min(1)
    .default(12_000)
    .describe("Connections at a time; further ones are accepted and closed."),
  maxWaitersPerQueue: z
    .number()
    .int()
    .min(0)
    .default(10_000)
    .describe("Consumers that may wait at one queue; further ones are told 'not ready' at once."),
  maxQueueNameBytes: z
    .number()
    .int()
    .min(1)
    .max(8 * KiB)
    .default(1_024)
    .describe("Longest queue name, in bytes of UTF-8."),
  headerTimeoutMs: ms()
    .default(10_000)
    .describe("How long the eight header bytes of a frame may take from the first on."),
  frameTimeoutMs: ms().default(30_000).describe("How long a frame may pause between two bytes."),
  idleTimeoutMs: ms()
    .default(600_000)
    .describe("How long a connection may ask for nothing before it is closed."),
  maxAckWaitMs: ms()
    .default(3_600_000)
    .describe("Longest wait for an ACK, also for 'timeout: null'."),
  maxHoldMs: z
    .number()
    .int()
    .min(0)
    .max(2_147_483_647)
    .default(240_000)
    .describe("Longest time a POP is held on an empty queue; 0 answers at once."),
  drainTimeoutMs: ms()
    .default(4_000)
    .describe("On stop, how long transactions in progress may take to end."),
});

export type BrokerOptions = z.input<typeof BrokerOptions>;
export type BrokerConfig = z.output<typeof BrokerOptions>;
