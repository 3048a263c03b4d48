/** Reads the URL of a broker as people write it on a command line. Connects to nothing. */
import type { z } from "zod";
import type { BrokerClientConfig, RedisSettings } from "../client/index.js";
import { RuntimeErrors } from "./errors.js";

const SCHEMES: ReadonlySet<string> = new Set(["simple:", "redis:", "rediss:"]);
const SIMPLE_PORT = 7671;
const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;
const SEVERAL =
  /^redis(?<tls>s)?\+(?<kind>sentinel|cluster):\/\/(?<hosts>[^/?#]+)(?<path>\/[^?#]*)?$/;
const PORT_MAX = 65_535;

/**
 * The client's configuration that a URL stands for:
 *
 * - `simple://host:port` (port 7671 when it is left out)
 * - `redis://user:password@host:port/db`, `rediss://…` with TLS
 * - `redis+sentinel://host:port,host:port/name/db` and `redis+cluster://host:port,host:port`
 *
 * @param redis what a URL of Redis does not say.
 * @throws RUNTIME_BROKER_URL_INVALID; a password in the URL does not reach its text.
 */
export function parseBrokerUrl(
  text: string,
  redis: z.input<typeof RedisSettings> = {},
): BrokerClientConfig {
  const shown = text.replace(/\/\/[^/]*@/, "//…@");
  const fail = (reason: string) => RuntimeErrors.BROKER_URL_INVALID({ url: shown, reason });
  const several = SEVERAL.exec(text);
  if (several !== null) return readSeveral(several.groups as unknown as Several, { redis, fail });
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    const [, port] = /:(\d+)\/?$/.exec(text) ?? [];
    throw fail(Number(port) > PORT_MAX ? `names port ${port}, above ${PORT_MAX}` : "is no URL");
  }
  if (!SCHEMES.has(url.protocol)) throw fail("does not begin with simple:// or redis://");
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (host === "") throw fail("names no host");
  const isSimple = url.protocol === "simple:";
  if (isSimple && (url.username !== "" || url.password !== "")) {
    throw fail("must not carry a name or password");
  }
  const end = isSimple ? "must end after the port" : "must end after the number of the database";
  if (url.search !== "" || url.hash !== "") throw fail(end);
  if (url.port === "0") throw fail("names port 0, where nobody can listen");
  const port = url.port === "" ? undefined : Number(url.port);
  if (isSimple) {
    if (url.pathname !== "" && url.pathname !== "/") throw fail("must end after the port");
    return { clientType: "simple", host, port: port ?? SIMPLE_PORT };
  }
  const login = {
    ...(url.username !== "" && { username: decodeURIComponent(url.username) }),
    ...(url.password !== "" && { password: decodeURIComponent(url.password) }),
  };
  const db = readDb(url.pathname, fail);
  const brokerParams = { ...redis, ...login, db, useSsl: url.protocol === "rediss:" };
  return { clientType: "redis", host, port: port ?? REDIS_PORT, brokerParams };
}

interface Several {
  readonly tls: string | undefined;
  readonly kind: "sentinel" | "cluster";
  readonly hosts: string;
  readonly path: string | undefined;
}

/** Sentinels or nodes of a Cluster; any of them will do, so all may be named. */
function readSeveral(
  { tls, kind, hosts, path = "" }: Several,
  {
    redis,
    fail,
  }: { readonly redis: z.input<typeof RedisSettings>; readonly fail: (reason: string) => Error },
): BrokerClientConfig {
  const standard = kind === "sentinel" ? SENTINEL_PORT : REDIS_PORT;
  const addresses = hosts.split(",").map((each) => {
    const [, host = "", port] = /^(\[[^\]]+\]|[^:@]+)(?::(\d{1,5}))?$/.exec(each) ?? [];
    if (host === "") throw fail(`names no host and port: "${each.replace(/.*@/, "…@")}"`);
    if (Number(port ?? 1) < 1 || Number(port ?? 1) > PORT_MAX) throw fail(`names port ${port}`);
    return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port ?? standard) };
  });
  const params = { ...redis, useSsl: tls !== undefined };
  if (kind === "cluster") {
    if (path !== "" && path !== "/")
      throw fail("must end after the nodes: a Cluster has one database");
    return { clientType: "redis", brokerParams: { ...params, clusterNodes: addresses } };
  }
  const [, name = "", db = ""] = /^\/([^/]+)(\/\d{0,4})?$/.exec(path) ?? [];
  if (name === "") throw fail("must name the primary behind the sentinels: …/mymaster");
  const brokerParams = {
    ...params,
    sentinels: addresses,
    sentinelName: decodeURIComponent(name),
    db: readDb(db, fail),
  };
  return { clientType: "redis", brokerParams };
}

function readDb(path: string, fail: (reason: string) => Error): number {
  const [, db] = /^\/?(\d{0,4})$/.exec(path) ?? [];
  if (db === undefined) throw fail("must end after the number of the database");
  return Number(db);
}

/** The URL under which clients reach a simple broker. */
export function formatBrokerUrl({ host, port }: { readonly host: string; readonly port: number }) {
  return `simple://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
