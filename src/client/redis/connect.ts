/** From a client's configuration to servers and credentials. */
import { readFile } from "node:fs/promises";
import type { RedisClientConfig } from "../config.js";
import type { Login } from "./address.js";
import {
  clusterDirectory,
  type Directory,
  fixedDirectory,
  readPassword,
  sentinelDirectory,
} from "./directory.js";

type Config = ReturnType<typeof RedisClientConfig.parse>;

export function openDirectory(config: Config, login: () => Promise<Login>): Directory {
  const { host, port, brokerParams, connectionTimeoutMs: connectMs } = config;
  const { sentinels, sentinelName: name, clusterNodes } = brokerParams;
  if (sentinels.length > 0) return sentinelDirectory({ sentinels, name, login, connectMs });
  if (clusterNodes.length > 0) return clusterDirectory({ nodes: clusterNodes, login, connectMs });
  return fixedDirectory({ host, port });
}

/** @throws CLIENT_LOGIN_REFUSED when a file cannot be read. */
export async function readLogin({ host, port, brokerParams }: Config): Promise<Login> {
  const { db, useSsl, username, password, passwordFile, caFile, serverName } = brokerParams;
  const address = { host, port };
  return {
    db,
    username,
    password: passwordFile === undefined ? password : await readPassword(passwordFile, address),
    tls: useSsl
      ? {
          rejectUnauthorized: true,
          ...(caFile !== undefined && { ca: await readFile(caFile) }),
          ...(serverName !== undefined && { servername: serverName }),
        }
      : undefined,
  };
}
