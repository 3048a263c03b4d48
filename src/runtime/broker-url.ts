/** Reads the URL of a broker as people write it on a command line. Connects to nothing. */
import type { BrokerClientConfig } from "../client/index.js";
import { RuntimeErrors } from "./errors.js";

const SCHEMES: ReadonlySet<string> = new Set(["simple:", "redis:", "rediss:"]);
const SIMPLE_PORT = 7671;
const REDIS_PORT = 6379;
const PORT_MAX = 65_535;

/**
 * The client's configuration that a URL stands for: `simple://host:port` (port 7671 when it is left
 * out), `redis://host:port/db`, `rediss://…`. Whether this version has such a client is said by
 * `createClient`.
 *
 * @throws RUNTIME_BROKER_URL_INVALID; a password in the URL does not reach its text.
 */
export function parseBrokerUrl(text: string): BrokerClientConfig {
  const shown = text.replace(/\/\/[^/]*@/, "//…@");
  const fail = (reason: string) => RuntimeErrors.BROKER_URL_INVALID({ url: shown, reason });
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    const [, port] = /:(\d+)\/?$/.exec(text) ?? [];
    throw fail(Number(port) > PORT_MAX ? `names port ${port}, above ${PORT_MAX}` : "is no URL");
  }
  if (!SCHEMES.has(url.protocol)) throw fail("does not begin with simple://");
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (host === "") throw fail("names no host");
  if (url.username !== "" || url.password !== "") throw fail("must not carry a name or password");
  if (url.search !== "" || url.hash !== "") throw fail("must end after the port");
  if (url.port === "0") throw fail("names port 0, where nobody can listen");
  const port = url.port === "" ? undefined : Number(url.port);
  if (url.protocol === "simple:") {
    if (url.pathname !== "" && url.pathname !== "/") throw fail("must end after the port");
    return { clientType: "simple", host, port: port ?? SIMPLE_PORT };
  }
  const [, db = "0"] = /^\/?(\d{0,4})$/.exec(url.pathname) ?? [];
  const brokerParams = { db: Number(db), useSsl: url.protocol === "rediss:" };
  return { clientType: "redis", host, port: port ?? REDIS_PORT, brokerParams };
}

/** The URL under which clients reach a simple broker. */
export function formatBrokerUrl({ host, port }: { readonly host: string; readonly port: number }) {
  return `simple://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
