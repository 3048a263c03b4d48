/** Where the Redis is that holds a key: one server, what Sentinel names, or a node of a Cluster. */
import { readFile } from "node:fs/promises";
import { ClientErrors } from "../errors.js";
import type { Address, Login } from "./address.js";
import { hashSlot } from "./hash-slot.js";
import { Line } from "./line.js";

export interface Directory {
  /** Keys of different hash slots may lie on different servers, so one step cannot touch both. */
  readonly isCluster: boolean;
  /** @throws CLIENT_BROKER_UNAVAILABLE */
  addressOf(key: string): Promise<Address>;
  /** What was known may be wrong: it is asked again. */
  forget(): void;
}

export function fixedDirectory(address: Address): Directory {
  return { isCluster: false, addressOf: async () => address, forget() {} };
}

/** Asks the sentinels one after the other which server is the primary. */
export function sentinelDirectory(options: {
  readonly sentinels: readonly Address[];
  readonly name: string;
  readonly login: () => Promise<Login>;
  readonly connectMs: number;
}): Directory {
  const { sentinels, name, login, connectMs } = options;
  let known: Promise<Address> | undefined;
  const ask = async (): Promise<Address> => {
    let reason = "";
    for (const sentinel of sentinels) {
      try {
        const line = await Line.open(sentinel, { ...(await login()), db: 0, connectMs });
        try {
          const args = ["SENTINEL", "get-master-addr-by-name", name];
          const answer = await line.run(args, connectMs);
          if (Array.isArray(answer)) return { host: String(answer[0]), port: Number(answer[1]) };
          reason = `${sentinel.host}:${sentinel.port} knows no primary "${name}"`;
        } finally {
          line.close();
        }
      } catch (error) {
        reason = String((error as Error).message);
      }
    }
    const [first] = sentinels as [Address];
    throw ClientErrors.BROKER_UNAVAILABLE({ ...first, reason: `no sentinel helps: ${reason}` });
  };
  return {
    isCluster: false,
    addressOf() {
      known ??= ask().catch((error: unknown) => {
        known = undefined;
        throw error;
      });
      return known;
    },
    forget() {
      known = undefined;
    },
  };
}

interface Shard {
  readonly from: number;
  readonly to: number;
  readonly address: Address;
}

/** Knows which node serves which slots, as any node of the Cluster tells. */
export function clusterDirectory(options: {
  readonly nodes: readonly Address[];
  readonly login: () => Promise<Login>;
  readonly connectMs: number;
}): Directory {
  const { nodes, login, connectMs } = options;
  let shards: Promise<readonly Shard[]> | undefined;
  let lastNodes: readonly Address[] = [];
  const ask = async (): Promise<readonly Shard[]> => {
    let reason = "";
    for (const node of [...lastNodes, ...nodes]) {
      try {
        const line = await Line.open(node, { ...(await login()), connectMs });
        try {
          const found = readSlots(await line.run(["CLUSTER", "SLOTS"], connectMs), node);
          if (found.length > 0) return found;
          reason = "no node serves any slots";
        } finally {
          line.close();
        }
      } catch (error) {
        reason = String((error as Error).message);
      }
    }
    const [first] = nodes as [Address];
    throw ClientErrors.BROKER_UNAVAILABLE({ ...first, reason: `no node helps: ${reason}` });
  };
  return {
    isCluster: true,
    async addressOf(key) {
      shards ??= ask().catch((error: unknown) => {
        shards = undefined;
        throw error;
      });
      const slot = hashSlot(key);
      const all = await shards;
      const found = all.find(({ from, to }) => from <= slot && slot <= to);
      if (found !== undefined) return found.address;
      this.forget();
      const [first] = nodes as [Address];
      throw ClientErrors.BROKER_UNAVAILABLE({ ...first, reason: `nobody serves slot ${slot}` });
    },
    forget() {
      shards?.then(
        (all) => {
          lastNodes = all.map(({ address }) => address);
        },
        () => {},
      );
      shards = undefined;
    },
  };
}

/** The answer to CLUSTER SLOTS: from, to, primary, replicas… A node that names no host is asked. */
function readSlots(answer: unknown, asked: Address): Shard[] {
  if (!Array.isArray(answer)) return [];
  return answer.map((row: unknown) => {
    const [from, to, primary] = row as [number, number, [string, number]];
    const [host, port] = primary;
    return { from, to, address: { host: host || asked.host, port } };
  });
}

/** The content of a file that holds nothing but a password. @throws CLIENT_LOGIN_REFUSED */
export async function readPassword(path: string, address: Address): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (cause) {
    throw ClientErrors.LOGIN_REFUSED({ ...address, reason: `cannot read ${path}` }, cause);
  }
}
