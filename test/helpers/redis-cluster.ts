/** A Redis Cluster of primaries, joined by the commands that an administrator would use. */
import { freePort } from "./free-port.js";
import { type RedisServer, serverLines, startInFolder } from "./redis-server.js";
import type { Cleanup } from "./start-broker.js";

export interface ClusterOptions {
  readonly test?: Cleanup;
  readonly password?: string;
  /** How long a node may be silent before others call it failed. */
  readonly nodeTimeoutMs?: number;
}

export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  /** Which node has the slot of a key, by what the first node knows. */
  nodeOf(key: string): Promise<RedisServer>;
  /** Moves a key with its slot, and all nodes know of it; in between, as `during`, it is on its way. */
  move(key: string, to: RedisServer, during?: () => Promise<void>): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const SLOTS = 16_384;
const NODE_TIMEOUT_MS = 2_000;
const MIGRATE_MS = 5_000;

/** Ready when each node says that the cluster is; they wait two seconds before that. */
export async function startCluster(
  nodeCount = 3,
  options: ClusterOptions = {},
): Promise<RedisCluster> {
  const { password, nodeTimeoutMs = NODE_TIMEOUT_MS } = options;
  const nodes: RedisServer[] = [];
  const buses: number[] = [];
  const dispose = async () => {
    await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
  };
  options.test?.onTestFinished(dispose);
  try {
    while (nodes.length < nodeCount) {
      const bus = await freePort("127.0.0.1");
      const lines = [
        ...serverLines(password === undefined ? {} : { password }),
        "cluster-enabled yes",
        `cluster-port ${bus}`,
        `cluster-node-timeout ${nodeTimeoutMs}`,
      ];
      const ready = /Ready to accept connections/;
      nodes.push(
        await startInFolder({ ready, lines, ...(password !== undefined && { password }) }),
      );
      buses.push(bus);
    }
    await join(nodes, buses);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    nodes,
    nodeOf: (key) => nodeOf(nodes, key),
    move: (key, to, during) => move(nodes, key, { to, during }),
    [Symbol.asyncDispose]: dispose,
  };
}

async function join(nodes: readonly RedisServer[], buses: readonly number[]): Promise<void> {
  const [first] = nodes as [RedisServer];
  for (const [index, node] of nodes.entries()) {
    const from = Math.floor((index * SLOTS) / nodes.length);
    const to = Math.floor(((index + 1) * SLOTS) / nodes.length) - 1;
    await node.command("CLUSTER", "ADDSLOTSRANGE", from, to);
    await node.command("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
    if (index > 0)
      await node.command("CLUSTER", "MEET", first.host, first.port, buses[0] as number);
  }
  await Promise.all(nodes.map((node) => node.line(/Cluster state changed: ok/)));
}

async function nodeOf(nodes: readonly RedisServer[], key: string): Promise<RedisServer> {
  const [first] = nodes as [RedisServer];
  const slot = Number(await first.command("CLUSTER", "KEYSLOT", key));
  type Range = [from: number, to: number, primary: [host: string, port: number, id: string]];
  const ranges = (await first.command("CLUSTER", "SLOTS")) as Range[];
  const range = ranges.find(([from, to]) => from <= slot && slot <= to);
  const node = nodes.find(({ port }) => port === range?.[2][1]);
  if (node === undefined) throw new Error(`no node has the slot ${slot}`);
  return node;
}

async function move(
  nodes: readonly RedisServer[],
  key: string,
  { to, during }: { to: RedisServer; during: (() => Promise<void>) | undefined },
): Promise<void> {
  const from = await nodeOf(nodes, key);
  const slot = Number(await from.command("CLUSTER", "KEYSLOT", key));
  const fromId = String(await from.command("CLUSTER", "MYID"));
  const toId = String(await to.command("CLUSTER", "MYID"));
  await to.command("CLUSTER", "SETSLOT", slot, "IMPORTING", fromId);
  await from.command("CLUSTER", "SETSLOT", slot, "MIGRATING", toId);
  await migrate(from, to, slot);
  await during?.();
  // What was written while the slot was on its way.
  await migrate(from, to, slot);
  for (const node of [to, from, ...nodes.filter((each) => each !== to && each !== from)]) {
    await node.command("CLUSTER", "SETSLOT", slot, "NODE", toId);
  }
}

async function migrate(from: RedisServer, to: RedisServer, slot: number): Promise<void> {
  const keys = (await from.command("CLUSTER", "GETKEYSINSLOT", slot, SLOTS)) as string[];
  if (keys.length === 0) return;
  const login = to.password === undefined ? [] : ["AUTH", to.password];
  const where = [to.host, to.port, "", 0, MIGRATE_MS];
  await from.command("MIGRATE", ...where, ...login, "KEYS", ...keys);
}
