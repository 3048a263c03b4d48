/** Sentinels that watch a primary and put one of its replicas in its place. */
import type { RedisAddress, RedisServer } from "./redis-server.js";
import { startInFolder } from "./redis-server.js";
import type { Cleanup } from "./start-broker.js";

export interface SentinelOptions {
  readonly test?: Cleanup;
  /** How many sentinels; 1 unless given. They must agree by majority. */
  readonly count?: 1 | 3;
  /** Replicas of the primary that run already and that each must have found; 1 unless given. */
  readonly replicas?: number;
  readonly downAfterMs?: number;
  /** The password of the sentinels themselves. That of the primary comes with it. */
  readonly password?: string;
}

export interface RedisSentinel {
  /** What the primary is called by the sentinels. */
  readonly name: string;
  readonly sentinels: readonly RedisServer[];
  /** Whom the sentinels now tell to be the primary. */
  primary(): Promise<RedisAddress>;
  /** The primary of the nth failover since the start, once each sentinel knows it. */
  switched(nth?: number): Promise<RedisAddress>;
  [Symbol.asyncDispose](): Promise<void>;
}

const NAME = "millrace";
const DOWN_AFTER_MS = 300;
const FAILOVER_MS = 2_000;

/** Ready when all know each other and the replicas, so that a failover can begin. */
export async function startSentinel(
  primary: RedisServer,
  options: SentinelOptions = {},
): Promise<RedisSentinel> {
  const { test, count = 1, replicas = 1, downAfterMs = DOWN_AFTER_MS, password } = options;
  const quorum = Math.ceil((count + 1) / 2);
  const secret = primary.password;
  const lines = [
    `sentinel monitor ${NAME} ${primary.host} ${primary.port} ${quorum}`,
    `sentinel down-after-milliseconds ${NAME} ${downAfterMs}`,
    `sentinel failover-timeout ${NAME} ${FAILOVER_MS}`,
    ...(secret === undefined ? [] : [`sentinel auth-pass ${NAME} ${secret}`]),
    ...(password === undefined
      ? []
      : [`requirepass "${password}"`, `sentinel sentinel-pass ${password}`]),
  ];
  const ready = /\+monitor master/;
  const own = password === undefined ? {} : { password };
  const kind = { ready, lines, ...own, args: ["--sentinel"], ...(test && { test }) };
  const sentinels: RedisServer[] = [];
  const dispose = async () => {
    await Promise.all(sentinels.map((sentinel) => sentinel[Symbol.asyncDispose]()));
  };
  try {
    for (let index = 0; index < count; index++) sentinels.push(await startInFolder(kind));
    await Promise.all(
      sentinels.flatMap((sentinel) => [
        ...(replicas > 0 ? [sentinel.line(/\+slave slave/, replicas)] : []),
        ...(count > 1 ? [sentinel.line(/\+sentinel sentinel/, count - 1)] : []),
      ]),
    );
  } catch (error) {
    await dispose();
    throw error;
  }
  const [first] = sentinels as [RedisServer];
  return {
    name: NAME,
    sentinels,
    primary: async () => {
      const told = await first.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME);
      const [host, port] = told as [string, string];
      return { host, port: Number(port) };
    },
    switched: async (nth = 1) => {
      const line = /\+switch-master \S+ \S+ \S+ (?<host>\S+) (?<port>\d+)/;
      const told = await Promise.all(sentinels.map((sentinel) => sentinel.line(line, nth)));
      const { host = "", port } = told[0]?.groups ?? {};
      return { host, port: Number(port) };
    },
    [Symbol.asyncDispose]: dispose,
  };
}
